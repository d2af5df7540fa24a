//! Taints at registration.
//!
//! A kubelet that is given `--register-with-taints` twice takes the last alone, and the flag beats
//! `registerWithTaints` of its configuration (`RegisterWithTaintsVar` in `k8s.io/kubernetes/pkg/util/flag`). Karpenter
//! needs its taint `karpenter.sh/unregistered` to be there, or it never counts the node as its own. So our flag
//! carries the taints that others hand over too.

use gpunode_host::kubernetes::Taint;

use super::flags;

/// All taints of the lists, in order; of two with the same key and effect the later one, in the place of the first:
/// a node cannot have both, and a kubelet that is given both does not start.
pub(super) fn merge(lists: impl IntoIterator<Item = Taint>) -> Vec<Taint> {
    let mut merged: Vec<Taint> = Vec::new();
    for taint in lists {
        match merged.iter_mut().find(|known| known.key == taint.key && known.effect == taint.effect) {
            Some(known) => *known = taint,
            None => merged.push(taint),
        }
    }
    merged
}

/// The kubelet's flag.
pub(super) fn flag(taints: &[Taint]) -> Option<String> {
    let texts: Vec<_> = taints.iter().map(Taint::to_string).collect();
    (!texts.is_empty()).then(|| format!("--register-with-taints={}", texts.join(",")))
}

/// The taints in the kubelet's flags, as the kubelet reads them: the last flag counts. What it would refuse is left
/// out.
pub(super) fn in_flags(flags: &[String]) -> Option<Vec<Taint>> {
    let last = flags::values(flags, "register-with-taints").last()?;
    Some(last.split(',').filter_map(|text| Taint::parse(text.trim()).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpunode_host::kubernetes::TAINT_EFFECTS;
    use proptest::prelude::*;

    #[test]
    fn taints_in_both_forms_and_the_wrong_ones() {
        assert_eq!(
            Taint::parse("nvidia.com/gpu=true:NoSchedule"),
            Ok(Taint::new("nvidia.com/gpu", "true", "NoSchedule"))
        );
        assert_eq!(Taint::parse("a:NoExecute"), Ok(Taint::new("a", "", "NoExecute")));
        for bad in ["a=b", "a=b:No", "=b:NoSchedule", "a=b c:NoSchedule", "a:b:NoSchedule", ""] {
            assert!(Taint::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_last_flag_counts() {
        let flags =
            ["--register-with-taints=a=b:NoSchedule", "--register-with-taints=c=:NoExecute,d:NoSchedule"];
        let taints = in_flags(&flags.map(str::to_owned)).unwrap();
        assert_eq!(taints, [Taint::new("c", "", "NoExecute"), Taint::new("d", "", "NoSchedule")]);
        assert_eq!(in_flags(&[]), None);
    }

    fn taint() -> impl Strategy<Value = Taint> {
        ("([a-z]{1,3}/)?[a-c]{1,2}", "[a-z0-9]{0,3}", prop::sample::select(TAINT_EFFECTS.to_vec()))
            .prop_map(|(key, value, effect)| Taint::new(&key, &value, effect))
    }

    proptest! {
        #[test]
        fn merged_taints_are_unique_complete_and_survive_the_flag(lists in prop::collection::vec(taint(), 1..20)) {
            let merged = merge(lists.clone());
            for (at, taint) in merged.iter().enumerate() {
                prop_assert!(!merged[..at].iter().any(|t| t.key == taint.key && t.effect == taint.effect));
            }
            for taint in &lists {
                let last = lists.iter().rfind(|t| t.key == taint.key && t.effect == taint.effect).unwrap();
                prop_assert!(merged.contains(last));
            }
            prop_assert_eq!(in_flags(&[flag(&merged).unwrap()]).unwrap(), merged);
        }
    }
}
