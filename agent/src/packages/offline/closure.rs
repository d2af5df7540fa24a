//! Which files of a folder are installed: those of the packages that were chosen, what they ask for, and so on. NVIDIA's
//! archives hold the desktop's packages as well, which ask for what no server has, and both builds of the modules.

use std::collections::BTreeSet;

use gpunode_host::driver::packages::{Package, upstream};
use gpunode_host::versions::Version;

use super::File;
use super::needs::{Need, Wanted};
use crate::packages::PackageError;

/// Says whether something of a name is installed already.
type IsThere<'a> = &'a dyn Fn(&str) -> Result<bool, PackageError>;

/// The files to install for a driver of `version`: of the packages that were chosen, and what they need of the folder. What is
/// not the driver's comes along only where it is not installed yet, in whatever version.
pub(crate) fn choose(
    files: &[File],
    chosen: &[Package],
    version: &Version,
    is_there: IsThere<'_>,
) -> Result<Vec<String>, PackageError> {
    let taken = closure(files, chosen, version, is_there)?;
    Ok(taken.into_iter().map(|index| files[index].path.clone()).collect())
}

/// Those of them that are not NVIDIA's, such as headers and DKMS.
pub(crate) fn others(
    files: &[File],
    chosen: &[Package],
    version: &Version,
    is_there: IsThere<'_>,
) -> Result<Vec<String>, PackageError> {
    let taken = closure(files, chosen, version, is_there)?;
    let others =
        taken.into_iter().map(|index| &files[index]).filter(|file| !file.package.name.contains("nvidia"));
    Ok(others.map(|file| file.path.clone()).collect())
}

fn closure(
    files: &[File],
    chosen: &[Package],
    version: &Version,
    is_there: IsThere<'_>,
) -> Result<BTreeSet<usize>, PackageError> {
    let is_chosen = |file: &File| chosen.contains(&file.package);
    let mut taken: BTreeSet<_> = (0..files.len()).filter(|index| is_chosen(&files[*index])).collect();
    let mut open: Vec<_> = taken.iter().copied().collect();
    while let Some(index) = open.pop() {
        for Need(any) in &files[index].needs {
            let is_met = |wanted: &Wanted| taken.iter().any(|index| gives(&files[*index], wanted));
            if any.iter().any(is_met) {
                continue;
            }
            let Some(found) = any.iter().find_map(|wanted| best(files, wanted, version)) else { continue };
            if !is_of_driver(&files[found]) {
                let mut there = false;
                for wanted in any {
                    there = there || is_there(&wanted.name)?;
                }
                if there {
                    continue;
                }
            }
            if taken.insert(found) {
                open.push(found);
            }
        }
    }
    Ok(taken)
}

/// The file that meets this best: by its own name before what it provides, in the version that is asked for before others,
/// and of the driver only what is of `version`.
fn best(files: &[File], wanted: &Wanted, version: &Version) -> Option<usize> {
    let fits = |file: &File| !is_of_driver(file) || is_of(file, version);
    let all = files.iter().enumerate().filter(|(_, file)| gives(file, wanted) && fits(file));
    let rank = |file: &File| {
        (file.package.name == wanted.name, is_exactly(file, wanted), upstream(&file.package.version))
    };
    all.max_by(|(_, one), (_, other)| rank(one).cmp(&rank(other))).map(|(index, _)| index)
}

fn gives(file: &File, wanted: &Wanted) -> bool {
    file.package.name == wanted.name || file.provides.contains(&wanted.name)
}

/// An epoch of 0 and the build may be left out of what is asked for.
fn is_exactly(file: &File, wanted: &Wanted) -> bool {
    let Some(version) = &wanted.version else { return true };
    let found = file.package.version.as_str();
    let plain = found.strip_prefix("0:").unwrap_or(found);
    [found, plain].iter().any(|found| {
        found.strip_prefix(version.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// The toolkit has versions of its own.
fn is_of_driver(file: &File) -> bool {
    file.package.name.contains("nvidia") && !file.package.name.contains("container")
}

fn is_of(file: &File, version: &Version) -> bool {
    upstream(&file.package.version).is_some_and(|found| found == *version)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use gpunode_host::driver::Manager;

    use super::super::file;
    use super::*;

    /// A file by what dpkg-deb prints: its name and version, what it provides, what it needs.
    fn deb(name: &str, version: &str, provides: &str, needs: &str) -> File {
        let text = format!("{name}|{version}\t{provides}\t, {needs}");
        file(Manager::Apt, format!("/f/{name}_{version}.deb"), &text).unwrap()
    }

    fn package(name: &str, version: &str) -> Package {
        Package { name: name.to_owned(), version: version.to_owned() }
    }

    fn names(paths: &[String]) -> Vec<&str> {
        paths.iter().map(|path| path.trim_start_matches("/f/").split('_').next().unwrap()).collect()
    }

    const NEW: &str = "580.95.05-0ubuntu1";

    /// As in NVIDIA's local repository for Ubuntu: both builds, the desktop, another driver, another toolkit.
    fn archive() -> Vec<File> {
        let modules = |build: &str, other: &str| {
            deb(
                &format!("nvidia-dkms-580{build}"),
                NEW,
                "nvidia-dkms-kernel",
                &format!(
                    "dkms (>= 2.1), nvidia-kernel-common-580 (= {NEW}), nvidia-kernel-source-580{build}{other}"
                ),
            )
        };
        vec![
            deb("nvidia-headless-580", NEW, "", &format!("nvidia-dkms-580 (= {NEW}), libnvidia-compute-580")),
            deb(
                "nvidia-headless-580-open",
                NEW,
                "",
                &format!("nvidia-dkms-580-open (= {NEW}), libnvidia-compute-580"),
            ),
            modules("", ""),
            modules("-open", ""),
            deb("nvidia-kernel-source-580", NEW, "", ""),
            deb("nvidia-kernel-source-580-open", NEW, "", ""),
            deb("nvidia-kernel-common-580", NEW, "", "kmod"),
            deb("libnvidia-compute-580", NEW, "libcuda1", "libc6 (>= 2.34)"),
            deb("libnvidia-compute-580", "580.82.07-0ubuntu1", "libcuda1", ""),
            deb("nvidia-driver-580-open", NEW, "", "xserver-xorg-video-nvidia-580, nvidia-settings"),
            deb("xserver-xorg-video-nvidia-580", NEW, "", "xserver-xorg-core"),
            deb("nvidia-settings", NEW, "", "libgtk-3-0"),
            deb("dkms", "2.8.7-2", "", "gcc | c-compiler, make"),
            deb("make", "4.3-4.1", "", ""),
            deb("nvidia-container-toolkit", "1.17.8-1", "", "nvidia-container-toolkit-base (= 1.17.8-1)"),
            deb("nvidia-container-toolkit-base", "1.18.0-1", "", ""),
            deb("nvidia-container-toolkit-base", "1.17.8-1", "", ""),
            deb("libnccl2", "2.28.3-1", "", ""),
        ]
    }

    fn version() -> Version {
        "580.95.05".parse().unwrap()
    }

    #[test]
    fn of_an_archive_with_everything_only_what_is_needed_is_installed() {
        let files = archive();
        let chosen =
            [package("nvidia-headless-580-open", NEW), package("nvidia-container-toolkit", "1.17.8-1")];
        let taken = choose(&files, &chosen, &version(), &|_| Ok(false)).unwrap();
        assert_eq!(
            names(&taken),
            [
                "nvidia-headless-580-open",
                "nvidia-dkms-580-open",
                "nvidia-kernel-source-580-open",
                "nvidia-kernel-common-580",
                "libnvidia-compute-580",
                "dkms",
                "make",
                "nvidia-container-toolkit",
                "nvidia-container-toolkit-base",
            ]
        );
        assert!(taken.contains(&format!("/f/libnvidia-compute-580_{NEW}.deb")));
        assert!(taken.contains(&"/f/nvidia-container-toolkit-base_1.17.8-1.deb".to_owned()));
        let first = others(&files, &chosen, &version(), &|_| Ok(false)).unwrap();
        assert_eq!(names(&first), ["dkms", "make"]);
    }

    #[test]
    fn what_the_machine_has_is_left_alone() {
        let asked = RefCell::new(Vec::new());
        let is_there = |name: &str| {
            asked.borrow_mut().push(name.to_owned());
            Ok(name == "dkms")
        };
        let chosen = [package("nvidia-headless-580", NEW)];
        let taken = choose(&archive(), &chosen, &version(), &is_there).unwrap();
        let expected = [
            "nvidia-headless-580",
            "nvidia-dkms-580",
            "nvidia-kernel-source-580",
            "nvidia-kernel-common-580",
            "libnvidia-compute-580",
        ];
        assert_eq!(names(&taken), expected);
        assert_eq!(asked.into_inner(), ["dkms"], "nobody is asked about what the folder has not");
    }

    #[test]
    fn a_module_that_was_chosen_is_what_others_ask_for() {
        let rpm = |name: &str, provides: &str, needs: &str| {
            let text = format!("{name}|3:580.95.05-1\t{provides}\t{needs}");
            file(Manager::Dnf, format!("/f/{name}_"), &text).unwrap()
        };
        let files = [
            rpm("kmod-nvidia-latest-dkms", "nvidia-kmod\n", ""),
            rpm("nvidia-driver-cuda", "", "nvidia-kmod = 3:580.95.05\nlibc.so.6()(64bit)  \n"),
            rpm("kmod-nvidia-open-dkms", "kmod-nvidia-open-dkms\nnvidia-kmod\n", "/bin/sh  \n"),
        ];
        let version = |name: &str| package(name, "3:580.95.05-1");
        let chosen = [version("kmod-nvidia-open-dkms"), version("nvidia-driver-cuda")];
        let taken = choose(&files, &chosen, &self::version(), &|_| Ok(false)).unwrap();
        assert_eq!(names(&taken), ["nvidia-driver-cuda", "kmod-nvidia-open-dkms"]);
    }
}
