//! Names, labels and taints, by the rules of Kubernetes (apimachinery `validation.IsQualifiedName`,
//! `IsValidLabelValue`) and of the kubelet (`k8s.io/kubelet/pkg/apis/well_known_labels.go`).
//!
//! A kubelet that is handed one label or taint that it refuses does not start at all, so these are known before it is
//! asked. Every error is a clause for the end of a message that names the label or taint.

#[cfg(test)]
mod tests;

use std::fmt;

/// Labels of the reserved domains that a kubelet may give itself.
const KUBELET_LABELS: [&str; 11] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];
/// Reserved domains in which, and below which, a kubelet may give itself every label.
const KUBELET_DOMAINS: [&str; 2] = ["kubelet.kubernetes.io", "node.kubernetes.io"];
const RESERVED_DOMAINS: [&str; 2] = ["kubernetes.io", "k8s.io"];

/// What a taint can do.
pub const TAINT_EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Bytes in a name, and in the DNS domain before it.
const MAX_NAME: usize = 63;
const MAX_DOMAIN: usize = 253;

/// A label's or taint's key: a name, optionally behind a DNS domain and a slash.
pub fn qualified_name(key: &str) -> Result<(), &'static str> {
    let (domain, name) = key.split_once('/').map_or((None, key), |(domain, name)| (Some(domain), name));
    if !is_name(name) {
        return Err(
            "not a Kubernetes label or taint key: its name must be 1 to 63 letters, digits, `-`, `_`, `.`, with a letter or \
             digit at both ends",
        );
    }
    if domain.is_some_and(|domain| !is_dns_domain(domain)) {
        return Err(
            "not a Kubernetes label or taint key: what stands before `/` must be a DNS domain in lower case, up to 253 \
             characters",
        );
    }
    Ok(())
}

/// A label's or taint's value: empty, or a name.
pub fn label_value(value: &str) -> Result<(), &'static str> {
    if value.is_empty() || is_name(value) {
        return Ok(());
    }
    Err(
        "its value must be empty or up to 63 letters, digits, `-`, `_`, `.`, with a letter or digit at both ends",
    )
}

/// A label's key that a kubelet may give itself: a qualified name that is not reserved, or is allowed all the same.
pub fn kubelet_label(key: &str) -> Result<(), &'static str> {
    qualified_name(key)?;
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let within = |domains: &[&str]| domains.iter().any(|parent| is_within(domain, parent));
    if within(&RESERVED_DOMAINS) && !within(&KUBELET_DOMAINS) && !KUBELET_LABELS.contains(&key) {
        return Err(
            "a kubelet may not give itself this label of `kubernetes.io` or `k8s.io`, and would not start",
        );
    }
    Ok(())
}

/// One taint, as the kubelet's `--register-with-taints` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// A qualified name.
    pub key: String,
    /// A label's value; mostly empty or `true`.
    pub value: String,
    /// One of [`TAINT_EFFECTS`].
    pub effect: String,
}

impl Taint {
    /// Not checked: see [`Taint::check`].
    pub fn new(key: &str, value: &str, effect: &str) -> Self {
        Self { key: key.to_owned(), value: value.to_owned(), effect: effect.to_owned() }
    }

    /// `key=value:Effect` or `key:Effect`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (name, effect) = text.rsplit_once(':').ok_or("must have the form `key=value:Effect`")?;
        let (key, value) = name.split_once('=').unwrap_or((name, ""));
        let taint = Self::new(key, value, effect);
        taint.check()?;
        Ok(taint)
    }

    /// What a kubelet would refuse, and not start.
    pub fn check(&self) -> Result<(), &'static str> {
        qualified_name(&self.key)?;
        label_value(&self.value)?;
        if TAINT_EFFECTS.contains(&self.effect.as_str()) {
            return Ok(());
        }
        Err("its effect must be NoSchedule, PreferNoSchedule or NoExecute")
    }
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.key, self.value, self.effect)
    }
}

fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends_well = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= MAX_NAME
        && ends_well(bytes.first())
        && ends_well(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn is_dns_domain(domain: &str) -> bool {
    let is_part = |part: &str| {
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(is_inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    domain.len() <= MAX_DOMAIN && domain.split('.').all(is_part)
}

fn is_within(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
