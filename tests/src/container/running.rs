//! A container's life.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::spec::{self, Asked};
use super::{Image, Runtime};
use crate::agent::{Run, text};
use crate::kube::daemonset::Node;
use crate::kube::{Cluster, nvidia_container_runtime, program};

/// Far beyond what a container takes to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Gives what is started the node's `/dev` in place of this machine's, and the node something that is mounted, out of the
/// sight of everybody else.
const AT_THE_NODE: &str =
    r#"mount --rbind "$0/dev" /dev && mount -t tmpfs none "$0/mounted-below" && exec "$@""#;

/// A container that runs; gone when dropped, and when the test program is killed.
pub struct Container {
    id: String,
    /// Of its first process.
    pid: u32,
    /// Where the runtime keeps what it knows.
    state: TempDir,
    /// Removes the container when its standard input ends.
    guard: Child,
}

impl Container {
    /// Starts the container of this pod on the node. Its program's log is the node's.
    ///
    /// # Panics
    /// When it cannot be started; with what the runtime said.
    pub fn start(cluster: &Cluster, node: &Node, template: &Value, image: &Image, runtime: Runtime) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let id = format!("gpunode-{}-{number}", std::process::id());
        let state = tempfile::tempdir().unwrap();
        let config = spec::config(&Asked { template, image, cluster, node, id: &id });
        fs::write(image.bundle().join("config.json"), config.to_string()).unwrap();
        // The container's first process is this one's child when the runtime is gone, as it is the shim's of containerd.
        nix::sys::prctl::set_child_subreaper(true).unwrap();
        let root = node.machine.tree.path();
        let guard = guard(state.path(), &id);
        let pid_file = state.path().join("pid");
        let bundle = image.bundle();
        let words = ["create", "--bundle", text(&bundle), "--pid-file", text(&pid_file), &id];
        let mut create = command(runtime, root, state.path());
        create.args(words);
        into_log(create, node);
        let pid = fs::read_to_string(&pid_file).unwrap().parse().unwrap();
        let container = Self { id, pid, state, guard };
        into_log(container.runc(&["start", &container.id]), node);
        container
    }

    /// The process of the daemonset.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Every process in it, the first and what it started.
    ///
    /// # Panics
    /// When the runtime does not say.
    pub fn processes(&self) -> Vec<u32> {
        let run = self.runc(&["ps", "--format", "json", &self.id]).output().unwrap();
        serde_json::from_slice(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    }

    /// Runs a script in it with the rights of its program. `$B` is a busybox, by a path of the host's.
    ///
    /// # Panics
    /// When the runtime cannot be started.
    pub fn inside(&self, script: &str) -> Run {
        let script = format!("B=/host/bin/busybox\n{script}");
        let output =
            self.runc(&["exec", &self.id, "/host/bin/busybox", "sh", "-c", &script]).output().unwrap();
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        Run { code: output.status.code().unwrap_or(-1), stdout, stderr }
    }

    /// Ends it as a kubelet does, and gives its exit code; -1 where a signal ended it.
    ///
    /// # Panics
    /// When it does not end.
    pub fn end(self) -> i32 {
        assert!(self.runc(&["kill", &self.id, "TERM"]).status().unwrap().success());
        let started = Instant::now();
        let pid = Pid::from_raw(self.pid.cast_signed());
        loop {
            match waitpid(pid, Some(WaitPidFlag::WNOHANG)).unwrap() {
                WaitStatus::Exited(_, code) => return code,
                WaitStatus::Signaled(..) => return -1,
                _ => assert!(started.elapsed() < PATIENCE, "the container does not end"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn runc(&self, words: &[&str]) -> Command {
        let mut command = program("runc");
        command.args(["--root", text(self.state.path())]).args(words);
        command
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
        // Where it has not been waited for.
        let _ = waitpid(Pid::from_raw(self.pid.cast_signed()), Some(WaitPidFlag::WNOHANG));
    }
}

/// The runtime as containerd calls it on this node.
fn command(runtime: Runtime, root: &Path, state: &Path) -> Command {
    let runtime = match runtime {
        Runtime::Runc => PathBuf::from("runc"),
        Runtime::Nvidia => nvidia_container_runtime().unwrap_or_else(|error| panic!("{error}")),
    };
    let folder = state.join("nvidia-container-runtime");
    fs::create_dir_all(&folder).unwrap();
    // Its defaults but for the folders, which are the node's.
    let settings = format!(
        "[nvidia-container-runtime]\nruntimes = [\"runc\"]\n\n\
         [nvidia-container-runtime.modes.cdi]\nspec-dirs = [\"{}\", \"{}\"]\n",
        root.join("etc/cdi").display(),
        root.join("var/run/cdi").display(),
    );
    fs::write(folder.join("config.toml"), settings).unwrap();
    let mut command = program("unshare");
    command.env("XDG_CONFIG_HOME", state).args([
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        AT_THE_NODE,
    ]);
    fs::create_dir_all(root.join("mounted-below")).unwrap();
    command.arg(root).arg(runtime).arg("--root").arg(state);
    command
}

/// Runs to the end. What is started keeps the outputs for as long as it lives, so they are the log.
fn into_log(mut command: Command, node: &Node) {
    let log = fs::OpenOptions::new().create(true).append(true).open(node.log()).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log);
    let status = command.status().unwrap();
    let said = || fs::read_to_string(node.log()).unwrap_or_default();
    assert_eq!((status.code(), status.signal()), (Some(0), None), "{command:?}\n{}", said());
}

fn guard(state: &Path, id: &str) -> Child {
    let mut command = program("sh");
    command.args(["-c", r#"cat; exec runc --root "$0" delete --force "$1""#]).arg(state).arg(id);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// A field of `/proc/PID/status`.
///
/// # Panics
/// When there is none.
pub fn status(pid: u32, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.unwrap_or_else(|| panic!("{field} in {text}")).trim().to_owned()
}
