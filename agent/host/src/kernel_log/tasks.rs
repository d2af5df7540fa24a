//! Tasks and CPUs: killed for want of memory, stuck in the kernel, making no progress.

use serde::{Deserialize, Serialize};

use super::text::{MAX_CGROUP, MAX_NAME, clip, field, number, number32};

/// The kernel killed a process for want of memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OomEvent {
    /// The process.
    pub pid: u32,
    /// Its name, up to 15 bytes as the kernel keeps it.
    pub process: String,
    /// The cgroup of the process, which names its pod and container; `None` where the summary line was not seen.
    pub cgroup: Option<String>,
    /// Whether a cgroup's limit was reached; false where the whole machine was short.
    pub limit: bool,
}

/// A task waits in the kernel, cannot be killed, and has not run for so long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HungTaskEvent {
    /// The task.
    pub pid: u32,
    /// Its name.
    pub process: String,
    /// For how long, in seconds.
    pub seconds: u64,
}

/// A CPU makes no progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockupEvent {
    /// Which kind.
    pub kind: LockupKind,
    /// The CPU; `None` where the line names none.
    pub cpu: Option<u32>,
    /// The task that runs on it, where the line names it.
    pub process: Option<String>,
    /// For how long, in seconds, where the line says so.
    pub seconds: Option<u64>,
}

/// Which kind of lockup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LockupKind {
    /// The kernel loops without letting other tasks run.
    Soft,
    /// The kernel loops without taking interrupts.
    Hard,
    /// A CPU does not pass through a quiet state.
    Rcu,
}

/// The summary line comes before the line of the kill.
#[derive(Debug, Default)]
pub(super) struct Oom {
    summary: Option<(u32, String)>,
}

impl Oom {
    pub(super) fn parse(&mut self, text: &str) -> Option<OomEvent> {
        if let Some(rest) = text.strip_prefix("oom-kill:") {
            self.summary = summary(rest);
            return None;
        }
        let limit = text.starts_with("Memory cgroup ");
        let (pid, rest) = number32(text.split_once("Killed process ")?.1)?;
        // A name may hold brackets itself; what follows the name's own is ` total-vm:` or `,`.
        let name = rest.trim_start().strip_prefix('(')?;
        let end = name.find(") total-vm:").or_else(|| name.find("),")).or_else(|| name.find(')'))?;
        let cgroup = self.summary.take().filter(|(of, _)| *of == pid).map(|(_, cgroup)| cgroup);
        Some(OomEvent { pid, process: clip(&name[..end], MAX_NAME), cgroup, limit })
    }
}

/// `constraint=…,task_memcg=/kubepods.slice/…,task=python3,pid=1234,uid=0`
fn summary(text: &str) -> Option<(u32, String)> {
    let (pid, _) = number32(text.rsplit_once(",pid=")?.1)?;
    Some((pid, clip(field(text, "task_memcg")?, MAX_CGROUP)))
}

/// `INFO: task nvidia-smi:4711 blocked for more than 122 seconds.`; newer kernels say `blocked in I/O wait for …`.
pub(super) fn hung(text: &str) -> Option<HungTaskEvent> {
    let (task, rest) = text.strip_prefix("INFO: task ")?.split_once(" blocked ")?;
    let (process, pid) = task.rsplit_once(':')?;
    let (seconds, _) = number(rest.split_once("for more than ")?.1)?;
    Some(HungTaskEvent { pid: pid.parse().ok()?, process: clip(process, MAX_NAME), seconds })
}

/// `watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [python3:4711]`,
/// `NMI watchdog: Watchdog detected hard LOCKUP on cpu 3`, `rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:`.
pub(super) fn lockup(text: &str) -> Option<LockupEvent> {
    if let Some((_, rest)) = text.split_once("BUG: soft lockup - CPU#") {
        let (cpu, rest) = number32(rest)?;
        let seconds =
            rest.split_once("stuck for ").and_then(|(_, rest)| number(rest)).map(|(seconds, _)| seconds);
        let task = rest.split_once('[').and_then(|(_, task)| task.rsplit_once(']')?.0.rsplit_once(':'));
        let process = task.map(|(process, _)| clip(process, MAX_NAME));
        return Some(LockupEvent { kind: LockupKind::Soft, cpu: Some(cpu), process, seconds });
    }
    if let Some((_, rest)) = text.split_once("Watchdog detected hard LOCKUP on cpu ") {
        let cpu = number32(rest).map(|(cpu, _)| cpu);
        return Some(LockupEvent { kind: LockupKind::Hard, cpu, process: None, seconds: None });
    }
    let rcu = text.contains(" detected stalls on CPUs") || text.contains(" self-detected stall on CPU");
    rcu.then_some(LockupEvent { kind: LockupKind::Rcu, cpu: None, process: None, seconds: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_knows_its_cgroup_from_the_line_before() {
        let cgroup = "/kubepods.slice/kubepods-pod0f1c.slice/cri-containerd-77aa.scope";
        let summary = format!(
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/kubepods.slice,task_memcg={cgroup},task=python3,pid=4711,uid=0"
        );
        let kill = "Memory cgroup out of memory: Killed process 4711 (pt_main (x)) total-vm:1kB, anon-rss:2kB, file-rss:0kB";
        let mut oom = Oom::default();
        assert_eq!(oom.parse(&summary), None);
        let event = oom.parse(kill).unwrap();
        assert_eq!((event.pid, event.process.as_str(), event.limit), (4711, "pt_main (x)", true));
        assert_eq!(event.cgroup.as_deref(), Some(cgroup));
        let again = oom.parse("Out of memory: Killed process 4711 (python3) total-vm:1kB").unwrap();
        assert_eq!((again.cgroup, again.limit), (None, false));
        oom.parse(&summary);
        assert_eq!(oom.parse("Out of memory: Killed process 1 (a) total-vm:1kB").unwrap().cgroup, None);
        assert_eq!(oom.parse("Out of memory: Killed process x"), None);
    }

    #[test]
    fn hung_tasks() {
        let task = hung("INFO: task nvidia-smi:4711 blocked for more than 122 seconds.").unwrap();
        assert_eq!((task.process.as_str(), task.pid, task.seconds), ("nvidia-smi", 4711, 122));
        let worker =
            hung("INFO: task kworker/0:1:99 blocked in I/O wait for more than 241 seconds.").unwrap();
        assert_eq!((worker.process.as_str(), worker.pid), ("kworker/0:1", 99));
        assert_eq!(hung("INFO: task a:1 is blocked on a mutex likely owned by task b:2."), None);
        assert_eq!(hung("INFO: task a:99999999999 blocked for more than 1 seconds."), None);
    }

    #[test]
    fn lockups() {
        let soft = lockup("watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [ray::f():4711]").unwrap();
        assert_eq!((soft.kind, soft.cpu, soft.seconds), (LockupKind::Soft, Some(3), Some(22)));
        assert_eq!(soft.process.as_deref(), Some("ray::f()"));
        let hard = lockup("NMI watchdog: Watchdog detected hard LOCKUP on cpu 7").unwrap();
        assert_eq!((hard.kind, hard.cpu), (LockupKind::Hard, Some(7)));
        let rcu = lockup("rcu: INFO: rcu_preempt self-detected stall on CPU").unwrap();
        assert_eq!(rcu.kind, LockupKind::Rcu);
        assert_eq!(lockup("watchdog: watchdog0: watchdog did not stop!"), None);
    }
}
