//! Capacity blocks and reservations, which are looked at before anything is made.

use serde_json::json;

use crate::site::{CREATE, DELETE, Site, done, straight};

impl Site {
    /// Buys the emulator's block: 200 of p5en.48xlarge in zone a, yet to begin.
    pub(crate) fn block(&self) -> String {
        let asked =
            json!({ "CapacityBlockOfferingId": "cb-0123456789abcdef0", "InstancePlatform": "Linux/UNIX" });
        self.reserve("purchase_capacity_block", &asked)
    }

    fn reservation(&self, kind: &str, letter: char, count: u32) -> String {
        let asked = json!({ "InstanceType": kind, "InstancePlatform": "Linux/UNIX",
            "AvailabilityZone": format!("us-west-2{letter}"), "InstanceCount": count });
        self.reserve("create_capacity_reservation", &asked)
    }

    fn reserve(&self, call: &str, asked: &serde_json::Value) -> String {
        let made = self.bed.calls(&json!([["ec2", call, asked]]));
        made[0]["CapacityReservation"]["CapacityReservationId"].as_str().unwrap().to_owned()
    }
}

#[test]
fn what_is_reserved_must_be_for_these_nodes() {
    let site = Site::new(720, "a");
    let (proxy, before) = (straight(), site.bed.nodes());
    let run = |capacity: &str, id: &str, more: &[(&str, &str)]| {
        let reserved =
            [("GPU_CAPACITY", capacity), ("GPU_CAPACITY_RESERVATION_ID", id), ("GPU_MAX_SIZE", "4")];
        site.run(&proxy, &CREATE, &[&reserved[..], more].concat())
    };
    let refused = |capacity: &str, id: &str, more: &[(&str, &str)], say: &[&str]| {
        let told = run(capacity, id, more);
        assert_eq!((told.code, told.err.lines().count()), (Some(2), say.len()), "{told:?}");
        for said in say {
            assert!(told.err.contains(&said.replace('@', id)), "{said} is not in {told:?}");
        }
    };
    refused(
        "reservation",
        "cr-0123456789abcdef0",
        &[],
        &["GPU_CAPACITY_RESERVATION_ID: there is no @ in us-west-2"],
    );
    let elsewhere = site.reservation("p5.48xlarge", 'b', 3);
    refused(
        "reservation",
        &elsewhere,
        &[],
        &[
            "GPU_CAPACITY_RESERVATION_ID: @ is for p5.48xlarge, not for p5en.48xlarge",
            "GPU_CAPACITY_RESERVATION_ID: @ is in us-west-2b, and gpu-compute would be in us-west-2a",
            "GPU_MAX_SIZE: @ is for 3 instances: no more start in it; take a smaller size",
        ],
    );
    let right = site.reservation("p5en.48xlarge", 'a', 4);
    refused("capacity-block", &right, &[], &["GPU_CAPACITY: @ is no capacity block: reservation is meant"]);
    let block = site.block();
    refused("reservation", &block, &[], &["GPU_CAPACITY: @ is a capacity block: capacity-block is meant"]);
    let early = "GPU_DESIRED_SIZE: @ is scheduled: no node starts before it is active; begin with 0";
    refused("capacity-block", &block, &[("GPU_DESIRED_SIZE", "1")], &[early]);
    assert_eq!((proxy.mutating(), site.bed.nodes()), (0, before.clone()));

    done(&run("reservation", &right, &[("GPU_DESIRED_SIZE", "1")]));
    done(&site.run(&proxy, &DELETE, &[]));
    done(&run("capacity-block", &block, &[]));
    done(&site.run(&proxy, &DELETE, &[]));
    assert_eq!(site.bed.nodes(), before);
    site.bed.calls(&json!([["ec2", "cancel_capacity_reservation", { "CapacityReservationId": right }]]));
    refused(
        "reservation",
        &right,
        &[],
        &["GPU_CAPACITY_RESERVATION_ID: @ is cancelled: no instance starts in it"],
    );
}
