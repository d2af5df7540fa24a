//! Where the node's programs run: mounts, processes, network, name and cgroups of their own, over the files of a machine
//! in a folder. All of it is gone when the test program ends, however that is.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::agent::text;
use crate::binary;
use crate::kube::program;

/// The place.
pub struct Place {
    /// Takes all away when its standard input ends.
    guard: Child,
    /// Its first process, as this machine numbers it.
    init: u32,
    /// The name of its cgroup, below the root of each hierarchy.
    pub(super) cgroup: String,
}

impl Place {
    /// Makes one for the machine in `root`, with these addresses beside loopback. `log` takes what goes wrong.
    ///
    /// # Panics
    /// When that is not possible; with what was said.
    pub(super) fn new(root: &Path, name: &str, addresses: &[&str], log: &Path) -> Self {
        let script = |name: &str| binary::bed().join("src/kubelet").join(name);
        let (place, inside) = (script("place.sh"), script("inside.sh"));
        let mut command = program("setsid");
        command.arg("sh").args([text(&place), text(&inside), text(root), name]).args(addresses);
        let complaints = File::create(log).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(complaints);
        let mut guard = command.spawn().unwrap();
        let mut lines = BufReader::new(guard.stdout.take().unwrap()).lines();
        let (mut init, mut cgroup, mut ready) = (0, String::new(), false);
        while init == 0 || !ready {
            let line = lines.next().map(Result::unwrap).unwrap_or_default();
            match line.split_once(' ') {
                Some(("init", pid)) if !pid.is_empty() => init = pid.parse().unwrap(),
                Some(("cgroup", name)) => name.clone_into(&mut cgroup),
                None if line == "ready" => ready = true,
                _ => {
                    let said = fs::read_to_string(log).unwrap_or_default();
                    drop(guard.stdin.take());
                    let _ = guard.wait();
                    panic!("the node's place is {line:?}; it needs root\n{said}");
                }
            }
        }
        Self { guard, init, cgroup }
    }

    /// A file in it.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.init))
    }

    /// What of it can be seen outside: its first process, and its cgroup in every hierarchy.
    ///
    /// # Panics
    /// When there are no cgroups.
    pub fn traces(&self) -> Vec<PathBuf> {
        let cgroups = Path::new("/sys/fs/cgroup");
        let hierarchies = fs::read_dir(cgroups).unwrap().flatten().map(|entry| entry.path());
        let groups = hierarchies.chain([cgroups.to_owned()]).map(|path| path.join(&self.cgroup));
        let mut found: Vec<_> = groups.filter(|path| path.is_dir()).collect();
        found.push(format!("/proc/{}", self.init).into());
        found
    }

    /// The words that start a program in it. It ends when nsenter does.
    pub(super) fn words(&self) -> Vec<String> {
        let init = self.init.to_string();
        let words = ["--target", &init, "--mount", "--net", "--ipc", "--uts", "--pid", "--"];
        words.into_iter().chain(["setpriv", "--pdeathsig", "KILL"]).map(str::to_owned).collect()
    }

    /// A command in it.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = program("nsenter");
        command.args(self.words()).args(words);
        command
    }

    /// Lets those inside reach, at `address`, what listens on this machine at `target`.
    ///
    /// # Panics
    /// When the address cannot be listened on.
    pub(super) fn forward(&self, address: SocketAddr, target: SocketAddr) {
        // A socket stays in the network in which it was made.
        let listener = self.inside(move || TcpListener::bind(address)).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || relay(&stream, target));
            }
        });
    }

    /// A connection to what listens inside.
    ///
    /// # Panics
    /// When the place is gone.
    pub fn connect(&self, address: SocketAddr) -> std::io::Result<TcpStream> {
        self.inside(move || TcpStream::connect(address))
    }

    /// Does something on a thread that is in its network.
    fn inside<T: Send + 'static>(&self, what: impl FnOnce() -> T + Send + 'static) -> T {
        let network = File::open(format!("/proc/{}/ns/net", self.init)).unwrap();
        let run = move || {
            setns(&network, CloneFlags::CLONE_NEWNET).unwrap();
            what()
        };
        thread::spawn(run).join().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

fn relay(stream: &TcpStream, target: SocketAddr) {
    // A server that is gone, or a client that goes, is what the other side is to notice.
    let Ok(other) = TcpStream::connect(target) else { return };
    let copy = |mut from: &TcpStream, mut to: &TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
        let _ = from.shutdown(std::net::Shutdown::Read);
    };
    thread::scope(|scope| {
        scope.spawn(|| copy(&other, stream));
        copy(stream, &other);
    });
}
