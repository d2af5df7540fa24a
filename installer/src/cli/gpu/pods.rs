//! How the pods of `installer gpu verify` are run.

/// How the pods are run.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PodArgs {
    /// Namespace of the pods
    #[arg(long, default_value = NAMESPACE, value_parser = namespace)]
    pub(super) namespace: String,
    /// Image of the pod that runs nvidia-smi, which the container runtime puts into it
    #[arg(long, value_name = "IMAGE", default_value = GPU_IMAGE)]
    pub(super) gpu_image: String,
    /// Image of the pod that runs fi_info, with EFA's libfabric
    #[arg(long, value_name = "IMAGE", default_value = EFA_IMAGE)]
    pub(super) efa_image: String,
    /// For each pod, its image included; one that did not start by then is told as unknown
    #[arg(long, value_name = "SECONDS", default_value_t = POD_TIMEOUT, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) pod_timeout: u64,
}

const NAMESPACE: &str = "default";
/// Small, and for both architectures.
const GPU_IMAGE: &str = "public.ecr.aws/amazonlinux/amazonlinux:2023";
/// AWS's own, x86-64 only, some 10 GB. Source: awsome-distributed-training, NCCL tests on EKS.
const EFA_IMAGE: &str =
    "public.ecr.aws/hpc-cloud/nccl-tests:cuda12.8.1-efa1.43.2-ofiv1.16.3-ncclv2.27.7-1-testsv2.16.9";
const POD_TIMEOUT: u64 = 900;

impl Default for PodArgs {
    fn default() -> Self {
        Self {
            namespace: NAMESPACE.to_owned(),
            gpu_image: GPU_IMAGE.to_owned(),
            efa_image: EFA_IMAGE.to_owned(),
            pod_timeout: POD_TIMEOUT,
        }
    }
}

/// A DNS label (RFC 1123), which is what a namespace's name is: it becomes part of a path.
fn namespace(text: &str) -> Result<String, String> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fine = (1..=63).contains(&text.len())
        && text.bytes().all(letter)
        && !text.starts_with('-')
        && !text.ends_with('-');
    if fine { Ok(text.to_owned()) } else { Err("not the name of a namespace".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_stays_one_part_of_a_path() {
        for good in ["default", "a", "team-1"] {
            assert_eq!(namespace(good).as_deref(), Ok(good));
        }
        for bad in ["", "a/b", "..", "A", "-a", "a-", "a?b", &"a".repeat(64)] {
            assert!(namespace(bad).is_err(), "{bad}");
        }
    }
}
