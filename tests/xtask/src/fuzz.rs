//! `cargo xtask fuzz`: libFuzzer on every target of `tests/fuzz`.
//!
//! Built by the pinned compiler: coverage counters are a pass that it has, and a sanitizer, which would need a nightly
//! one, finds nothing in code without `unsafe`. The crate is laid out for `cargo fuzz` all the same.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::package::Arch;
use crate::place::Place;
use crate::run;

/// What `cargo fuzz build --sanitizer none` sets: counters and comparisons that libFuzzer reads, and the checks of a
/// debug build.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions \
                     -Coverflow-checks";
/// One input may take so long, in seconds, and so much memory, in MiB; user data of 16 KiB may inflate to 16 MiB.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=2048"];

pub(crate) fn run(place: &Place, seconds: u32, only: Option<&str>) -> Result<(), Error> {
    let folder = place.clone.join("tests/fuzz");
    let targets = chosen(targets(&folder.join("targets"))?, only)?;
    if !run::succeeds(run::program("c++").arg("--version")) {
        return Err(Error::Advice(
            "libFuzzer is C++ and there is no `c++` here; on Debian: apt-get install g++".into(),
        ));
    }
    let triple = Arch::native()?.gnu();
    let built = place.target.join("fuzz");
    let mut command = place.cargo("build");
    command.args(["--locked", "--release", "--target", triple, "--manifest-path"]);
    command.arg(folder.join("Cargo.toml"));
    for target in &targets {
        command.args(["--bin", target]);
    }
    // Takes precedence over RUSTFLAGS, so a caller's value would undo ours.
    command.env_remove("CARGO_ENCODED_RUSTFLAGS");
    run::go(command.env("CARGO_TARGET_DIR", &built).env("RUSTFLAGS", FLAGS))?;
    targets.iter().try_for_each(|target| {
        println!("\n== {target}");
        one(place, &built.join(triple).join("release").join(target), target, seconds)
    })
}

fn one(place: &Place, program: &Path, target: &str, seconds: u32) -> Result<(), Error> {
    let kept = place.cache.join("fuzz").join(target);
    let (corpus, found) = (kept.join("corpus"), kept.join("found"));
    for folder in [&corpus, &found] {
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    }
    let mut command = run::program(program);
    command.arg(format!("-max_total_time={seconds}")).args(LIMITS);
    // Longer inputs sooner than by default, which hardly gets past ten bytes in 20 seconds.
    command.args(["-print_final_stats=1", "-len_control=10", "-max_len=4096"]);
    command.arg(format!("-artifact_prefix={}/", found.display())).arg(corpus);
    // What is learned goes into the first folder; the second is only read.
    let seeds = place.clone.join("tests/fuzz/seeds").join(target);
    command.args(seeds.is_dir().then_some(seeds));
    run::go(&mut command)
}

/// The targets' names: one a file.
fn targets(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::file("list", folder))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths: Vec<_> = paths.collect::<Result<_, _>>().map_err(Error::file("list", folder))?;
    let sources = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let mut names: Vec<_> = sources.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

fn chosen(targets: Vec<String>, only: Option<&str>) -> Result<Vec<String>, Error> {
    match only {
        None => Ok(targets),
        Some(name) if targets.iter().any(|target| target == name) => Ok(vec![name.to_owned()]),
        Some(name) => {
            Err(Error::Advice(format!("there is no fuzz target `{name}`; there are {}", targets.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_in_the_manifest_and_the_other_way_round() {
        let folder = Place::find().unwrap().clone.join("tests/fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let listed: Vec<_> = manifest.lines().filter(|line| line.starts_with("path = \"targets/")).collect();
        let files = targets(&folder.join("targets")).unwrap();
        assert_eq!(
            listed,
            files.iter().map(|name| format!("path = \"targets/{name}.rs\"")).collect::<Vec<_>>()
        );
    }

    #[test]
    fn an_unknown_target_is_told_the_known_ones() {
        let known = || vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(chosen(known(), Some("b")).unwrap(), ["b"]);
        assert_eq!(chosen(known(), None).unwrap(), known());
        let error = chosen(known(), Some("c")).unwrap_err();
        assert_eq!(error.to_string(), "there is no fuzz target `c`; there are a, b");
    }
}
