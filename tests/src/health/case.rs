//! What the files in `cases/health` say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

/// One story: a machine, and what happens to it step by step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// What the case shows.
    pub about: String,
    /// The instance type; without it, one story for each of `instances`.
    #[serde(default)]
    pub instance: Option<String>,
    /// Several instance types.
    #[serde(default)]
    pub instances: Vec<String>,
    /// Whether libfabric is asked in each round. It costs a process; where it is not, it has nothing to do with the case.
    #[serde(default)]
    pub libfabric: bool,
    /// What happens, in order. Before the first step the machine is healthy, and it is looked at once.
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
}

/// One step: changes, then rounds of looks, then what must be found.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Step {
    /// Changes of the tree before each round, in the words of `change.rs`.
    pub tree: Vec<String>,
    /// What NVML says from now on that a healthy machine does not; what earlier steps said is over.
    pub nvml: Option<String>,
    /// Numbers of EFA devices that libfabric hides from now on.
    pub hidden: Option<Vec<usize>>,
    /// The code of `fi_getinfo` from now on.
    pub fabric_code: Option<i32>,
    /// Whether programs hold EFA, from now on.
    pub held: Option<bool>,
    /// Lines of the kernel before each round; `{gpu3}` is the address of a GPU in them, `{efa3}` that of an EFA device,
    /// `{efa3.name}` its name, `{switch0}` the address of an NVSwitch.
    pub log: Vec<String>,
    /// How many rounds of looks; one where it is left out.
    pub rounds: Option<u32>,
    /// Seconds between two rounds; 10 where it is left out.
    pub every: Option<u64>,
    /// All findings that there must be after the last round: code and subject, as `GpuLost gpu 3`.
    pub findings: Vec<String>,
    /// By finding, where its severity is part of what the case shows.
    pub severity: BTreeMap<String, String>,
}

impl Case {
    /// Reads a file.
    ///
    /// # Errors
    /// In words, with the file's name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Every case of `cases/health`, with its file's name, in order.
    ///
    /// # Errors
    /// In words, of the first file that cannot be read.
    pub fn all() -> Result<Vec<(String, Self)>, String> {
        let folder = crate::binary::bed().join("cases/health");
        let files = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
        paths.sort();
        let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        paths.iter().map(|path| Ok((name(path), Self::read(path)?))).collect()
    }

    /// The codes of all that is found in it.
    pub fn codes(&self) -> BTreeSet<String> {
        let findings = self.steps.iter().flat_map(|step| &step.findings);
        findings.filter_map(|finding| finding.split(' ').next()).map(str::to_owned).collect()
    }

    /// The instance types it is played on.
    pub fn instances(&self) -> impl Iterator<Item = &str> {
        self.instance.iter().chain(&self.instances).map(String::as_str)
    }
}
