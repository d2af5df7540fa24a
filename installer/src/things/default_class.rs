//! That one StorageClass is the default: the annotation is taken from all others, whoever set it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Look;
use crate::aws::{Door, Failure};
use crate::desired::Seen;

/// What a class is the default by; the older one still counts. Source: Kubernetes, `pkg/volume/util/storageclass.go`.
const ANNOTATIONS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
pub(crate) const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";

/// It is nobody's thing: it is seen as the owner's, so that it is repaired, and is not among what is removed.
#[derive(Clone, Debug)]
pub(super) struct DefaultClass {
    /// The one that may be it.
    pub(super) name: &'static str,
    pub(super) owner: String,
}

impl DefaultClass {
    #[expect(clippy::unused_self, reason = "every thing has this method")]
    pub(super) fn desired(&self) -> Value {
        json!({ "other defaults": [] })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let value = json!({ "other defaults": self.others(door).await? });
        Ok(Seen::Present { owner: Some(self.owner.clone()), value }.into())
    }

    async fn others(&self, door: &Door) -> Result<BTreeSet<String>, Failure> {
        let classes = door.cluster()?.list_metadata(CLASSES).await?;
        Ok(defaults(&classes).filter(|name| name != self.name).collect())
    }

    /// There is always something to be seen, so nothing is ever made.
    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        self.update(door).await
    }

    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        let without =
            json!({ "metadata": { "annotations": { ANNOTATIONS[0]: null, ANNOTATIONS[1]: null } } });
        for name in self.others(door).await? {
            door.cluster()?.merge(&format!("{CLASSES}/{name}"), &without).await?;
        }
        Ok(())
    }

    #[expect(clippy::unused_async, reason = "every thing has this method")]
    pub(super) async fn delete(&self, _: &Door) -> Result<(), Failure> {
        Ok(())
    }
}

/// Names of the classes that are the default.
pub(crate) fn defaults(classes: &[Value]) -> impl Iterator<Item = String> {
    let is_default = |class: &&Value| {
        let annotations = &class["metadata"]["annotations"];
        ANNOTATIONS.iter().any(|name| annotations[name] == "true")
    };
    classes
        .iter()
        .filter(is_default)
        .filter_map(|class| class["metadata"]["name"].as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_annotation_makes_a_default() {
        let class = |name: &str, annotations: Value| json!({ "metadata": { "name": name, "annotations": annotations } });
        let classes = [
            class("gp2", json!({ ANNOTATIONS[0]: "true" })),
            class("old", json!({ ANNOTATIONS[1]: "true" })),
            class("io2", json!({ ANNOTATIONS[0]: "false" })),
            class("plain", Value::Null),
        ];
        assert_eq!(defaults(&classes).collect::<Vec<_>>(), ["gp2", "old"]);
    }
}
