//! Whether EC2's quotas let the node groups grow to their largest size.

mod asked;
#[cfg(test)]
mod tests;

use super::Problem;
use crate::aws::Failure;
use crate::settings::{Capacity, Settings};

pub use asked::quota;

/// A quota of EC2's: vCPUs that may run in a region, of an account, of these families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quota {
    name: &'static str,
    /// As Service Quotas has it.
    code: &'static str,
    spot: bool,
    /// How the names of its types begin.
    families: &'static [&'static str],
}

/// Those that count GPU instances. Source: EC2's endpoints and quotas, tables "On-Demand Instance quotas" and "Spot Instance
/// quotas", whose links hold the codes. No table names the spot quota of p6.
const QUOTAS: [Quota; 5] = [
    Quota {
        name: "Running On-Demand P instances",
        code: "L-417A185B",
        spot: false,
        families: &["p2", "p3", "p4", "p5", "p6"],
    },
    Quota {
        name: "Running On-Demand G and VT instances",
        code: "L-DB2E81BA",
        spot: false,
        families: &["g", "vt"],
    },
    Quota {
        name: "All P4, P3 and P2 Spot Instance Requests",
        code: "L-7212CCBC",
        spot: true,
        families: &["p2", "p3", "p4"],
    },
    Quota { name: "All P5 Spot Instance Requests", code: "L-C4BD4855", spot: true, families: &["p5"] },
    Quota {
        name: "All G and VT Spot Instance Requests",
        code: "L-3819A6DF",
        spot: true,
        families: &["g", "vt"],
    },
];

/// What the quotas say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is room for the largest size, or none is needed.
    Fine(String),
    /// It could not be told.
    Unknown(String),
    /// There is not.
    Small(Problem),
}

/// What was asked of AWS about one quota.
struct Asked {
    /// vCPUs that it allows.
    allowed: Result<f64, Failure>,
    /// vCPUs that count and are not of the node groups in question.
    others: Result<u64, Failure>,
}

/// The one that counts these nodes; else what there is to say instead.
fn counting(settings: &Settings) -> Result<&'static Quota, Verdict> {
    let name = &settings.gpu_instance_type;
    let spot = match settings.gpu_capacity {
        // EC2 User Guide, "Capacity Blocks" and "Capacity Reservations": the first have quotas of their own, which count when
        // one is bought; the second are taken from the on-demand quota when they are made.
        Capacity::CapacityBlock => {
            let what = "a capacity block was counted when it was bought, by a quota of its own; its nodes count no more";
            return Err(Verdict::Fine(what.to_owned()));
        }
        Capacity::Reservation => {
            let what = "a capacity reservation was counted when it was made; its nodes count no more";
            return Err(Verdict::Fine(what.to_owned()));
        }
        Capacity::OnDemand => false,
        Capacity::Spot => true,
    };
    let counts =
        |quota: &&Quota| quota.spot == spot && quota.families.iter().any(|family| name.starts_with(family));
    QUOTAS.iter().find(counts).ok_or_else(|| {
        let bought = if spot { "spot" } else { "on-demand" };
        Verdict::Unknown(format!("AWS documents no quota for {bought} instances of {name}"))
    })
}

/// Whether `quota` allows `groups` node groups of the largest size.
fn judge(settings: &Settings, quota: &Quota, groups: usize, asked: &Asked) -> Verdict {
    let Quota { name, code, .. } = quota;
    let (region, kind) = (&settings.aws_region, &settings.gpu_instance_type);
    let Some(cpus) = settings.instance_type().and_then(|kind| kind.vcpus) else {
        return Verdict::Unknown(format!("nobody says how many vCPUs {kind} has"));
    };
    let nodes = settings.gpu_max_size.saturating_mul(groups as u64);
    let need = nodes.saturating_mul(u64::from(cpus));
    let allowed = match &asked.allowed {
        Ok(allowed) => *allowed,
        Err(failure) => {
            return Verdict::Unknown(format!(
                "{nodes} nodes of {kind} need {need} vCPUs of the quota {code} ({name}): {failure}"
            ));
        }
    };
    let others = *asked.others.as_ref().unwrap_or(&0);
    let all = need.saturating_add(others);
    let beside = if others == 0 { String::new() } else { format!(" beside {others} that run already") };
    let what = format!(
        "EC2's quota {code} ({name}) allows {allowed} vCPUs in {region}, and {nodes} nodes of {kind} need {need}{beside}"
    );
    // Exact up to 2^53 vCPUs.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    let small = allowed < all as f64;
    if small {
        let what = format!(
            "{what}; take a smaller size, or ask for more: aws service-quotas request-service-quota-increase \
             --region {region} --service-code ec2 --quota-code {code} --desired-value {all}"
        );
        return Verdict::Small(Problem { setting: "GPU_MAX_SIZE", what });
    }
    match &asked.others {
        Ok(_) => Verdict::Fine(what),
        Err(failure) => Verdict::Unknown(format!("{what}; what runs already could not be told: {failure}")),
    }
}
