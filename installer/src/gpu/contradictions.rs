//! What the settings tell nodes of the cluster, beside what EKS says of it: a node that is told something else does not join,
//! or its pods find no names, and nobody says why.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Problem;
use crate::aws::Cluster;
use crate::settings::Settings;

/// Every setting that contradicts EKS. Without an image of one's own EKS tells the nodes itself.
pub fn contradictions(settings: &Settings, cluster: &Cluster) -> Vec<Problem> {
    if settings.gpu_ami_id.is_none() {
        return Vec::new();
    }
    let endpoint = contradicts(settings.cluster_endpoint.as_ref(), &cluster.endpoint, same_url);
    let authority = contradicts(settings.cluster_ca.as_ref(), &cluster.authority, same_authority);
    let range = contradicts(settings.cluster_cidr.as_ref(), &cluster.service_range, same_range);
    let is = |told: &String, there: &str| format!("is {told}, and EKS says {there}");
    let take =
        "take what this prints: aws eks describe-cluster --query cluster.certificateAuthority.data --name";
    let problems = [
        ("CLUSTER_ENDPOINT", endpoint.map(|told| is(told, &cluster.endpoint))),
        // Nobody sees of two long texts in what they differ.
        (
            "CLUSTER_CA",
            authority.map(|_| format!("is another one than EKS says; {take} {}", settings.cluster_name)),
        ),
        ("CLUSTER_CIDR", range.map(|told| is(told, &cluster.service_range))),
    ];
    problems.into_iter().filter_map(|(setting, what)| Some(Problem { setting, what: what? })).collect()
}

/// What is told, where it is not what is `there`; nobody is contradicted where EKS says nothing.
fn contradicts<'a>(
    told: Option<&'a String>,
    there: &str,
    same: fn(&str, &str) -> bool,
) -> Option<&'a String> {
    told.filter(|told| !there.is_empty() && !same(told, there))
}

fn same_url(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// A line's end more or less makes no other certificate.
fn same_authority(one: &str, other: &str) -> bool {
    let read = |text: &str| STANDARD.decode(text).map(|bytes| bytes.trim_ascii().to_vec());
    match (read(one), read(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

fn same_range(one: &str, other: &str) -> bool {
    let read = |text: &str| {
        let (address, bits) = text.split_once('/')?;
        Some((address.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?))
    };
    read(one).is_some_and(|one| Some(one) == read(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{File, load};

    fn told(cluster: &Cluster, image: &str) -> Vec<String> {
        let text = format!(
            "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\nPRIVATE_SUBNET_A=subnet-00000000\n\
             CLUSTER_ENDPOINT=https://ABC.gr7.us-west-2.eks.amazonaws.com/\nCLUSTER_CA=YWJj\nCLUSTER_CIDR=fd00::/108\n{image}"
        );
        let settings = load(Some(File { path: ".env", text: &text }), &[]).unwrap().settings;
        contradictions(&settings, cluster).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_same_in_another_form_is_no_contradiction_and_all_others_are_told() {
        let image = "GPU_AMI_ID=ami-01234567\n";
        let right = Cluster {
            endpoint: "https://abc.gr7.us-west-2.eks.amazonaws.com".to_owned(),
            authority: STANDARD.encode("abc\n"),
            service_range: "fd00:0::/108".to_owned(),
            ..Cluster::default()
        };
        assert_eq!(told(&right, image), Vec::<String>::new());
        assert_eq!(told(&Cluster::default(), image), Vec::<String>::new());
        let wrong = Cluster {
            endpoint: "https://def".to_owned(),
            authority: STANDARD.encode("abd"),
            service_range: "fd00::/112".to_owned(),
            ..Cluster::default()
        };
        let found = told(&wrong, image);
        assert_eq!(found.len(), 3, "{found:?}");
        for (said, part) in found.iter().zip([
            "CLUSTER_ENDPOINT: is https://ABC.gr7.us-west-2.eks.amazonaws.com/, and EKS says https://def",
            "CLUSTER_CA: is another one than EKS says; take what this prints: aws eks describe-cluster",
            "CLUSTER_CIDR: is fd00::/108, and EKS says fd00::/112",
        ]) {
            assert!(said.starts_with(part), "{said}");
        }
        // EKS tells the nodes.
        assert_eq!(told(&wrong, ""), Vec::<String>::new());
    }
}
