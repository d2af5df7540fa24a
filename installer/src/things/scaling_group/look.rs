//! What Auto Scaling says of a group, in the form that it is compared in.

use std::collections::BTreeMap;

use serde_json::json;

use crate::aws::Element;
use crate::desired::Seen;
use crate::launch_template::OWNER_TAG;
use crate::things::Look;

/// What Auto Scaling says of a group, whose template says `template` of itself.
pub(super) fn look(group: &Element, template: &str) -> Look {
    let mut subnets: Vec<_> =
        group.text("VPCZoneIdentifier").split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    subnets.sort_unstable();
    let tags = tags(group);
    let value = json!({
        "maxSize": group.text("MaxSize"),
        "minSize": group.text("MinSize"),
        "subnets": subnets,
        "tags": tags,
        "template": template,
    });
    let instances: Vec<_> = group.members("Instances").collect();
    let (serving, wanted) = sizes(group);
    let version =
        |element: &Element| element.child("LaunchTemplate").map(|there| there.text("Version").to_owned());
    let old = instances.iter().filter(|instance| version(instance) != version(group)).count();
    // Only said while it is being deleted.
    let status = group.text("Status");
    let mut note = format!("{serving} of {wanted} nodes in service");
    if old > 0 {
        note = format!(
            "{note}, {old} of another template: aws autoscaling start-instance-refresh replaces them"
        );
    }
    if !status.is_empty() {
        note = format!("{status}; {note}");
    }
    if emptied(group) && !instances.is_empty() {
        note = format!("{} instances are ending", instances.len());
    }
    let pending = (emptied(group) && !instances.is_empty() || !status.is_empty()).then(|| note.clone());
    let seen = Seen::Present { owner: tags.get(OWNER_TAG).cloned(), value };
    Look { seen, pending, note: Some(note), sick: false }
}

/// Instances that serve, and that are wanted.
fn sizes(group: &Element) -> (usize, usize) {
    let serves = |instance: &&Element| instance.text("LifecycleState") == "InService";
    let wanted = group.text("DesiredCapacity").parse().unwrap_or_default();
    (group.members("Instances").filter(serves).count(), wanted)
}

/// Whether it wants more instances than it has.
pub(super) fn lacks(group: &Element) -> bool {
    let (serving, wanted) = sizes(group);
    serving < wanted
}

/// Whether it is to have no instance any more, which no settings ask for: its removal has begun.
pub(super) fn emptied(group: &Element) -> bool {
    group.text("MaxSize") == "0" && group.text("DesiredCapacity") == "0"
}

/// Its tags.
pub(super) fn tags(group: &Element) -> BTreeMap<String, String> {
    group.members("Tags").map(|tag| (tag.text("Key").to_owned(), tag.text("Value").to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Look {
        let tag = format!("<member><Key>{OWNER_TAG}</Key><Value>us</Value></member>");
        let text = format!(
            "<member><MinSize>0</MinSize><MaxSize>4</MaxSize><DesiredCapacity>2</DesiredCapacity>\
             <VPCZoneIdentifier>subnet-b, subnet-a</VPCZoneIdentifier><Tags>{tag}</Tags>\
             <LaunchTemplate><Version>3</Version></LaunchTemplate>{more}</member>"
        );
        look(&Element::read(text.as_bytes()).unwrap(), "x")
    }

    fn instance(state: &str, version: &str) -> String {
        format!(
            "<member><LifecycleState>{state}</LifecycleState><LaunchTemplate><Version>{version}</Version>\
             </LaunchTemplate></member>"
        )
    }

    #[test]
    fn only_a_removal_is_waited_for_and_old_nodes_are_told() {
        let found = read(&format!(
            "<Instances>{}{}</Instances>",
            instance("InService", "3"),
            instance("InService", "2")
        ));
        let Seen::Present { owner, value } = found.seen else { panic!("it is there") };
        assert_eq!((owner.as_deref(), found.pending), (Some("us"), None));
        assert_eq!((&value["subnets"], &value["maxSize"]), (&json!(["subnet-a", "subnet-b"]), &json!("4")));
        assert!(found.note.unwrap().starts_with("2 of 2 nodes in service, 1 of another template"));
        let found = read(&format!("<Instances>{}</Instances>", instance("Pending", "3")));
        assert_eq!((found.pending, found.note.as_deref()), (None, Some("0 of 2 nodes in service")));
        let ending = format!(
            "<group><MaxSize>0</MaxSize><DesiredCapacity>0</DesiredCapacity><Instances>{}</Instances></group>",
            instance("Terminating", "3")
        );
        let ending = look(&Element::read(ending.as_bytes()).unwrap(), "x");
        assert_eq!(ending.pending.as_deref(), Some("1 instances are ending"));
        let all = format!(
            "<Instances>{0}{0}</Instances><Status>Delete in progress</Status>",
            instance("InService", "3")
        );
        assert!(read(&all).pending.unwrap().starts_with("Delete in progress"));
    }
}
