//! Everything that an installation can make inside the cluster, and what of it the settings ask for.

use serde_json::Value;

use super::catalogue::{Maker, Row};
use super::{CatalogueError, DefaultClass, Kind, Object};
use crate::kube::{path, yaml};
use crate::render::kubernetes::{Manifest, manifests};

/// The one default StorageClass.
const DEFAULT_CLASS: &str = "gp3";

pub(super) fn add(maker: &mut Maker<'_>) -> Result<(), CatalogueError> {
    for manifest in manifests(maker.settings()) {
        add_manifest(maker, &manifest)?;
    }
    super::charts::add(maker);
    let made = DefaultClass { name: DEFAULT_CLASS, owner: maker.owner() };
    let row = Row::new("default class", made.desired(), true, Kind::DefaultClass(made));
    // There is always one: the new default comes before the others go.
    maker.add("kubernetes/StorageClass/default".to_owned(), row, &[id("StorageClass", "", DEFAULT_CLASS)]);
    Ok(())
}

/// The objects of one file, each after the one before it, as in the file: where the first one is somebody else's, the
/// others are left out.
fn add_manifest(maker: &mut Maker<'_>, manifest: &Manifest) -> Result<(), CatalogueError> {
    let ours = |why: String| CatalogueError::Manifest { file: manifest.path, why };
    let mut before: Vec<String> = Vec::new();
    for object in yaml::documents(&manifest.text).map_err(ours)? {
        let place = path(&object).map_err(|error| ours(error.to_string()))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, metadata) = (text(&object["kind"]), &object["metadata"]);
        let id = id(&kind, &text(&metadata["namespace"]), &text(&metadata["name"]));
        let made = Object::new(place, object, &maker.owner());
        let row =
            Row::new("Kubernetes object", made.desired(), manifest.wanted, Kind::Object(Box::new(made)));
        before = vec![maker.add(id, row, &before)];
    }
    Ok(())
}

fn id(kind: &str, namespace: &str, name: &str) -> String {
    let place = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    format!("kubernetes/{kind}/{place}{name}")
}
