//! The user data of GPU nodes: what their agent is told, how it gets there, and nodeadm's part where EKS adds none.
//! The host library writes it; here is only what goes in.

use gpunode_host::spec::{self, Errors, Layer};
use gpunode_host::user_data::write::{Fetch, FetchError, Start, UserData, WriteError};

use crate::launch_template::DATA_DEVICE;
use crate::settings::{Settings, Size};

/// Why there is no user data.
#[derive(Debug, thiserror::Error)]
pub enum UserDataError {
    /// Settings of the node that cannot be used.
    #[error(transparent)]
    Settings(#[from] Errors),
    /// A URL or a sum.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Too long, or not what its readers take.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What goes into the user data. `variables` are the operator's own `GPUNODE_…`, which win over the rest.
pub fn of(settings: &Settings, variables: &[(String, String)]) -> Result<UserData, UserDataError> {
    let layers = [Layer::env(shared(settings)), disks(settings), Layer::env(variables.iter().cloned())];
    let start = match (&settings.agent_url, &settings.agent_sha256) {
        (Some(url), Some(sum)) => Start::Fetch(Fetch::new(url, sum)?),
        _ => Start::Baked,
    };
    // Where EKS picks the image it adds the NodeConfig by itself.
    let node_configs = settings.gpu_ami_id.iter().map(|_| node_config(settings)).collect();
    Ok(UserData { start, settings: spec::written_toml(&layers)?, node_configs })
}

/// The names that both sides know.
fn shared(settings: &Settings) -> Vec<(&'static str, String)> {
    let mut shared = vec![
        ("CLUSTER_NAME", settings.cluster_name.clone()),
        ("AWS_REGION", settings.aws_region.clone()),
        ("GPU_INSTANCE_TYPE", settings.gpu_instance_type.clone()),
        ("NVIDIA_DRIVER_VERSION", settings.nvidia_driver_version.clone()),
        ("EFA_DRIVER_VERSION", settings.efa_driver_version.clone()),
        ("NCCL_VERSION", settings.nccl_version.clone()),
        ("GPU_EFA_LAYOUT", settings.gpu_efa_layout.word().to_owned()),
    ];
    shared.extend(settings.gpu_num_enis.map(|count| ("GPU_NUM_ENIS", count.to_string())));
    shared
}

/// Instance store is faster and is there anyway; a data volume made of both kinds would lose what EBS keeps.
fn disks(settings: &Settings) -> Layer {
    let stored = settings.instance_type().is_some_and(|kind| kind.disk_count() > 0);
    if stored || settings.gpu_data_volume_size == Size::None {
        return Layer::flags::<String>([]);
    }
    Layer::flags([
        "dataVolumes.instanceStore=none".to_owned(),
        format!("dataVolumes.ebsVolumes={DATA_DEVICE}"),
    ])
}

/// For nodeadm: what it cannot find out by itself.
fn node_config(settings: &Settings) -> String {
    let value = |value: &Option<String>| quoted(value.as_deref().unwrap_or_default());
    format!(
        "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n    name: {}\n    \
         apiServerEndpoint: {}\n    certificateAuthority: {}\n    cidr: {}\n",
        quoted(&settings.cluster_name),
        value(&settings.cluster_endpoint),
        value(&settings.cluster_ca),
        value(&settings.cluster_cidr),
    )
}

/// JSON's strings are YAML's too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
