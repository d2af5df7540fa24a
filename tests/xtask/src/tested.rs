//! Test programs: built once for all jobs, then run some at a time.
//!
//! `cargo test` runs one program after the other, and many of ours wait: for a debounce, for an API server, for a
//! virtual machine. And asked for one package at a time, it compiles what they share anew for each set of features.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::error::Error;
use crate::place::Place;
use crate::run;
use crate::stale::Made;

/// A program with tests in it, as cargo made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// The folder of its package, where it runs.
    pub(crate) folder: PathBuf,
    /// Its target: a library, a program, or a file of `tests`.
    pub(crate) target: String,
    /// Whether it is a file of `tests`.
    pub(crate) is_integration: bool,
    path: PathBuf,
}

/// Builds all of the workspace's tests, and what they start.
pub(crate) fn build(place: &Place) -> Result<Vec<Program>, Error> {
    let mut command = place.cargo("test");
    command.args(["--locked", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    println!("+ {}", run::line(&command));
    let messages = run::read(&mut command)?;
    let mut programs = messages.lines().filter_map(program).collect::<Vec<_>>();
    programs.sort_by(|a, b| (&a.folder, &a.target).cmp(&(&b.folder, &b.target)));
    if programs.is_empty() {
        return Err(Error::Output {
            line: run::line(&command),
            what: "no test program was named".to_owned(),
        });
    }
    let stale = Made::of(&messages, &place.clone).take_away_the_rest(&place.target.join("debug"))?;
    if stale > 0 {
        println!("took {} MiB of replaced programs out of {}", stale >> 20, place.target.display());
    }
    Ok(programs)
}

/// One message of cargo, if it is about a test program
/// (<https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>).
fn program(line: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    Some(Program {
        folder: Path::new(message["manifest_path"].as_str()?).parent()?.to_owned(),
        target: message["target"]["name"].as_str()?.to_owned(),
        is_integration: message["target"]["kind"].as_array()?.iter().any(|kind| kind == "test"),
        path: message["executable"].as_str()?.into(),
    })
}

/// Runs programs, `at_once` of them at the same time; what each printed is shown when it ends. After the first that
/// fails no more are started.
pub(crate) fn run(
    programs: Vec<Program>,
    at_once: usize,
    variables: &[(&str, PathBuf)],
) -> Result<(), Error> {
    let variables_shown = variables.iter().map(|(name, value)| format!("{name}={} ", value.display()));
    println!("+ {}<{} test programs>", variables_shown.collect::<String>(), programs.len());
    let count = programs.len();
    let waiting = Mutex::new(VecDeque::from(programs));
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(count) {
            scope.spawn(|| {
                while let Some(program) = next(&waiting) {
                    if let Err(error) = one(&program, variables) {
                        lock(&waiting).clear();
                        lock(&failed).get_or_insert(error);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

fn next(waiting: &Mutex<VecDeque<Program>>) -> Option<Program> {
    lock(waiting).pop_front()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn one(program: &Program, variables: &[(&str, PathBuf)]) -> Result<(), Error> {
    // However we end, the kernel ends it too, and with it what it keeps in the same way. To the kernel its parent is this
    // thread, which waits for its end.
    let mut command = run::program("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(&program.path);
    // As cargo starts them.
    command.current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let line = run::line(&command);
    let Output { status, stdout, stderr } =
        command.output().map_err(|source| Error::Start { line: line.clone(), source })?;
    let [said, complained] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    println!("\n     Running {} ({})\n{said}{complained}", program.target, program.path.display());
    if status.success() { Ok(()) } else { Err(Error::Failed { line, status }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_program_is_told_from_all_else_cargo_says() {
        let test = r#"{"reason":"compiler-artifact","manifest_path":"/clone/tests/Cargo.toml","target":{"kind":["test"],"name":"vm_boot"},"profile":{"test":true},"executable":"/target/debug/deps/vm_boot-1"}"#;
        let library = test.replace(r#""test":true"#, r#""test":false"#).replace(r#"["test"]"#, r#"["lib"]"#);
        assert_eq!(
            program(test),
            Some(Program {
                folder: "/clone/tests".into(),
                target: "vm_boot".to_owned(),
                is_integration: true,
                path: "/target/debug/deps/vm_boot-1".into(),
            })
        );
        for other in [&library, r#"{"reason":"build-finished","success":true}"#, "Compiling", ""] {
            assert_eq!(program(other), None, "{other}");
        }
    }

    fn shell(target: &str, script: &str, folder: &Path) -> Program {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join(target);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Program { folder: folder.to_owned(), target: target.to_owned(), is_integration: true, path }
    }

    #[test]
    fn programs_run_side_by_side_with_what_they_need() {
        let folder = tempfile::tempdir().unwrap();
        // Each waits for the other: one after the other they would never end.
        let meet = |mine: &str, other: &str| {
            format!(
                r#"echo "$WORD" > {mine}; n=0; until [ -e {other} ] || [ $n = 600 ]; do sleep 0.1; n=$((n + 1)); done; [ -e {other} ]"#
            )
        };
        let programs = vec![
            shell("a", &meet("one", "two"), folder.path()),
            shell("b", &meet("two", "one"), folder.path()),
        ];
        run(programs, 2, &[("WORD", "given".into())]).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("one")).unwrap(), "given\n");
    }

    /// What is killed in the next test: it runs a program that would not end by itself, in the folder it is started in.
    #[test]
    #[ignore = "started by the test after it"]
    fn runs_a_program_without_end() {
        let folder = std::env::current_dir().unwrap();
        let script =
            format!("echo $$ > '{0}/new' && mv '{0}/new' '{0}/pid' && exec sleep 600", folder.display());
        run(vec![shell("endless", &script, &folder)], 1, &[]).unwrap();
    }

    #[test]
    fn a_program_ends_with_who_runs_it_even_when_that_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = run::program(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "tested::tests::runs_a_program_without_end"]);
        let mut runner = command.current_dir(folder.path()).stdout(Stdio::null()).spawn().unwrap();
        let pid = wait_for(|| std::fs::read_to_string(folder.path().join("pid")).ok());
        let process = Path::new("/proc").join(pid.trim());
        assert!(process.exists());
        runner.kill().unwrap();
        runner.wait().unwrap();
        // Whoever takes orphans over reaps it; until then it is there, and has no command line any more.
        wait_for(|| {
            std::fs::read(process.join("cmdline")).map_or(true, |line| line.is_empty()).then_some(())
        });
    }

    fn wait_for<T>(mut there: impl FnMut() -> Option<T>) -> T {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            if let Some(found) = there() {
                return found;
            }
            assert!(std::time::Instant::now() < end, "it does not come");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    #[test]
    fn after_a_failure_nothing_more_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let programs = vec![shell("a", "exit 3", folder.path()), shell("b", "touch started", folder.path())];
        let error = run(programs, 1, &[]).unwrap_err();
        assert!(error.to_string().ends_with("exit status: 3"), "{error}");
        assert!(!folder.path().join("started").exists());
    }
}
