//! Which NCCL and libfabric variables a node needs: often almost none, because today's aws-ofi-nccl tunes itself,
//! and only where a variable is not set.
//!
//! [`plan`] is a pure function; [`render`] writes the plan in each form that something on the node reads. Sources:
//! aws-ofi-nccl `doc/efa-env-var.md` and `src/platform-aws.cpp`, and the EFA cheat sheet of
//! awsome-distributed-training.

mod facts;
pub mod fit;
mod hurts;
pub mod package;
pub mod render;
mod rules;
#[cfg(test)]
mod tests;
mod variable;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::catalog::InstanceType;
use crate::versions::{By, Found, Version, Versions};
use crate::{Finding, reason};

pub use variable::Error;

/// What the plan depends on.
#[derive(Clone, Debug, Default)]
pub struct Inputs<'a> {
    /// The catalogue's row; `None` for a type that it does not have: then no rule applies.
    pub instance: Option<&'a InstanceType>,
    /// What is installed.
    pub installed: Installed,
    /// What the operator chose.
    pub profile: Profile,
    /// The operator's own variables; they win over everything.
    pub additions: BTreeMap<String, String>,
}

/// Versions that rules ask for. `None`: not known, which is the normal case for what containers bring themselves;
/// it is taken for a current one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// libfabric's release.
    pub libfabric: Option<Version>,
    /// aws-ofi-nccl.
    pub ofi_nccl: Option<Version>,
    /// NCCL.
    pub nccl: Option<Version>,
    /// The EFA installer.
    pub efa_installer: Option<Version>,
    /// The running kernel.
    pub kernel: Option<Version>,
    /// The NVIDIA driver that is loaded; its branch says which CUDA it runs.
    pub nvidia_driver: Option<Version>,
}

impl From<&Versions> for Installed {
    fn from(found: &Versions) -> Self {
        let version = |found: &Option<Found>| found.as_ref().map(|found| found.version.clone());
        Self {
            // The library's file name does not tell the release.
            libfabric: version(&found.libfabric.clone().filter(|found| found.by != By::FileName)),
            ofi_nccl: version(&found.ofi_nccl),
            nccl: version(&found.nccl),
            efa_installer: found.efa_installer.as_ref().map(|installer| installer.version.clone()),
            kernel: found.kernel.clone(),
            nvidia_driver: found.nvidia.as_ref().map(|driver| driver.found.version.clone()),
        }
    }
}

/// Named sets of variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// What this type and these versions need.
    #[default]
    Auto,
    /// The four variables of old EFA guides, whatever the type and the versions.
    Classic,
    /// Nothing but the operator's own.
    None,
}

impl Profile {
    /// As it is written in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Classic => "classic",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an NCCL profile; the profiles are auto, classic and none")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let all = [Self::Auto, Self::Classic, Self::None];
        all.into_iter()
            .find(|profile| profile.as_str() == text)
            .ok_or_else(|| UnknownProfile(text.to_owned()))
    }
}

/// The variables, by name, and what is wrong with those that were forced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The profile it was made with.
    pub profile: Profile,
    /// One line for each variable, by name.
    pub lines: Vec<Line>,
    /// Forced values that hurt.
    pub findings: Vec<Finding>,
}

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Why it is there, in a sentence without `=` (see [`render::nccl_conf`]).
    pub why: &'static str,
    /// Who put it there.
    pub origin: Origin,
}

/// Who put a variable there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A rule about the type and the versions.
    Rule,
    /// A profile the operator chose by name.
    Profile,
    /// The operator, by name and value.
    Operator,
}

/// The variables of a node. Errors name the operator's variable that cannot be written down.
pub fn plan(inputs: &Inputs<'_>) -> Result<Plan, Error> {
    let facts = facts::Facts::new(inputs);
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    let chosen = match inputs.profile {
        Profile::Auto => rules::auto(&facts),
        Profile::Classic => rules::classic(&facts),
        Profile::None => Vec::new(),
    };
    lines.extend(chosen.into_iter().map(|line| (line.name.clone(), line)));
    for (name, value) in &inputs.additions {
        variable::check(name, value)?;
        let line = Line {
            name: name.clone(),
            value: value.clone(),
            why: "Set in the configuration.",
            origin: Origin::Operator,
        };
        lines.insert(name.clone(), line);
    }
    let lines: Vec<Line> = lines.into_values().collect();
    let forced = lines.iter().filter(|line| line.origin != Origin::Rule);
    let findings = forced
        .filter_map(|line| Some((line, hurts::why(&facts, &line.name, &line.value)?)))
        .map(|(line, why)| {
            let message = format!("{}={} {}: {why}", line.name, line.value, facts.place());
            Finding::new(&reason::NCCL_VARIABLE_HURTS, &line.name, message)
        })
        .collect();
    Ok(Plan { profile: inputs.profile, lines, findings })
}
