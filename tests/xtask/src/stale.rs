//! What earlier builds left in cargo's target folder. Cargo names what it makes by a hash, of the clone's path and of
//! all that goes in, and takes nothing away: a day of changes leaves some gigabytes of programs that nobody starts again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::error::Error;

/// What is younger is kept: another clone or another set of features, which share the folder, may have made it.
const AGE: Duration = Duration::from_secs(48 * 3600);

/// What a build of the workspace's own packages made, or found made.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// Names without hash: of targets as cargo writes them in file names, and of packages.
    names: BTreeSet<String>,
    hashes: BTreeSet<String>,
    /// Programs, whose own hash cargo does not tell.
    untold: BTreeSet<String>,
}

impl Made {
    /// Of the messages of a build, a JSON value a line, and of the packages in the folder `clone` alone.
    pub(crate) fn of(messages: &str, clone: &Path) -> Self {
        let mut made = Self::default();
        for message in messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let manifest = message["manifest_path"].as_str().map(Path::new);
            let id = message["package_id"].as_str().unwrap_or_default();
            if manifest.is_some_and(|path| path.starts_with(clone)) || id.contains(&*clone.to_string_lossy())
            {
                made.note(&message);
            }
        }
        for name in &made.untold {
            made.names.remove(name);
        }
        made
    }

    fn note(&mut self, message: &Value) {
        let files = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for path in files.chain(message["out_dir"].as_str()) {
            // A file in `deps` has the hash in its name, what a build script made has it in a folder's.
            for (name, hash) in Path::new(path).iter().filter_map(|part| part.to_str().and_then(split)) {
                self.names.insert(name.to_owned());
                self.hashes.insert(hash.to_owned());
            }
        }
        let kinds = message["target"]["kind"].as_array();
        let is_program = kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"));
        if let Some(name) = message["target"]["name"].as_str().filter(|_| is_program) {
            self.untold.insert(name.replace('-', "_"));
        }
    }

    fn replaces(&self, file: &str) -> bool {
        split(file).is_some_and(|(name, hash)| self.names.contains(name) && !self.hashes.contains(hash))
    }

    /// Takes away from the folders `deps` and `build` of `profile` what this build replaced days ago; how many bytes.
    pub(crate) fn take_away_the_rest(&self, profile: &Path) -> Result<u64, Error> {
        let mut bytes = 0;
        for folder in ["deps", "build"].map(|name| profile.join(name)) {
            let list = || fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>();
            for entry in list().map_err(Error::file("list", &folder))? {
                let path = entry.path();
                if !entry.file_name().to_str().is_some_and(|name| self.replaces(name)) || !is_old(&path) {
                    continue;
                }
                bytes += size(&path);
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.map_err(Error::file("remove", &path))?;
            }
        }
        Ok(bytes)
    }
}

/// `vm_boot` and its hash, of `vm_boot-0123456789abcdef`, with whatever ending; without the `lib` of a library.
fn split(file: &str) -> Option<(&str, &str)> {
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    let (name, hash) = stem.rsplit_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| (name.strip_prefix("lib").unwrap_or(name), hash))
}

fn is_old(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > AGE))
}

/// In bytes; what cannot be looked at counts nothing.
fn size(path: &Path) -> u64 {
    let inside = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size(&entry.path()));
    inside.sum::<u64>() + fs::symlink_metadata(path).map_or(0, |metadata| metadata.len())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    const MESSAGES: &str = r#"
{"reason":"compiler-artifact","package_id":"path+file:///clone/tests#1","manifest_path":"/clone/tests/Cargo.toml","target":{"kind":["test"],"name":"vm_boot"},"profile":{"test":true},"filenames":["/t/debug/deps/vm_boot-00000000000000aa"],"executable":"/t/debug/deps/vm_boot-00000000000000aa"}
{"reason":"compiler-artifact","package_id":"path+file:///clone/host#1","manifest_path":"/clone/host/Cargo.toml","target":{"kind":["lib"],"name":"host"},"filenames":["/t/debug/deps/libhost-00000000000000bb.rlib","/t/debug/deps/libhost-00000000000000bb.rmeta"]}
{"reason":"compiler-artifact","package_id":"path+file:///clone/agent#1","manifest_path":"/clone/agent/Cargo.toml","target":{"kind":["bin"],"name":"the-agent"},"filenames":["/t/debug/the-agent"],"executable":"/t/debug/the-agent"}
{"reason":"compiler-artifact","package_id":"path+file:///clone/agent#1","manifest_path":"/clone/agent/Cargo.toml","target":{"kind":["bin"],"name":"the-agent"},"profile":{"test":true},"filenames":["/t/debug/deps/the_agent-00000000000000cc"]}
{"reason":"build-script-executed","package_id":"path+file:///clone/probe-client#1","out_dir":"/t/debug/build/probe-client-00000000000000dd/out"}
{"reason":"compiler-artifact","package_id":"registry#libc@1","manifest_path":"/home/libc/Cargo.toml","target":{"kind":["lib"],"name":"libc"},"filenames":["/t/debug/deps/liblibc-00000000000000ee.rlib"]}
{"reason":"build-finished","success":true}
"#;

    #[test]
    fn only_what_a_build_of_ours_replaced_days_ago_goes() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - AGE - Duration::from_secs(60);
        let put = |name: &str, time| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = File::create(path).unwrap();
            file.set_len(10).unwrap();
            file.set_modified(time).unwrap();
        };
        let gone = [
            "deps/vm_boot-1111111111111111",
            "deps/vm_boot-1111111111111111.d",
            "deps/libhost-1111111111111111.rlib",
            "deps/host-1111111111111111.d",
        ];
        let kept = [
            "deps/vm_boot-00000000000000aa",
            "deps/libhost-00000000000000bb.rmeta",
            // Which of these is the program that is used cannot be told.
            "deps/the_agent-1111111111111111",
            "deps/liblibc-1111111111111111.rlib",
            "deps/vm_boot-of-somebody-else",
            "deps/vm_boot_too-1111111111111111",
        ];
        gone.iter().chain(&kept).for_each(|name| put(name, old));
        put("deps/vm_boot-2222222222222222", SystemTime::now());
        for script in ["probe-client-00000000000000dd", "probe-client-1111111111111111"] {
            put(&format!("build/{script}/out/probe"), old);
            File::open(folder.path().join("build").join(script)).unwrap().set_modified(old).unwrap();
        }

        let made = Made::of(MESSAGES, Path::new("/clone"));
        let bytes = made.take_away_the_rest(folder.path()).unwrap();

        assert!(bytes >= 50, "{bytes}");
        assert_eq!(gone.iter().filter(|name| folder.path().join(name).exists()).count(), 0);
        for name in kept.iter().copied().chain(["deps/vm_boot-2222222222222222"]) {
            assert!(folder.path().join(name).exists(), "{name}");
        }
        assert!(folder.path().join("build/probe-client-00000000000000dd/out/probe").exists());
        assert!(!folder.path().join("build/probe-client-1111111111111111").exists());
    }
}
