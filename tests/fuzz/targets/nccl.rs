//! An operator's variables, in every form that a node reads.

#![no_main]

use std::collections::BTreeMap;

use gpunode_host::nccl::{Inputs, Profile, plan, render};

libfuzzer_sys::fuzz_target!(|pairs: Vec<(String, String)>| {
    let additions: BTreeMap<_, _> = pairs.into_iter().collect();
    let inputs = Inputs { profile: Profile::None, additions: additions.clone(), ..Inputs::default() };
    let Ok(plan) = plan(&inputs) else { return };
    assert_eq!(plan.lines.len(), additions.len());
    let [conf, environment, shell] =
        [render::nccl_conf(&plan), render::environment_d(&plan), render::profile_sh(&plan)];
    for text in [&conf, &environment, &shell] {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
    // A value can neither add a line nor end one; nccl.conf holds NCCL's own variables alone.
    let own = additions.keys().filter(|name| name.starts_with("NCCL_")).count();
    let assignments =
        |text: &str| text.lines().filter(|line| !line.starts_with('#') && line.contains('=')).count();
    assert_eq!(assignments(&conf), own, "{conf:?}");
    assert_eq!(assignments(&environment), additions.len(), "{environment:?}");
    let spec: serde_json::Value = serde_json::from_str(&render::cdi_spec(&plan)).expect("a CDI spec is JSON");
    assert!(spec.is_object());
});
