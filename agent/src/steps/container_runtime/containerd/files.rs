//! containerd's files as they should be: our keys in a file of their own, or between those of the operator.

use std::path::Path;

use toml_edit::{Array, DocumentMut, Value};

use super::super::toml_file::{self, EditError};
use super::{CONFIG, DROP_IN, Schema, Settings, Version};
use crate::os::FileSpec;

/// The import that reads [`DROP_IN`] and nothing else. A pattern, since containerd does not start when a file that is
/// imported by its full name is gone.
pub(super) const IMPORT: &str = "/etc/containerd/conf.d/*-gpunode.toml";

/// The files that tell containerd, given the text of its present `config.toml`.
pub(in super::super) fn files(
    containerd: Version,
    config: Option<&str>,
    settings: Settings,
) -> Result<Vec<FileSpec>, EditError> {
    let mut main = toml_file::parse(Path::new(CONFIG), config.unwrap_or_default())?;
    let version = if config.is_some() {
        schema_version(&main)?
    } else {
        let newest = if Schema::newest(containerd) == Schema::V3 { 3 } else { 2 };
        main["version"] = toml_edit::value(newest);
        newest
    };
    let schema = if version == 2 { Schema::V2 } else { Schema::V3 };
    let keys = settings.keys(schema);
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    if containerd < Version(2, 0) {
        toml_file::set_all(Path::new(CONFIG), &mut main, &keys)?;
        return Ok(vec![FileSpec::new(CONFIG, main.to_string())]);
    }
    let mut own = DocumentMut::new();
    // An imported file may not be of a newer schema than the file that imports it.
    own["version"] = toml_edit::value(version);
    toml_file::set_all(Path::new(DROP_IN), &mut own, &keys)?;
    let mut files = vec![FileSpec::new(DROP_IN, format!("# Written by gpunode-agent at every boot.\n{own}"))];
    if !imports(&main)?.iter().any(|pattern| covers(pattern)) {
        add_import(&mut main)?;
        files.push(FileSpec::new(CONFIG, main.to_string()));
    }
    Ok(files)
}

/// The `version` of a configuration that is there. Without one it is of schema 1, which names its plugins in another
/// way; Docker's packages ship such a file, with the CRI plugin switched off.
fn schema_version(config: &DocumentMut) -> Result<i64, EditError> {
    let version = config.get("version").map_or(Some(1), toml_edit::Item::as_integer);
    let disabled = config.get("disabled_plugins").and_then(|item| item.as_array());
    let cri_is_off = disabled.is_some_and(|plugins| {
        plugins
            .iter()
            .filter_map(Value::as_str)
            .any(|name| name == "cri" || name == "io.containerd.grpc.v1.cri")
    });
    if cri_is_off {
        return Err(EditError::key(
            CONFIG,
            "disabled_plugins",
            "it switches off the CRI plugin, without which no kubelet works",
        ));
    }
    match version {
        Some(version) if version >= 2 => Ok(version),
        _ => Err(EditError::key(
            CONFIG,
            "version",
            "it must be 2 or more; `containerd config migrate` prints the file in the newest form",
        )),
    }
}

fn imports(config: &DocumentMut) -> Result<Vec<String>, EditError> {
    let Some(item) = config.get("imports") else {
        return Ok(Vec::new());
    };
    let list = item.as_array().ok_or_else(|| EditError::key(CONFIG, "imports", "it must be a list"))?;
    Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Whether this import reads [`DROP_IN`]: its path, from the folder of `config.toml` where it is relative, with `*`
/// for any part of a name.
fn covers(pattern: &str) -> bool {
    let pattern = Path::new("/etc/containerd").join(pattern);
    let drop_in = Path::new(DROP_IN);
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    pattern.parent() == drop_in.parent() && matches(&name(&pattern), &name(drop_in))
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(tail) = name.strip_prefix(first) else {
        return false;
    };
    (0..=tail.len()).any(|skip| tail.is_char_boundary(skip) && matches(rest, &tail[skip..]))
}

fn add_import(config: &mut DocumentMut) -> Result<(), EditError> {
    // Behind what is there, since later imports win.
    let list = config.entry("imports").or_insert_with(|| toml_edit::value(Array::new()));
    let list = list.as_array_mut().ok_or_else(|| EditError::key(CONFIG, "imports", "it must be a list"))?;
    list.push(IMPORT);
    Ok(())
}
