//! Everything that an installation can make inside the cluster, and what of it the settings ask for.

use serde_json::Value;

use super::catalogue::{Maker, Row};
use super::{CatalogueError, DefaultClass, Kind, NAMESPACE, Object};
use crate::daemonset;
use crate::kube::{path, yaml};
use crate::policies::karpenter_node_role;
use crate::render::kubernetes::manifests;
use crate::render::{dra, karpenter};
use crate::settings::Loaded;

/// The one default StorageClass.
const DEFAULT_CLASS: &str = "gp3";

pub(super) fn add(maker: &mut Maker<'_>, loaded: &Loaded) -> Result<(), CatalogueError> {
    for manifest in manifests(maker.settings()) {
        let why = |why| CatalogueError::Manifest { file: manifest.path, why };
        let objects = yaml::documents(&manifest.text).map_err(why)?;
        add_objects(maker, (manifest.path, objects), manifest.wanted, Vec::new())?;
    }
    super::charts::add(maker);
    for driver in dra::drivers(maker.settings()) {
        let plugin = id("DaemonSet", NAMESPACE, driver.plugin);
        maker.exclude(&plugin, &format!("helm/{}", driver.name));
    }
    add_daemonset(maker)?;
    add_karpenter(maker, loaded)?;
    let made = DefaultClass { name: DEFAULT_CLASS, owner: maker.owner() };
    let row = Row::new("default class", made.desired(), true, Kind::DefaultClass(made));
    // There is always one: the new default comes before the others go.
    maker.add("kubernetes/StorageClass/default".to_owned(), row, &[id("StorageClass", "", DEFAULT_CLASS)]);
    Ok(())
}

fn add_daemonset(maker: &mut Maker<'_>) -> Result<(), CatalogueError> {
    let why = |why| CatalogueError::Manifest { file: daemonset::FILE, why };
    for file in daemonset::files(maker.settings()).map_err(why)? {
        add_objects(maker, (file.path, file.objects), file.wanted, Vec::new())?;
    }
    Ok(())
}

/// Node classes and pools: after the release, which brings their kinds, and after all by which a node can join. So they
/// go first, while Karpenter is there to end their nodes.
fn add_karpenter(maker: &mut Maker<'_>, loaded: &Loaded) -> Result<(), CatalogueError> {
    let settings = maker.settings();
    let files = if settings.install_karpenter {
        karpenter::documents(loaded).map_err(CatalogueError::Karpenter)?
    } else {
        karpenter::names()
    };
    let role = karpenter_node_role(&settings.cluster_name);
    let needs = ["helm/karpenter".to_owned(), format!("eks-access-entry/{role}")];
    for file in files {
        let wanted = karpenter::is_wanted(settings, file.0);
        add_objects(maker, file, wanted, needs.to_vec())?;
    }
    Ok(())
}

/// The objects of one file, each after the one before it, as in the file: where the first one is somebody else's, the
/// others are left out.
fn add_objects(
    maker: &mut Maker<'_>,
    (file, objects): (&'static str, Vec<Value>),
    wanted: bool,
    needs: Vec<String>,
) -> Result<(), CatalogueError> {
    let mut before = needs;
    for object in objects {
        let place =
            path(&object).map_err(|error| CatalogueError::Manifest { file, why: error.to_string() })?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, metadata) = (text(&object["kind"]), &object["metadata"]);
        let id = id(&kind, &text(&metadata["namespace"]), &text(&metadata["name"]));
        let made = Object::new(place, object, &maker.owner());
        let row = Row::new("Kubernetes object", made.desired(), wanted, Kind::Object(Box::new(made)));
        before = vec![maker.add(id, row, &before)];
    }
    Ok(())
}

fn id(kind: &str, namespace: &str, name: &str) -> String {
    let place = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    format!("kubernetes/{kind}/{place}{name}")
}
