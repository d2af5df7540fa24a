//! A plan in each form that something on the node reads.

#[cfg(test)]
mod tests;

use serde_json::json;

use super::{Line, Plan};

/// Read by NCCL itself, in every program of the host and of containers that mount it.
pub const NCCL_CONF: &str = "/etc/nccl.conf";
/// Read by users' systemd managers, and through them by their services.
pub const ENVIRONMENT_D: &str = "/etc/environment.d/90-gpunode-nccl.conf";
/// Read by login shells.
pub const PROFILE_D: &str = "/etc/profile.d/gpunode-nccl.sh";
/// Read by container runtimes, for containers that ask for the device [`CDI_DEVICE`].
pub const CDI_SPEC: &str = "/etc/cdi/gpunode.io-nccl.json";
/// What a container's maker names for it to get the variables: a DRA driver, a device plugin, a person. The annotations
/// of a pod reach no container.
pub const CDI_DEVICE: &str = "gpunode.io/nccl=env";

const HEADER: &str = "# Written by gpunode-agent from its configuration; changes here are lost.\n";

/// Every form with its path.
pub fn files(plan: &Plan) -> [(&'static str, String); 4] {
    [
        (NCCL_CONF, nccl_conf(plan)),
        (ENVIRONMENT_D, environment_d(plan)),
        (PROFILE_D, profile_sh(plan)),
        (CDI_SPEC, cdi_spec(plan)),
    ]
}

/// `/etc/nccl.conf`. NCCL takes everything up to the first `=` as the name and the rest of the line as it stands as
/// the value; there is no quoting. Only newer versions know `#`, older ones pass over lines without `=`, so comments
/// must hold none. Variables that are not NCCL's own are left out: the file is documented for NCCL's.
pub fn nccl_conf(plan: &Plan) -> String {
    lines(plan.lines.iter().filter(|line| line.name.starts_with("NCCL_")), |line| line.value.clone(), "")
}

/// `environment.d`. systemd unquotes first and replaces `$` after that, so a dollar is doubled even between single
/// quotes. It has no way to write an empty value down but as one that is replaced by nothing.
pub fn environment_d(plan: &Plan) -> String {
    let quote = |line: &Line| match line.value.as_str() {
        "" => "${GPUNODE_EMPTY:-}".to_owned(),
        value => single_quoted(&value.replace('$', "$$"), "'\"'\"'"),
    };
    lines(plan.lines.iter(), quote, "")
}

/// A POSIX shell script.
pub fn profile_sh(plan: &Plan) -> String {
    lines(plan.lines.iter(), |line| single_quoted(&line.value, "'\\''"), "export ")
}

/// A CDI spec with one device that carries the variables. The version is the lowest that runtimes still read: a
/// spec has to say no more than it uses, and containerd 1.7 began with a reader that knows nothing after 0.5. A
/// device without any edit makes the whole spec invalid, so the profile's name is always among the variables.
pub fn cdi_spec(plan: &Plan) -> String {
    let mark = format!("GPUNODE_NCCL_PROFILE={}", plan.profile);
    let env: Vec<String> = std::iter::once(mark)
        .chain(plan.lines.iter().map(|line| format!("{}={}", line.name, line.value)))
        .collect();
    let spec = json!({
        "cdiVersion": "0.3.0",
        "kind": "gpunode.io/nccl",
        "devices": [{ "name": "env", "containerEdits": { "env": env } }],
    });
    format!("{spec:#}\n")
}

fn lines<'a>(lines: impl Iterator<Item = &'a Line>, value: impl Fn(&Line) -> String, prefix: &str) -> String {
    lines.fold(HEADER.to_owned(), |text, line| {
        format!("{text}# {}: {}\n{prefix}{}={}\n", line.name, line.why, line.name, value(line))
    })
}

/// Bare where that is safe in every reader, else between single quotes, with `quote` for each quote inside.
fn single_quoted(value: &str, quote: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:,+@%-".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', quote))
}
