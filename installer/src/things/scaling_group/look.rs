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
    let serving = instances.iter().filter(|instance| instance.text("LifecycleState") == "InService").count();
    let wanted: usize = group.text("DesiredCapacity").parse().unwrap_or_default();
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
    let pending = (serving < wanted || !status.is_empty()).then(|| note.clone());
    let seen = Seen::Present { owner: tags.get(OWNER_TAG).cloned(), value };
    Look { seen, pending, note: Some(note), sick: false }
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
    fn nodes_that_do_not_serve_yet_are_waited_for_and_old_ones_told() {
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
        assert_eq!(found.pending.as_deref(), Some("0 of 2 nodes in service"));
        let all = format!(
            "<Instances>{0}{0}</Instances><Status>Delete in progress</Status>",
            instance("InService", "3")
        );
        assert!(read(&all).pending.unwrap().starts_with("Delete in progress"));
    }
}
