//! An account with buckets of its own, and of others.

use std::collections::BTreeSet;

use gpunode_tests::aws::{Bed, Fault, Proxy, Told};
use serde_json::{Value, json};

/// Names of buckets are unique in AWS, and so in the emulator: each test has its own.
pub(crate) struct Site {
    pub(crate) bed: Bed,
    number: u32,
}

impl Site {
    /// With these buckets in the cluster's region.
    pub(crate) fn new(number: u32, buckets: &[&str]) -> Self {
        let site = Self { bed: Bed::new(number), number };
        for bucket in buckets {
            site.make(&site.bed, bucket, "us-west-2");
        }
        site
    }

    pub(crate) fn make(&self, owner: &Bed, bucket: &str, region: &str) {
        let place = json!({ "LocationConstraint": region });
        owner.calls(&json!([["s3", "create_bucket",
            { "Bucket": self.name(bucket), "CreateBucketConfiguration": place }, region]]));
    }

    pub(crate) fn name(&self, bucket: &str) -> String {
        format!("{bucket}-{}", self.number)
    }

    /// `data` or `data/prefix` as an ARN.
    pub(crate) fn arn(&self, rest: &str) -> String {
        let (bucket, prefix) =
            rest.split_once('/').map_or((rest, String::new()), |(b, p)| (b, format!("/{p}")));
        format!("arn:aws:s3:::{}{prefix}", self.name(bucket))
    }

    /// `installer s3-csi <task> <ARNs and flags>` with its mutating calls counted.
    pub(crate) fn s3(&self, task: &str, rest: &[&str], variables: &[(&str, &str)]) -> (Told, usize) {
        let arn = |word: &&str| {
            if word.starts_with("--") || word.starts_with("0000") {
                (*word).to_owned()
            } else {
                self.arn(word)
            }
        };
        let words: Vec<String> =
            ["s3-csi", task].iter().map(|word| (*word).to_owned()).chain(rest.iter().map(arn)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let proxy = straight();
        let told = self.bed.run_through(&proxy, &words, variables);
        (told, proxy.mutating())
    }

    /// The same, which has to work and to say yes.
    pub(crate) fn done(&self, task: &str, rest: &[&str], variables: &[(&str, &str)]) -> usize {
        let (told, calls) = self.s3(task, &[rest, &["--yes", "--json"]].concat(), variables);
        assert_eq!(told.code, Some(0), "{told:?}");
        assert_eq!(told.json()["calls"]["mutating"], calls);
        calls
    }

    /// ARNs that the policy allows objects of, without the `*`.
    pub(crate) fn objects(&self) -> BTreeSet<String> {
        let inventory = self.bed.inventory();
        let Some(policy) = inventory.0.get("policy/research-s3-csi") else { return BTreeSet::new() };
        let statements = policy["document"]["Statement"].as_array().unwrap().iter();
        let resources = statements.flat_map(|one| match &one["Resource"] {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        });
        let number = format!("-{}", self.number);
        let objects = resources.filter_map(|arn| {
            let short = arn.as_str()?.strip_prefix("arn:aws:s3:::")?.strip_suffix("/*")?;
            Some(short.replace(&number, ""))
        });
        objects.collect()
    }
}

pub(crate) fn straight() -> Proxy {
    Proxy::start(|_, _| Fault::None).unwrap()
}

/// `apply` changes nothing.
pub(crate) fn settled(bed: &Bed, variables: &[(&str, &str)]) {
    let proxy = straight();
    let told = bed.run_through(&proxy, &["apply", "--yes", "--json"], variables);
    assert_eq!((told.code, proxy.mutating()), (Some(0), 0), "{told:?}\n{:?}", proxy.calls());
}
