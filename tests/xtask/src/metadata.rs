//! The workspace's members and their test targets, as cargo tells them.

use serde_json::Value;

use crate::error::Error;
use crate::place::Place;
use crate::run;

/// What `cargo metadata --no-deps` says.
pub(crate) struct Metadata(Value);

impl Metadata {
    pub(crate) fn read(place: &Place) -> Result<Self, Error> {
        let mut command = place.cargo("metadata");
        command.args(["--locked", "--no-deps", "--format-version", "1"]);
        let text = run::read(&mut command)?;
        let value = serde_json::from_str(&text)
            .map_err(|error| Error::Output { line: run::line(&command), what: error.to_string() })?;
        Ok(Self(value))
    }

    /// Every member's name.
    pub(crate) fn members(&self) -> Vec<&str> {
        self.packages().filter_map(|package| package["name"].as_str()).collect()
    }

    /// The integration tests of one member, sorted.
    pub(crate) fn test_targets(&self, member: &str) -> Vec<&str> {
        let package = self.packages().find(|package| package["name"] == member);
        let targets = package.and_then(|package| package["targets"].as_array()).into_iter().flatten();
        let mut names: Vec<_> = targets
            .filter(|target| target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == "test")))
            .filter_map(|target| target["name"].as_str())
            .collect();
        names.sort_unstable();
        names
    }

    fn packages(&self) -> impl Iterator<Item = &Value> {
        self.0["packages"].as_array().into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn test_targets_are_told_from_other_targets() {
        let metadata = Metadata(json!({"packages": [
            {"name": "other", "targets": [{"name": "elsewhere", "kind": ["test"]}]},
            {"name": "bed", "targets": [
                {"name": "bed", "kind": ["lib"]},
                {"name": "vm_boot", "kind": ["test"]},
                {"name": "static_binary", "kind": ["test"]},
            ]},
        ]}));
        assert_eq!(metadata.members(), ["other", "bed"]);
        assert_eq!(metadata.test_targets("bed"), ["static_binary", "vm_boot"]);
        assert!(metadata.test_targets("absent").is_empty());
    }
}
