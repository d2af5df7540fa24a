//! Throttled, broken, killed.

use gpunode_tests::aws::{Fault, Proxy, Told};
use serde_json::json;

use crate::site::{ALL, CREATE, DELETE, Site, done, straight};

#[test]
fn throttled_broken_killed_it_ends_where_a_straight_run_does() {
    let plain = Site::new(204, "a");
    done(&plain.run(&straight(), &CREATE, &ALL));
    let right = plain.normal();
    let site = Site::new(205, "a");
    let before = site.bed.nodes();
    for words in [&CREATE, &DELETE] {
        let trouble = Proxy::start(|number, _| match number {
            // More in a row than one call has attempts.
            2 | 40 => Fault::Throttle,
            3 | 41 => Fault::Broken,
            4 | 42 => Fault::LoseAnswer,
            _ if number % 11 == 9 => Fault::Throttle,
            _ if number % 13 == 6 => Fault::LoseAnswer,
            _ if number % 17 == 12 => Fault::Close,
            _ if number % 19 == 7 => Fault::Broken,
            _ => Fault::None,
        });
        done(&site.run(&trouble.unwrap(), words, &ALL));
        if words == &CREATE {
            assert_eq!(site.normal(), right);
        }
    }
    assert_eq!(site.bed.nodes(), before);

    // At each of its mutating calls in turn, carried out or not.
    for (words, more) in [(&CREATE, &ALL[..]), (&CREATE, &[ALL[0], ALL[1], ALL[2], LARGER]), (&DELETE, &[])] {
        for kills in 0.. {
            assert!(kills < 40, "it comes to no end");
            if killed(&site, words, more, kills % 3 != 2).code == Some(0) {
                break;
            }
        }
        if more.len() == ALL.len() {
            assert_eq!(site.normal(), right);
        }
        let calm = straight();
        done(&site.run(&calm, words, more));
        assert_eq!(calm.mutating(), 0, "{:?}", calm.calls());
    }
    assert_eq!(site.bed.nodes(), before);
}

#[test]
fn two_at_once_make_one_node_group_change_it_once_and_remove_it() {
    let plain = Site::new(211, "a");
    done(&plain.run(&straight(), &CREATE, &ALL));
    let right = plain.normal();
    let larger = [ALL[0], ALL[1], ALL[2], LARGER];
    done(&plain.run(&straight(), &CREATE, &larger));
    let grown = plain.normal();
    let site = Site::new(212, "a");
    let before = site.bed.nodes();
    for (words, more, end) in [
        (&CREATE, &ALL[..], Some((&right, "CreateLaunchTemplate", 1))),
        (&CREATE, &larger, Some((&grown, "CreateLaunchTemplateVersion", 2))),
        (&DELETE, &[], None),
    ] {
        let subnet = ("GPU_SUBNET_A", site.subnets[0].as_str());
        let (both, calls) = site.bed.two_at_once(words, &[more, &[subnet]].concat());
        for told in &both {
            done(told);
        }
        match end {
            Some((right, _, _)) => assert_eq!(site.normal(), *right),
            None => assert_eq!(site.bed.nodes(), before),
        }
        let calm = straight();
        done(&site.run(&calm, words, more));
        assert_eq!(calm.mutating(), 0, "{:?}", calm.calls());
        // Each came to the same call before the other's was answered, and there is one of what it makes.
        let made = |name: &str| calls.iter().filter(|call| call.operation == name).count();
        if let Some((call, versions)) = end.map(|(_, call, versions)| (call, versions)) {
            assert_eq!(made(call), 2, "{calls:?}");
            let asked = json!([["ec2", "describe_launch_template_versions",
                { "LaunchTemplateName": "research-gpu-compute" }]]);
            let found = site.bed.calls(&asked)[0]["LaunchTemplateVersions"].as_array().unwrap().len();
            assert_eq!(found, versions);
        }
    }
}

const LARGER: (&str, &str) = ("GPU_ROOT_VOLUME_SIZE", "300");

/// Runs it and kills it at its second mutating call, so that each run gets on by one; where it makes one only it comes
/// to its end.
fn killed(site: &Site, words: &[&str], more: &[(&str, &str)], carried_out: bool) -> Told {
    let subnet = ("GPU_SUBNET_A", site.subnets[0].as_str());
    let told = site.bed.killed(2, carried_out, words, &[more, &[subnet]].concat());
    assert!(matches!(told.code, None | Some(0)), "{told:?}");
    told
}
