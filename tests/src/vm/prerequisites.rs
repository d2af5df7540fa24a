//! What must be installed on this machine before a virtual machine can run.

use std::path::Path;

use super::Error;
use super::programs::search_path;

const LIST: &str = include_str!("../../prerequisites.debian");

/// One line of the list.
#[derive(Debug, PartialEq, Eq)]
struct Prerequisite<'a> {
    package: &'a str,
    /// A program's name, or a file's whole path.
    witness: &'a str,
}

fn parse(list: &str) -> Vec<Prerequisite<'_>> {
    list.lines()
        .filter_map(|line| {
            let (package, comment) = line.split_once('#')?;
            let (witness, _) = comment.split_once(':')?;
            let package = package.trim();
            (!package.is_empty()).then_some(Prerequisite { package, witness: witness.trim() })
        })
        .collect()
}

/// Fails with the command that installs what is missing, when something is.
pub fn prerequisites() -> Result<(), Error> {
    let path = search_path();
    let missing = missing(LIST, |witness| {
        Path::new(witness).is_absolute() && Path::new(witness).exists()
            || path.split(':').any(|folder| Path::new(folder).join(witness).is_file())
    });
    if !missing.is_empty() {
        return Err(Error::Prerequisites(format!(
            "the virtual machines of the test bed need more packages; install them with\n    apt-get install --yes --no-install-recommends {}",
            missing.join(" ")
        )));
    }
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::Prerequisites(
            "the virtual machines of the test bed are made as root (debootstrap and file owners); run the tests as root".to_owned(),
        ));
    }
    Ok(())
}

fn missing(list: &str, present: impl Fn(&str) -> bool) -> Vec<&str> {
    parse(list).into_iter().filter(|one| !present(one.witness)).map(|one| one.package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_names_a_package_and_its_witness() {
        let lines = LIST.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        assert_eq!(parse(LIST).len(), lines.count());
        assert!(parse(LIST).iter().all(|one| !one.witness.contains(' ')));
    }

    #[test]
    fn names_what_is_missing_in_the_order_of_the_list() {
        let list = "# heading: not a package\nqemu # qemu-img: why\nlibc # /lib/libc.a: why\ngcc # cc: why\n";
        assert_eq!(missing(list, |witness| witness == "/lib/libc.a"), ["qemu", "gcc"]);
        assert!(missing(list, |_| true).is_empty());
    }
}
