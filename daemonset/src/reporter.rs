//! From what is known to what the cluster should see: conditions, labels, the taint.

mod row;
#[cfg(test)]
mod tests;

use std::time::Duration;

use gpunode_host::forward;
use gpunode_host::health::report::Report;
use gpunode_host::health::{Now, Present};
use serde::{Deserialize, Serialize};

use crate::area::Area;
use crate::bootstrapped::Bootstrapped;
use crate::condition::{Condition, Type};
use crate::eks;
use crate::keeper::{Basis, Keeper, Status};
use crate::labels::{self, Known, Labels};
use row::{Row, bootstrapped, is_error, sight};

/// What is published beside the conditions of our own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Taint the node while a condition is false.
    pub taint: bool,
    /// Write the conditions that EKS node auto repair and Karpenter act on.
    pub eks_repair: bool,
}

/// What the cluster should see of this node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Conditions, in a fixed order.
    #[serde(deserialize_with = "forward::known")]
    pub conditions: Vec<Condition>,
    /// Labels.
    pub labels: Labels,
    /// The value of the taint; `None` where there should be none.
    pub taint: Option<String>,
}

impl Desired {
    /// The clock that people read was set: the moments are the same, and are called otherwise.
    pub(crate) fn clock_set(&mut self, by_ms: i64) {
        for condition in &mut self.conditions {
            condition.since_unix_ms = condition.since_unix_ms.saturating_add_signed(by_ms);
        }
    }
}

/// What has not spoken yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// A source of the area, by [`Area::ALL`].
    pub areas: [bool; 3],
    /// The kernel log is being read from its beginning.
    pub log: bool,
}

/// What is known at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// This moment.
    pub now: Now,
    /// All that was found.
    pub report: &'a Report,
    /// What has not spoken yet.
    pub pending: Pending,
    /// The agent's report.
    pub bootstrapped: &'a Bootstrapped,
}

/// A condition, what it is about, and whether a finding makes it false.
type Kept = (Type, Area, fn(&Present) -> bool);

/// Decides over time. It has no clock and does no I/O.
#[derive(Debug)]
pub struct Reporter {
    rows: Vec<Row>,
    before: Desired,
    taint: bool,
    settled: bool,
}

impl Reporter {
    /// From `began` on (on the clock of [`Now::boot`]), with what was decided earlier in this boot.
    pub fn new(began: Duration, options: Options, before: Desired) -> Self {
        let status =
            |kind| before.conditions.iter().find(|condition| condition.kind == kind).map(|c| c.status);
        let row = |(kind, area, is_error): Kept| Row {
            kind,
            area,
            keeper: Keeper::new(began, status(kind)),
            is_error,
        };
        let ours: [Kept; 3] = [
            (Type::GpuHealthy, Area::Gpu, is_error),
            (Type::EfaHealthy, Area::Efa, is_error),
            (Type::NodeStorageHealthy, Area::Storage, is_error),
        ];
        let of_eks: [Kept; 3] = [
            (Type::AcceleratedHardwareReady, Area::Gpu, eks::condemns),
            (Type::NetworkingReady, Area::Efa, eks::condemns),
            (Type::StorageReady, Area::Storage, eks::condemns),
        ];
        let of_eks = of_eks.into_iter().filter(|_| options.eks_repair);
        Self {
            rows: ours.into_iter().chain(of_eks).map(row).collect(),
            before,
            taint: options.taint,
            settled: false,
        }
    }

    /// What the cluster should see now.
    pub fn next(&mut self, seen: &Seen<'_>) -> Desired {
        let mut known = Known { gpus: None, efa: None };
        let mut conditions = Vec::with_capacity(self.rows.len() + 1);
        self.settled = true;
        for row in &mut self.rows {
            let sight = sight(seen, row.area, row.is_error);
            let (status, basis) = row.keeper.next(seen.now.boot, sight);
            self.settled &= basis != Basis::Before;
            let status_of = (basis != Basis::Before).then_some(status);
            match row.kind {
                Type::GpuHealthy => known.gpus = status_of,
                Type::EfaHealthy => known.efa = status_of,
                _ => {}
            }
            let before = self.before.conditions.iter().find(|condition| condition.kind == row.kind);
            conditions.push(row.condition(seen, status, basis, before));
        }
        let before = self.before.conditions.iter().find(|c| c.kind == Type::NodeBootstrapped);
        conditions.insert(3, bootstrapped(seen, before));
        let told = seen.report.instance.kind.as_deref();
        let kind = told.or(seen.bootstrapped.instance_type.as_deref());
        let labels = labels::labels(seen.report, kind, known, &self.before.labels);
        let taint = if self.taint { self.taint(&conditions) } else { None };
        self.before = Desired { conditions, labels, taint };
        self.before.clone()
    }

    /// The clock that people read was set by so many milliseconds.
    pub fn clock_set(&mut self, by_ms: i64) {
        self.before.clock_set(by_ms);
    }

    /// What was decided last.
    pub fn last(&self) -> &Desired {
        &self.before
    }

    /// Whether all of it rests on what is seen, and nothing on what was published before.
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// When something may change though nothing new is seen.
    pub fn wake(&self) -> Option<Duration> {
        self.rows.iter().filter_map(|row| row.keeper.wake()).min()
    }

    /// The first of our conditions that is false. While one is unknown, and none false, a taint stays as it is.
    fn taint(&self, conditions: &[Condition]) -> Option<String> {
        let ours = || conditions.iter().take(3);
        let bad = ours().find(|condition| condition.status == Status::False);
        match bad {
            Some(condition) => Some(condition.kind.name().to_owned()),
            None if ours().any(|condition| condition.status == Status::Unknown) => self.before.taint.clone(),
            None => None,
        }
    }
}
