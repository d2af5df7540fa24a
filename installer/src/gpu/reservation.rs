//! The capacity block or reservation that nodes are started in: an instance of another type, in another zone or beyond its
//! number is not started, and EC2 says so only when one is wanted.

use super::{Facts, Group};
use crate::aws::{Door, Element, Failure, Form};
use crate::settings::{Capacity, Settings};

/// As EC2 describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// `default` or `capacity-block`.
    pub kind: String,
    /// `p5en.48xlarge`
    pub instance_type: String,
    /// `us-west-2a`
    pub zone: String,
    /// `active` and the others of EC2's `CapacityReservationState`.
    pub state: String,
    /// Instances that it is for, those that run among them.
    pub total: u64,
}

/// States that become `active`. Source: the API reference of EC2, `CapacityReservation`. While it is `pending`, which takes
/// minutes at most, instances may start already.
const TO_COME: [&str; 4] = ["scheduled", "payment-pending", "assessing", "delayed"];

/// The reservation `id`, where there is one.
pub(super) async fn reservation(door: &Door, id: &str) -> Result<Option<Reservation>, Failure> {
    let form = Form::new("ec2:DescribeCapacityReservations").list("CapacityReservationId", [id]);
    Ok(door.ec2.if_there(form, "capacityReservationSet").await?.as_ref().map(read))
}

fn read(found: &Element) -> Reservation {
    Reservation {
        kind: found.text("reservationType").to_owned(),
        instance_type: found.text("instanceType").to_owned(),
        zone: found.text("availabilityZone").to_owned(),
        state: found.text("state").to_owned(),
        total: found.text("totalInstanceCount").parse().unwrap_or_default(),
    }
}

/// What speaks against it, each with the setting that it is about.
pub(super) fn wrong(settings: &Settings, facts: &Facts, groups: &[Group]) -> Vec<(&'static str, String)> {
    const ID: &str = "GPU_CAPACITY_RESERVATION_ID";
    let Some(id) = settings.gpu_capacity_reservation_id.as_ref() else { return Vec::new() };
    if groups.len() > 1 {
        return vec![(ID, "a reservation is in one zone; so must the GPU subnets be".to_owned())];
    }
    let Some(there) = &facts.reservation else {
        return vec![(ID, format!("there is no {id} in {}", settings.aws_region))];
    };
    let mut wrong = Vec::new();
    match (settings.gpu_capacity, there.kind == "capacity-block") {
        (Capacity::Reservation, true) => {
            wrong.push(("GPU_CAPACITY", format!("{id} is a capacity block: capacity-block is meant")));
        }
        (Capacity::CapacityBlock, false) => {
            wrong.push(("GPU_CAPACITY", format!("{id} is no capacity block: reservation is meant")));
        }
        _ => {}
    }
    if there.instance_type != settings.gpu_instance_type {
        let what = format!("{id} is for {}, not for {}", there.instance_type, settings.gpu_instance_type);
        wrong.push((ID, what));
    }
    // A subnet that is not there was told already.
    for group in groups.iter().filter(|group| !group.zone.is_empty() && group.zone != there.zone) {
        let what = format!("{id} is in {}, and {} would be in {}", there.zone, group.name, group.zone);
        wrong.push((ID, what));
    }
    let waits = TO_COME.contains(&there.state.as_str());
    if !waits && !["active", "pending"].contains(&there.state.as_str()) {
        wrong.push((ID, format!("{id} is {}: no instance starts in it", there.state)));
    }
    let new = |group: &&Group| facts.nodes.get(&group.name).copied().unwrap_or_default() == 0;
    if waits && settings.gpu_desired_size > 0 && groups.iter().any(|group| new(&group)) {
        let what = format!("{id} is {}: no node starts before it is active; begin with 0", there.state);
        wrong.push(("GPU_DESIRED_SIZE", what));
    }
    if settings.gpu_max_size > there.total {
        let what = format!("{id} is for {} instances: no more start in it; take a smaller size", there.total);
        wrong.push(("GPU_MAX_SIZE", what));
    }
    wrong
}
