//! The roles, and who may take each.

use crate::settings::Settings;

/// A role that pods of some service accounts take by Pod Identity.
#[derive(Debug)]
pub struct Role {
    /// What it is for; the role's name follows from it.
    pub name: &'static str,
    /// Where the service accounts are.
    pub namespace: &'static str,
    /// Who takes it.
    pub service_accounts: &'static [&'static str],
    /// Its policies, by name of the file.
    pub policies: &'static [&'static str],
    wanted: fn(&Settings) -> bool,
}

/// Every role.
pub const ROLES: &[Role] = &[
    role("ebs-csi", &["ebs-csi-controller-sa"], &["ebs-csi"], |_| true),
    role(
        "load-balancer-controller",
        &["aws-load-balancer-controller"],
        &["load-balancer-controller", "load-balancer-controller-look"],
        |_| true,
    ),
    role("cluster-autoscaler", &["cluster-autoscaler"], &["cluster-autoscaler"], |_| true),
    role(
        "karpenter",
        &["karpenter"],
        &[
            "karpenter-node-lifecycle",
            "karpenter-iam-integration",
            "karpenter-eks-integration",
            "karpenter-interruption",
            "karpenter-zonal-shift",
            "karpenter-resource-discovery",
        ],
        |settings| settings.install_karpenter,
    ),
    role("efs-csi", &["efs-csi-controller-sa", "efs-csi-node-sa"], &["efs-csi"], |settings| {
        settings.install_efs_csi
    }),
    role("fsx-csi", &["fsx-csi-controller-sa"], &["fsx-csi"], |settings| settings.install_fsx_csi),
    // Without a bucket there is nothing that it could be allowed.
    role("s3-csi", &["s3-csi-driver-sa"], &["s3-csi"], |settings| !settings.s3_csi_buckets.is_empty()),
];

const fn role(
    name: &'static str,
    service_accounts: &'static [&'static str],
    policies: &'static [&'static str],
    wanted: fn(&Settings) -> bool,
) -> Role {
    Role { name, namespace: "kube-system", service_accounts, policies, wanted }
}

/// Characters that IAM allows in the name of a role.
const MOST: usize = 64;

impl Role {
    /// The roles that the settings ask for.
    pub fn wanted(settings: &Settings) -> impl Iterator<Item = &'static Role> {
        ROLES.iter().filter(|role| role.is_wanted(settings))
    }

    /// Whether the settings ask for it.
    pub fn is_wanted(&self, settings: &Settings) -> bool {
        (self.wanted)(settings)
    }

    /// The name of the role in `cluster`.
    pub fn role_name(&self, cluster: &str) -> String {
        fitting(cluster, self.name)
    }
}

/// The role of nodes that Karpenter starts.
pub fn karpenter_node_role(cluster: &str) -> String {
    fitting(cluster, "karpenter-node")
}

/// The role of the nodes of one settings file's GPU node groups, where the installer itself makes them.
pub fn node_group_role(cluster: &str, group: &str) -> String {
    let whole = format!("{cluster}-{group}-node");
    if whole.len() <= MOST {
        return whole;
    }
    let end = format!("-{:08x}-node", fnv(&whole));
    whole.chars().take(MOST - end.len()).chain(end.chars()).collect()
}

/// The role of nodes in our node groups.
pub fn gpu_node_role(cluster: &str) -> String {
    fitting(cluster, "gpu-node")
}

/// The name of a policy in `cluster`. IAM allows 128 characters there; the same bound as for roles is enough.
pub fn policy_name(cluster: &str, policy: &str) -> String {
    fitting(cluster, policy)
}

/// `<cluster>-<what>`, where a cluster's name of up to 100 characters is cut and told apart by a sum of all of it.
fn fitting(cluster: &str, what: &str) -> String {
    let whole = format!("{cluster}-{what}");
    if whole.len() <= MOST {
        return whole;
    }
    let sum = format!("{:08x}", fnv(cluster));
    let room = MOST - what.len() - sum.len() - 2;
    let start: String = cluster.chars().take(room).collect();
    format!("{start}-{sum}-{what}")
}

/// FNV-1a, folded to 32 bits: to tell names apart, not to hide them.
fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
