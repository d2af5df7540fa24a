use super::*;
use crate::render::tests::loaded;

/// The class in Karpenter's file of this name.
fn class(more: &str, name: &str) -> Value {
    let documents = documents(&loaded(&format!("INSTALL_KARPENTER=1\n{more}"))).unwrap();
    let mut objects = documents.into_iter().flat_map(|(_, objects)| objects);
    let is_it = |object: &Value| object["kind"] == "EC2NodeClass" && object["metadata"]["name"] == name;
    objects.find(is_it).unwrap()["spec"].clone()
}

#[test]
fn karpenter_says_interfaces_only_where_it_can() {
    let interfaces = |more: &str| class(more, "gpu")["networkInterfaces"].clone();
    assert_eq!(interfaces("KARPENTER_VERSION=1.10.0\n"), Value::Null);
    let new = interfaces("KARPENTER_VERSION=1.14.0\n");
    let only = new.as_array().unwrap().iter().filter(|interface| interface["interfaceType"] == "efa-only");
    assert_eq!(only.count(), 16);
    assert_eq!(interfaces("KARPENTER_VERSION=1.14.0\nGPU_EFA_LAYOUT=combined\n"), Value::Null);
}

#[test]
fn karpenter_s_objects_are_known_by_name_also_where_nobody_asks_for_them() {
    let loaded = loaded("INSTALL_KARPENTER=1\n");
    let bare = |object: &Value| json!({ "apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": object["metadata"] });
    let documents = documents(&loaded).unwrap();
    let named = documents.map(|(path, objects)| (path, objects.iter().map(bare).collect::<Vec<_>>()));
    assert_eq!(named, names());
}
