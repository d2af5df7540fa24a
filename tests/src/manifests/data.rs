//! What comes from the catalogue of instance types.

use std::fmt::Write as _;

use gpunode_host::catalog;
use gpunode_host::nccl::{self, Inputs, render};

/// The types that the DaemonSet runs on, as a YAML list.
pub fn instance_types() -> String {
    let names: Vec<_> = catalog::names().collect();
    format!("- {}\n", names.join("\n- "))
}

/// For each type that needs NCCL variables, a file `/etc/nccl.conf`; as a YAML map.
///
/// The versions in a user's image are not known here, and are taken for current ones.
pub fn nccl() -> String {
    let mut text = String::new();
    for kind in catalog::all() {
        let inputs = Inputs { instance: Some(&kind), ..Inputs::default() };
        // Only an operator's own variable can be wrong, and there is none.
        let Ok(plan) = nccl::plan(&inputs) else { continue };
        if plan.lines.is_empty() {
            continue;
        }
        let file = render::nccl_conf(&plan);
        let lines = file.lines().filter(|line| !line.contains("Written by gpunode-agent"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: |", kind.name);
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    if text.is_empty() { "{}\n".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    #[test]
    fn today_s_plugin_needs_a_variable_only_where_gpus_have_no_peer_access() {
        let text = super::nccl();
        assert!(text.contains("g5.12xlarge: |\n  # NCCL_SHM_USE_CUDA_MEMCPY"), "{text}");
        assert!(text.contains("  NCCL_SHM_USE_CUDA_MEMCPY=1\n"));
        assert!(!text.contains("p5en.48xlarge"), "{text}");
    }
}
