use proptest::prelude::*;

use super::*;

#[test]
fn names_values_and_labels_by_their_limits() {
    let (name, domain) = ("n".repeat(63), vec!["d".repeat(49); 5].join("."));
    for good in ["a", "A.b_c-9", &name, "a.b/c", &format!("{}/{name}", &domain[..249])] {
        assert_eq!(qualified_name(good), Ok(()), "{good}");
    }
    for bad in
        ["", "-a", "a.", "a b", "ä", "/a", "a/", "a/b/c", "A.b/c", "a..b/c", "-a/b", &format!("{name}n")]
    {
        assert!(qualified_name(bad).is_err(), "{bad}");
    }
    assert_eq!(qualified_name(&format!("{domain}.dddd/a")), Err(qualified_name("A/a").unwrap_err()));
    assert_eq!(label_value(""), Ok(()));
    assert_eq!(label_value(&name), Ok(()));
    assert!(label_value(&format!("{name}n")).is_err());
}

#[test]
fn reserved_labels_are_refused_but_those_of_the_kubelet() {
    let beneath = KUBELET_DOMAINS.map(|domain| format!("x.{domain}/y"));
    for good in KUBELET_LABELS.iter().copied().chain(beneath.iter().map(String::as_str)) {
        assert_eq!(kubelet_label(good), Ok(()), "{good}");
    }
    for bad in
        ["kubernetes.io/role", "node-role.kubernetes.io/gpu", "x.k8s.io/y", "topology.kubernetes.io/rack"]
    {
        assert!(kubelet_label(bad).is_err(), "{bad}");
    }
    assert_eq!(kubelet_label("notkubernetes.io/x"), Ok(()));
}

#[test]
fn each_part_of_a_taint_is_checked() {
    assert_eq!(Taint::parse("a/b=c:NoExecute"), Ok(Taint::new("a/b", "c", "NoExecute")));
    for (bad, word) in
        [("a", "form"), ("-a:NoExecute", "name"), ("a=-:NoExecute", "value"), ("a:Not", "effect")]
    {
        assert!(Taint::parse(bad).is_err_and(|why| why.contains(word)), "{bad}");
    }
}

proptest! {
    #[test]
    fn a_taint_that_is_read_is_written_the_same(text in "([a-z.]{1,3}/)?[a-zA-Z_.]{1,3}(=[a-z-]{0,3})?:NoSchedule") {
        if let Ok(taint) = Taint::parse(&text) {
            prop_assert_eq!(Taint::parse(&taint.to_string()), Ok(taint));
        }
    }
}
