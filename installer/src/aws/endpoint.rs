//! Where the services are that are called without the SDK's clients.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// What the settings of the AWS CLI say (`AWS_ENDPOINT_URL_EC2`, `AWS_ENDPOINT_URL`, the same in the shared files), else the
/// region's own. `service` is AWS's id of it: `EC2`, `S3`, `Auto Scaling`, …
pub(super) fn url(shared: &SdkConfig, service: &'static str, region: &str) -> String {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let own = key.ok().and_then(|key| shared.service_config()?.load_config(key));
    if let Some(url) = own.or_else(|| shared.endpoint_url().map(str::to_owned)) {
        return url;
    }
    let (fips, dual) = (shared.use_fips() == Some(true), shared.use_dual_stack() == Some(true));
    match service {
        "S3" => s3(region, fips, dual),
        "Auto Scaling" => regional("autoscaling", region, fips, dual),
        "Service Quotas" => regional("servicequotas", region, fips, dual),
        _ => regional("ec2", region, fips, dual),
    }
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

fn domains(region: &str) -> (&'static str, &'static str) {
    let row = DOMAINS.iter().find(|(prefix, ..)| region.starts_with(prefix));
    let (_, one, both) = row.copied().unwrap_or_default();
    (one, both)
}

/// S3 has names of its own for addresses of both kinds, in the one domain. Source: S3 User Guide, "Using Amazon S3 dual-stack
/// endpoints"; botocore's endpoint rules for S3.
fn s3(region: &str, fips: bool, dual: bool) -> String {
    let (fips, dual) = (if fips { "-fips" } else { "" }, if dual { "dualstack." } else { "" });
    format!("https://s3{fips}.{dual}{region}.{}", domains(region).0)
}

/// Source: botocore's endpoint rules for EC2, Auto Scaling and Service Quotas, which are alike.
fn regional(host: &str, region: &str, fips: bool, dual: bool) -> String {
    let (one, both) = domains(region);
    // GovCloud's own endpoint is a FIPS one.
    let has_fips = region.starts_with("us-gov-") && !dual;
    let fips = if fips && !has_fips { "-fips" } else { "" };
    format!("https://{host}{fips}.{region}.{}", if dual { both } else { one })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_domain() {
        let url = |region| regional("ec2", region, false, false);
        assert_eq!(url("us-west-2"), "https://ec2.us-west-2.amazonaws.com");
        assert_eq!(url("cn-north-1"), "https://ec2.cn-north-1.amazonaws.com.cn");
        assert_eq!(url("us-iso-east-1"), "https://ec2.us-iso-east-1.c2s.ic.gov");
        assert_eq!(regional("ec2", "us-west-2", true, false), "https://ec2-fips.us-west-2.amazonaws.com");
        assert_eq!(regional("ec2", "us-gov-west-1", true, false), "https://ec2.us-gov-west-1.amazonaws.com");
        assert_eq!(regional("ec2", "eu-west-1", false, true), "https://ec2.eu-west-1.api.aws");
        let quotas = regional("servicequotas", "us-east-1", true, false);
        assert_eq!(quotas, "https://servicequotas-fips.us-east-1.amazonaws.com");
    }

    #[test]
    fn s3_is_where_botocore_has_it() {
        assert_eq!(s3("us-west-2", false, false), "https://s3.us-west-2.amazonaws.com");
        assert_eq!(s3("cn-north-1", false, true), "https://s3.dualstack.cn-north-1.amazonaws.com.cn");
        assert_eq!(s3("us-gov-west-1", true, false), "https://s3-fips.us-gov-west-1.amazonaws.com");
        assert_eq!(s3("us-east-1", true, true), "https://s3-fips.dualstack.us-east-1.amazonaws.com");
    }

    #[test]
    fn what_is_set_wins() {
        let shared = SdkConfig::builder().endpoint_url("http://127.0.0.1:1").build();
        for service in ["EC2", "S3", "Service Quotas", "Auto Scaling"] {
            assert_eq!(url(&shared, service, "eu-west-1"), "http://127.0.0.1:1");
        }
    }
}
