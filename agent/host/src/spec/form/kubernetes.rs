//! Labels and taints.

use super::super::kind::Form;
use crate::kubernetes::{Taint, kubelet_label, label_value};

/// Key of a node label.
pub(crate) const LABEL_KEY: Form = Form {
    allowed: "a Kubernetes label key: NAME or DNS-PREFIX/NAME with a NAME of at most 63 letters, digits, - _ and ., \
              and no kubernetes.io or k8s.io prefix but those that a kubelet may set",
    check: kubelet_label,
};

/// Value of a node label.
pub(crate) const LABEL_VALUE: Form = Form {
    allowed: "empty, or at most 63 letters, digits, - _ and ., beginning and ending with a letter or digit",
    check: label_value,
};

/// Taint, as the kubelet's `--register-with-taints` takes it.
pub(crate) const TAINT: Form = Form {
    allowed: "KEY=VALUE:EFFECT or KEY:EFFECT with EFFECT NoSchedule, PreferNoSchedule or NoExecute",
    check: |text| Taint::parse(text).map(drop),
};
