//! The way into the cluster, what we may do there, helm, and the default StorageClass.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::json;

use super::Finding;
use crate::aws::{Caller, Cluster, Failure};
use crate::kube::Client;
use crate::settings::Settings;
use crate::things::{CLASSES, NAMESPACE, Things, defaults};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
/// What server-side apply, drift and removal need.
const VERBS: [&str; 4] = ["get", "create", "patch", "delete"];
/// What helm does with its records.
const HELM_VERBS: [&str; 5] = ["get", "list", "create", "update", "delete"];

/// Why the API server is not there for us, and what is known of the way to it.
pub fn unreachable(why: &str, cluster: &Cluster, caller: Option<&Caller>) -> Finding {
    let subject = "API server";
    if why.contains("401 ") {
        let who = caller.map_or("these credentials", |caller| caller.arn.as_str());
        let advice = format!(
            "it does not know {who}: give the user or role an access entry (aws eks create-access-entry), or name another \
             way in with --kubeconfig"
        );
        return Finding::error(subject, why, &advice);
    }
    let public = cluster.reach.public.join(", ");
    let advice = match (cluster.reach.private, public.as_str()) {
        (_, "") => "it has no public address: go into its VPC, or through a VPN".to_owned(),
        (_, "0.0.0.0/0") => {
            "it has a public address for everybody: see this machine's network and proxy".to_owned()
        }
        (true, ranges) => format!("it is reached from its VPC, and from {ranges} only"),
        (false, ranges) => format!("it is reached from {ranges} only"),
    };
    Finding::error(subject, why, &advice)
}

/// One right: verb, group, resource, namespace.
type Right<'a> = (&'static str, String, String, Option<&'a str>);

/// Whether we may do what `apply` does to `things`.
pub async fn rights(client: &Client, settings: &Settings, things: &Things) -> Vec<Finding> {
    let subject = "rights in the cluster";
    match may(client, &("*", "*".to_owned(), "*".to_owned(), None)).await {
        Ok(true) => return vec![Finding::ok(subject, "everything")],
        Ok(false) => {}
        Err(failure) => return vec![Finding::unknown(subject, failure)],
    }
    let wanted = wanted(settings, things);
    let asks = wanted.iter().map(|right| async move { (right, may(client, right).await) });
    let mut answers = stream::iter(asks).buffer_unordered(8);
    let (mut denied, mut failed) = (BTreeSet::new(), None);
    while let Some((right, answer)) = answers.next().await {
        match answer {
            Ok(true) => {}
            Ok(false) => drop(denied.insert(words(right))),
            Err(failure) => failed = Some(failure),
        }
    }
    let mut findings = Vec::new();
    findings.extend(failed.map(|failure| Finding::unknown(subject, failure)));
    if !denied.is_empty() {
        let denied: Vec<_> = denied.into_iter().collect();
        let what = format!("may not {}", denied.join("; "));
        let advice = "give the access entry AmazonEKSClusterAdminPolicy, or bind the user to cluster-admin: charts make \
                      roles, and who makes a role must have its rights";
        findings.push(Finding::error(subject, what, advice));
    } else if findings.is_empty() {
        findings
            .push(Finding::ok(subject, "all that the objects need; what charts make is not known before"));
    }
    findings
}

fn wanted<'a>(settings: &Settings, things: &'a Things) -> BTreeSet<Right<'a>> {
    let mut rights = BTreeSet::new();
    let wanted = things.values().filter(|thing| thing.resource.wanted);
    for (group, resource, namespace) in wanted.filter_map(|thing| place(thing.path()?)) {
        let right = |verb| (verb, group.to_owned(), resource.to_owned(), namespace);
        rights.extend(VERBS.map(right));
        // Replaced as a whole, where they differ.
        rights.extend(resource.starts_with("validatingadmissionpolic").then(|| right("update")));
    }
    rights.extend(HELM_VERBS.map(|verb| (verb, String::new(), "secrets".to_owned(), Some(NAMESPACE))));
    let look = |group: &str, resource: &str| ("list", group.to_owned(), resource.to_owned(), None);
    rights.extend(["nodes", "pods"].map(|resource| look("", resource)));
    if settings.uses_dra() {
        rights.extend(["resourceslices", "resourceclaims"].map(|resource| look("resource.k8s.io", resource)));
    }
    rights
}

/// Group, resource and the namespace that it is in, of an object's path.
fn place(path: &str) -> Option<(&str, &str, Option<&str>)> {
    let (group, rest) = match path.strip_prefix("/api/v1/") {
        Some(rest) => ("", rest),
        None => path.strip_prefix("/apis/")?.split_once('/')?,
    };
    let rest = if group.is_empty() { rest } else { rest.split_once('/')?.1 };
    let parts: Vec<_> = rest.split('/').collect();
    match parts.as_slice() {
        ["namespaces", namespace, resource, _] => Some((group, resource, Some(namespace))),
        [resource, _] => Some((group, resource, None)),
        _ => None,
    }
}

async fn may(client: &Client, (verb, group, resource, namespace): &Right<'_>) -> Result<bool, Failure> {
    let attributes = json!({ "verb": verb, "group": group, "resource": resource, "namespace": namespace.unwrap_or_default() });
    let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes } });
    Ok(client.ask(REVIEWS, &review).await?["status"]["allowed"] == true)
}

fn words((verb, group, resource, namespace): &Right<'_>) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    let place = namespace.map_or(String::new(), |namespace| format!(" in {namespace}"));
    format!("{verb} {resource}{dot}{group}{place}")
}

/// Whether helm is there and new enough.
pub async fn helm() -> Vec<Finding> {
    let advice = "install helm 3.14 or later from https://helm.sh; charts need it";
    vec![match crate::helm::version().await {
        Ok((version, true)) => Finding::ok("helm", version),
        Ok((version, false)) => Finding::error("helm", format_args!("{version} is too old"), advice),
        Err(error) => Finding::error("helm", error, advice),
    }]
}

/// Which StorageClass is the default.
pub async fn storage(client: &Client) -> Vec<Finding> {
    let subject = "default StorageClass";
    let classes = match client.list_metadata(CLASSES).await {
        Ok(classes) => classes,
        Err(failure) => return vec![Finding::unknown(subject, failure)],
    };
    let names: Vec<_> = defaults(&classes).collect();
    vec![match names.as_slice() {
        [] => Finding::error(
            subject,
            "there is none: a claim that names no class is never bound",
            "installer apply",
        ),
        [one] => Finding::ok(subject, one),
        several => Finding::error(
            subject,
            format_args!("there are {}: {}; the newest one is taken", several.len(), several.join(", ")),
            "installer apply takes the annotation from all but gp3",
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use crate::aws::Reach;

    #[test]
    fn paths_are_resources() {
        assert_eq!(place("/api/v1/namespaces/a/services/b"), Some(("", "services", Some("a"))));
        assert_eq!(
            place("/apis/storage.k8s.io/v1/storageclasses/b"),
            Some(("storage.k8s.io", "storageclasses", None))
        );
        assert_eq!(
            place("/apis/apps/v1/namespaces/a/deployments/b"),
            Some(("apps", "deployments", Some("a")))
        );
        assert_eq!(place("/metrics"), None);
        let right = ("create", "apps".to_owned(), "deployments".to_owned(), Some("kube-system"));
        assert_eq!(words(&right), "create deployments.apps in kube-system");
    }

    #[test]
    fn the_way_to_an_api_server_is_told() {
        let advice = |why: &str, private, public: &[&str]| {
            let reach = Reach { private, public: public.iter().map(ToString::to_string).collect() };
            let cluster = Cluster { reach, ..Cluster::default() };
            let finding = unreachable(why, &cluster, None);
            assert_eq!(finding.level, Level::Error);
            finding.advice.unwrap()
        };
        assert!(advice("timed out", true, &[]).contains("no public address"));
        assert!(advice("timed out", true, &["203.0.113.0/24"]).contains("203.0.113.0/24 only"));
        assert!(advice("timed out", false, &["0.0.0.0/0"]).contains("proxy"));
        assert!(advice("GET /version: 401 Unauthorized: ", true, &[]).contains("access entry"));
    }
}
