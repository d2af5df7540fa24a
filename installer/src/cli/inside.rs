//! The way to the cluster's API server, for every command that looks inside.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::aws::{Cluster, Door, Meaning};
use crate::environment;
use crate::kube::{Access, Client, EksToken, Identity};
use crate::settings::Settings;

/// Between the first questions, where the answer is trouble: not for long, as somebody waits who may have no way there.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(500)];

/// How the cluster is reached.
#[derive(Debug, clap::Args)]
pub(super) struct InsideArgs {
    /// The cluster by this kubeconfig; without it by KUBECONFIG, else by what EKS says and a token of the AWS credentials
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; without it its current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl InsideArgs {
    /// A client that is known to be answered, or why there is none.
    pub(super) async fn client(
        &self,
        settings: &Settings,
        cluster: &Cluster,
        door: &Door,
    ) -> Result<Client, String> {
        let access = self.access(settings, cluster, door)?;
        let origin = access.origin.clone();
        let client = Client::new(access, door.recorder().clone()).map_err(|error| error.to_string())?;
        for wait in WAITS {
            match client.get("/version").await {
                Err(failure) if failure.meaning == Meaning::Later => tokio::time::sleep(wait).await,
                Ok(_) => return Ok(client),
                Err(failure) => return Err(format!("{failure} (by {origin})")),
            }
        }
        match client.get("/version").await {
            Ok(_) => Ok(client),
            Err(failure) => Err(format!("{failure} (by {origin})")),
        }
    }

    fn access(&self, settings: &Settings, cluster: &Cluster, door: &Door) -> Result<Access, String> {
        let variable = || {
            environment::pairs().into_iter().find(|(name, value)| name == "KUBECONFIG" && !value.is_empty())
        };
        let context = self.context.as_deref();
        if let Some(path) = &self.kubeconfig {
            return Access::kubeconfig(path, context).map_err(|error| error.to_string());
        }
        let Some((_, path)) = variable() else {
            return eks(settings, cluster, door);
        };
        if path.contains(':') {
            return Err(format!("KUBECONFIG names several files ({path}): name one with --kubeconfig"));
        }
        let access = Access::kubeconfig(path.as_ref(), context).map_err(|error| error.to_string())?;
        // It may have been set for another cluster; a file that is named for this command is meant.
        if !access.server.eq_ignore_ascii_case(cluster.endpoint.trim_end_matches('/')) {
            return Err(format!(
                "KUBECONFIG ({}) is for {}, but the API server of {} is {}: unset it, or name the file with --kubeconfig",
                access.origin, access.server, settings.cluster_name, cluster.endpoint
            ));
        }
        Ok(access)
    }
}

/// As EKS describes it, by the AWS credentials.
fn eks(settings: &Settings, cluster: &Cluster, door: &Door) -> Result<Access, String> {
    let authority = STANDARD.decode(&cluster.authority).ok().filter(|authority| !authority.is_empty());
    let authority = authority.ok_or("EKS does not say the API server's certificate authority")?;
    let credentials = door.credentials.clone().ok_or("there are no AWS credentials")?;
    if !cluster.endpoint.starts_with("https://") {
        return Err(format!("EKS says {:?} as the API server's URL", cluster.endpoint));
    }
    let (region, name) = (settings.aws_region.clone(), settings.cluster_name.clone());
    Ok(Access {
        server: cluster.endpoint.trim_end_matches('/').to_owned(),
        authority,
        server_name: None,
        identity: Identity::Eks(EksToken { credentials, region, cluster: name }),
        origin: "what EKS says".to_owned(),
    })
}
