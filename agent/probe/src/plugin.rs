//! Loads a plugin of NCCL as NCCL would: with all it needs, every symbol resolved at once.
//!
//! Meant for a process that does only this: the plugin's own start code runs, and what it loads stays.
#![allow(unsafe_code, reason = "loading a library runs its code")]

use gpunode_probe_protocol::library::Unusable;
use gpunode_probe_protocol::plugin::Plugin;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

/// NCCL 2.28 knows the network interface up to version 11; room for those to come.
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=32;

/// What the plugin at `path` offers.
pub(crate) fn load(path: &str) -> Result<Plugin, Unusable> {
    // SAFETY: the plugin's start code runs, as it does in every program that uses NCCL. This process has nothing that
    // it could break but itself, and its parent is prepared for its end.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| unusable(path, &error))?;
    let offered =
        |name: &str| VERSIONS.filter(|version| has(&library, &format!("{name}_v{version}"))).collect();
    Ok(Plugin { net: offered("ncclNetPlugin"), tuner: offered("ncclTunerPlugin") })
}

fn has(library: &Library, symbol: &str) -> bool {
    // SAFETY: the symbol is only looked up; nothing is read through it.
    unsafe { library.get::<*const ()>(symbol.as_bytes()) }.is_ok()
}

fn unusable(path: &str, error: &libloading::Error) -> Unusable {
    let message = error.to_string();
    // The loader names the file it did not find: the plugin itself, or a library that it needs.
    if message.starts_with(&format!("{path}: cannot open shared object file: No such file")) {
        Unusable::NotInstalled { message }
    } else {
        Unusable::WrongLibrary { message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plugin_is_told() {
        assert!(matches!(load("/nowhere/libnccl-net.so"), Err(Unusable::NotInstalled { .. })));
        let text = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(text.path(), "no ELF file").unwrap();
        let broken = load(text.path().to_str().unwrap());
        assert!(matches!(broken, Err(Unusable::WrongLibrary { .. })), "{broken:?}");
        // A library like any other offers nothing.
        assert_eq!(load("libm.so.6"), Ok(Plugin::default()));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "runs the compiler")]
    fn what_it_offers_is_read_from_its_symbols() {
        let folder = tempfile::tempdir().unwrap();
        let (source, plugin) = (folder.path().join("plugin.c"), folder.path().join("libnccl-net-ofi.so"));
        let text = "int ncclNetPlugin_v8, ncclNetPlugin_v10, ncclNetPlugin_v99, ncclTunerPlugin_v3;\n";
        let compile = |text: &str| {
            std::fs::write(&source, text).unwrap();
            let mut cc = std::process::Command::new("cc");
            let status = cc.args(["-shared", "-fPIC", "-o"]).arg(&plugin).arg(&source).status();
            assert!(status.unwrap().success());
            load(plugin.to_str().unwrap())
        };
        assert_eq!(compile(text), Ok(Plugin { net: vec![8, 10], tuner: vec![3] }));
        // Built for a libfabric that has more than the one that is there.
        std::fs::remove_file(&plugin).unwrap();
        let missing =
            compile("void fi_of_tomorrow(void); void ncclNetPlugin_v8(void) { fi_of_tomorrow(); }\n");
        let told =
            matches!(&missing, Err(Unusable::WrongLibrary { message }) if message.contains("fi_of_tomorrow"));
        assert!(told, "{missing:?}");
    }
}
