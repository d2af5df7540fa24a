//! The linker's search path.

use std::path::Path;

use crate::os::{Cmd, FileSpec, Os};
use crate::step::Failure;

const FOLDER: &str = "/etc/ld.so.conf.d";
/// As the EFA installer calls its own.
const FILE: &str = "/etc/ld.so.conf.d/100_ofinccl.conf";

/// The file that must be written so that the linker looks where the plugin is; none where it does already.
pub(super) fn missing(os: &Os, plugin: &Path) -> Vec<FileSpec> {
    let Some(folder) = plugin.parent().and_then(Path::to_str) else { return Vec::new() };
    let names = os.root().list(FOLDER);
    let mut files: Vec<_> = names.iter().map(|name| format!("{FOLDER}/{name}")).collect();
    files.push("/etc/ld.so.conf".to_owned());
    let says = |file: &String| {
        let text = os.root().read_text(file).ok().flatten().unwrap_or_default();
        text.lines().any(|line| line.trim().trim_end_matches('/') == folder)
    };
    if files.iter().any(says) { Vec::new() } else { vec![FileSpec::new(FILE, format!("{folder}\n"))] }
}

/// Writes it, and has the linker's cache made anew.
pub(super) fn tell(os: &Os, plugin: &Path) -> Result<(), Failure> {
    for file in missing(os, plugin) {
        os.write(&file)?;
        os.run(&Cmd::new("ldconfig"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpunode_host::Root;

    #[test]
    fn the_folder_is_named_once() {
        let dir = tempfile::tempdir().unwrap();
        let os = Os::real(Root::new(dir.path()));
        let plugin = Path::new("/opt/amazon/ofi-nccl/lib64/libnccl-net-ofi.so");
        let file = FileSpec::new(FILE, "/opt/amazon/ofi-nccl/lib64\n");
        assert_eq!(missing(&os, plugin), std::slice::from_ref(&file));
        os.write(&file).unwrap();
        assert!(missing(&os, plugin).is_empty());
        // Ubuntu's packages name it in a file of their own.
        os.remove(FILE).unwrap();
        os.write(&FileSpec::new("/etc/ld.so.conf.d/aws.conf", "# x\n/opt/amazon/ofi-nccl/lib64/\n")).unwrap();
        assert!(missing(&os, plugin).is_empty());
    }
}
