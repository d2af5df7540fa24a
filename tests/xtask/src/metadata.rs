//! The workspace's members, as cargo tells them.

use std::path::{Path, PathBuf};

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

    /// The folder of one member.
    pub(crate) fn folder(&self, member: &str) -> Result<PathBuf, Error> {
        let package = self.packages().find(|package| package["name"] == member);
        let manifest = package.and_then(|package| package["manifest_path"].as_str());
        let folder = manifest.and_then(|manifest| Path::new(manifest).parent()).map(Path::to_owned);
        folder.ok_or_else(|| Error::Output {
            line: "cargo metadata".to_owned(),
            what: format!("no package is named {member}"),
        })
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
    fn a_member_s_folder_is_its_manifest_s() {
        let metadata = Metadata(json!({"packages": [
            {"name": "other", "manifest_path": "/clone/other/Cargo.toml"},
            {"name": "bed", "manifest_path": "/clone/tests/Cargo.toml"},
        ]}));
        assert_eq!(metadata.members(), ["other", "bed"]);
        assert_eq!(metadata.folder("bed").unwrap(), Path::new("/clone/tests"));
        let error = metadata.folder("absent").unwrap_err().to_string();
        assert!(error.contains("absent"), "{error}");
    }
}
