//! Where EC2 is.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// What the settings of the AWS CLI say (`AWS_ENDPOINT_URL_EC2`, `AWS_ENDPOINT_URL`, the same in the shared files), else the
/// region's own.
pub(super) fn url(shared: &SdkConfig) -> String {
    let key =
        ServiceConfigKey::builder().service_id("EC2").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let own = key.ok().and_then(|key| shared.service_config()?.load_config(key));
    if let Some(url) = own.or_else(|| shared.endpoint_url().map(str::to_owned)) {
        return url;
    }
    let region = shared.region().map_or("", AsRef::as_ref);
    regional(region, shared.use_fips() == Some(true), shared.use_dual_stack() == Some(true))
}

/// Source: the partitions of botocore's `partitions.json`, and its endpoint rules for EC2. Each row: how the names of a
/// partition's regions begin, its domain, and the one with addresses of both kinds.
const DOMAINS: [(&str, &str, &str); 7] = [
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("", "amazonaws.com", "api.aws"),
];

fn regional(region: &str, fips: bool, dual: bool) -> String {
    let row = DOMAINS.iter().find(|(prefix, ..)| region.starts_with(prefix));
    let (_, one, both) = row.copied().unwrap_or_default();
    // GovCloud's own endpoint is a FIPS one.
    let has_fips = region.starts_with("us-gov-") && !dual;
    let service = if fips && !has_fips { "ec2-fips" } else { "ec2" };
    format!("https://{service}.{region}.{}", if dual { both } else { one })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_domain() {
        let url = |region| regional(region, false, false);
        assert_eq!(url("us-west-2"), "https://ec2.us-west-2.amazonaws.com");
        assert_eq!(url("cn-north-1"), "https://ec2.cn-north-1.amazonaws.com.cn");
        assert_eq!(url("us-iso-east-1"), "https://ec2.us-iso-east-1.c2s.ic.gov");
        assert_eq!(regional("us-west-2", true, false), "https://ec2-fips.us-west-2.amazonaws.com");
        assert_eq!(regional("us-gov-west-1", true, false), "https://ec2.us-gov-west-1.amazonaws.com");
        assert_eq!(regional("eu-west-1", false, true), "https://ec2.eu-west-1.api.aws");
    }

    #[test]
    fn what_is_set_wins() {
        let shared = SdkConfig::builder().endpoint_url("http://127.0.0.1:1").build();
        assert_eq!(super::url(&shared), "http://127.0.0.1:1");
    }
}
