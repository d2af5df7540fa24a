//! Which libfabric is loaded.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use gpunode_probe_protocol::library::Unusable;
use libfabric_sys::{Library, OpenError};

/// Where the EFA installer puts it: Amazon Linux, then Debian and Ubuntu. It comes first, as it does for programs that
/// are started with the installer's own profile.
const INSTALLER: [&str; 2] = ["/opt/amazon/efa/lib64/libfabric.so.1", "/opt/amazon/efa/lib/libfabric.so.1"];
/// What the loader looks for.
const NAME: &str = "libfabric.so.1";
/// Names another file, and no other is tried then.
const VARIABLE: &str = "GPUNODE_LIBFABRIC";

/// Loads the libfabric that programs on this machine use.
pub(super) fn load() -> Result<Library, Unusable> {
    let name = choose(variable(), Path::exists);
    Library::open(&name).map_err(|error| unusable(&name, &error))
}

/// The first that is there; one that is there but broken is not passed over, since programs would not either.
fn choose(named: Option<OsString>, exists: impl Fn(&Path) -> bool) -> OsString {
    let installed = || INSTALLER.iter().find(|path| exists(Path::new(path))).map(OsString::from);
    named.or_else(installed).unwrap_or_else(|| NAME.into())
}

fn unusable(name: &OsStr, error: &OpenError) -> Unusable {
    let message = error.to_string();
    // The loader names the file it did not find: the library itself, or one that the library needs.
    let missing = format!("{}: cannot open shared object file: No such file", name.display());
    if message.starts_with(&missing) {
        Unusable::NotInstalled { message }
    } else {
        Unusable::WrongLibrary { message }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one variable of the probe's own")]
fn variable() -> Option<OsString> {
    std::env::var(VARIABLE).ok().filter(|name| !name.is_empty()).map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installer_s_comes_before_the_loader_s_and_a_named_one_before_both() {
        assert_eq!(choose(None, |_| false), "libfabric.so.1");
        assert_eq!(choose(None, |_| true), INSTALLER[0]);
        assert_eq!(choose(None, |path| path == Path::new(INSTALLER[1])), INSTALLER[1]);
        assert_eq!(choose(Some("/x.so".into()), |_| true), "/x.so");
    }

    #[test]
    fn a_missing_library_is_told_from_a_broken_one() {
        let open = |name: &str| unusable(name.as_ref(), &Library::open(name.as_ref()).unwrap_err());
        assert!(matches!(open("/nowhere/libfabric.so.1"), Unusable::NotInstalled { .. }));
        assert!(matches!(open("libm.so.6"), Unusable::WrongLibrary { .. }));
        let needs =
            OpenError::Load("libefa.so.1: cannot open shared object file: No such file or directory".into());
        assert!(matches!(unusable("libfabric.so.1".as_ref(), &needs), Unusable::WrongLibrary { .. }));
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("libfabric.so.1");
        std::fs::write(&text, "no ELF file").unwrap();
        assert!(matches!(open(text.to_str().unwrap()), Unusable::WrongLibrary { .. }));
    }
}
