//! Files that systemd-sysctl reads after ours and that set one of our keys to something else: the setting holds
//! until the next boot and is then lost without a word.

use std::collections::BTreeMap;

use gpunode_host::Root;

use super::plan::{SYSCTL_FILE, Setting};

/// A file in an earlier folder hides one of the same name in a later one. Source: sysctl.d(5).
const FOLDERS: [&str; 4] = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"];

/// `(key, file)` of each setting that a later file overrides.
pub(super) fn find(root: &Root, settings: &[Setting]) -> Vec<(String, String)> {
    let ours = SYSCTL_FILE.rsplit('/').next().unwrap_or_default();
    let mut later = BTreeMap::new();
    for folder in FOLDERS {
        for name in root.list(folder) {
            if name.as_str() > ours && std::path::Path::new(&name).extension().is_some_and(|e| e == "conf") {
                later.entry(name.clone()).or_insert_with(|| format!("{folder}/{name}"));
            }
        }
    }
    let mut last = BTreeMap::new();
    for file in later.into_values() {
        let text = root.read_text(&file).ok().flatten().unwrap_or_default();
        for (key, value) in text.lines().filter_map(assignment) {
            last.insert(key, (value, file.clone()));
        }
    }
    let differs =
        |setting: &Setting, value: &str| !setting.value.split_whitespace().eq(value.split_whitespace());
    settings
        .iter()
        .filter_map(|setting| {
            let (value, file) = last.get(&setting.key)?;
            differs(setting, value).then(|| (setting.key.clone(), file.clone()))
        })
        .collect()
}

/// `key = value`, `-key = value` (errors ignored), slashes or dots between the parts of the key.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    let (key, value) = line.split_once('=')?;
    let key = key.trim().trim_start_matches('-').replace('/', ".");
    Some((key, value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_later_file_with_another_value_counts() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        let put = |path: &str, text: &str| {
            let full = root.at(path);
            std::fs::create_dir_all(full.parent().unwrap()).unwrap();
            std::fs::write(full, text).unwrap();
        };
        put("/usr/lib/sysctl.d/50-default.conf", "net.core.default_qdisc = fq_codel\n");
        put("/usr/lib/sysctl.d/99-same.conf", "net/core/default_qdisc=fq\n");
        put("/etc/sysctl.d/99-sysctl.conf", "# x\n-net.ipv4.tcp_congestion_control=cubic\n");
        let plan = super::super::plan::Plan::new(&crate::settings::tests::spec("").sysctl);
        let expected =
            vec![("net.ipv4.tcp_congestion_control".to_owned(), "/etc/sysctl.d/99-sysctl.conf".to_owned())];
        assert_eq!(find(&root, &plan.settings), expected);
    }
}
