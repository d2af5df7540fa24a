//! A package that is no part of the driver and comes from where the driver comes from.

use gpunode_host::driver::Manager;
use gpunode_host::driver::packages::{Missing, Offered, Package};
use gpunode_host::image;

use super::install::missing;
use super::look::Seen;
use super::offline;
use super::source::Source;
use crate::context::Context;
use crate::os::Os;
use crate::step::Failure;

/// What chooses the package: the package manager, and the driver's branch where it is known.
pub(in crate::steps) type Choose<'a> = &'a dyn Fn(Manager, Option<u32>, &Offered) -> Option<Package>;

/// The package manager, where there is a source that it can install from.
pub(in crate::steps) fn manager(cx: &Context, os: &Os) -> Option<Manager> {
    let platform = Seen::look(cx, os).machine.platform?;
    (!offline::is_run_file(cx)).then(|| platform.manager())
}

/// Installs `version` of the package `name`.
pub(in crate::steps) fn install(
    cx: &Context,
    os: &Os,
    name: &str,
    version: &str,
    choose: Choose<'_>,
) -> Result<(), Failure> {
    let _turn = cx.package_manager(os);
    // The driver may have been installed while the turn was waited for.
    cx.forget_versions();
    let seen = Seen::look(cx, os);
    let Some((platform, packages)) = seen.packages(cx, os) else { return Ok(()) };
    let source = Source::open_for(cx, os, &packages, platform, &[name.to_owned()])?;
    let present =
        seen.state.loaded.as_ref().map(|driver| &driver.found.version).or(seen.state.installed.as_ref());
    let branch = present.map(|version| version.numbers()[0]).or(seen.wish.version.branch());
    let package = choose(platform.manager(), branch, source.offered()).ok_or_else(|| {
        missing(&Missing::Package { names: vec![name.to_owned()], version: version.to_owned() })
    })?;
    source.install_one(&packages, &package)?;
    let from = format!("{}: {} {}", source.place(), package.name, package.version);
    cx.note_source(image::Source { name: name.to_owned(), from, sha256: source.sha256() });
    source.forget();
    Ok(())
}
