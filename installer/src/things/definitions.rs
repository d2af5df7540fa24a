//! The custom resource definitions of a chart. Helm makes them with the first installation and never again ("Custom
//! Resource Definitions" in its documentation), so a newer chart would find the older ones.

use std::ffi::OsString;

use serde_json::Value;

use crate::aws::{Door, Failure, Meaning};
use crate::helm;
use crate::kube::yaml;

const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// Helm's annotation on what is among the objects of a release, as the definitions of a chart of their own are.
const RELEASE: &str = "meta.helm.sh/release-name";

/// Applies those of the chart that `chart` names to helm. What another release brought is left to it.
pub(super) async fn bring(door: &Door, chart: Vec<OsString>) -> Result<(), Failure> {
    let call = "helm show";
    let client = door.cluster()?;
    door.recorder().looked();
    let said =
        helm::run(client, call, ["show".into(), "crds".into()].into_iter().chain(chart).collect()).await?;
    let read = yaml::documents(&String::from_utf8_lossy(&said));
    let definitions = read.map_err(|why| Failure {
        call,
        meaning: Meaning::Never,
        what: format!("the chart's definitions: {why}"),
    })?;
    for definition in definitions.iter().filter(|object| object["kind"] == "CustomResourceDefinition") {
        let path = format!("{PATH}/{}", definition["metadata"]["name"].as_str().unwrap_or_default());
        let found = client.get(&path).await?.unwrap_or(Value::Null);
        if found["metadata"]["annotations"][RELEASE].is_null() {
            client.apply(&path, definition).await?;
        }
    }
    Ok(())
}
