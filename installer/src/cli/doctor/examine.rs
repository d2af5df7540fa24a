//! Every check, in the order in which it is told.

use std::collections::BTreeMap;

use super::DoctorArgs;
use crate::aws::{Cluster, Door};
use crate::carry_out::look_each;
use crate::doctor::{self, Account, Finding, bounded};
use crate::s3::Grants;
use crate::settings::{Loaded, Settings};
use crate::things::{self, Look, Things};

pub(super) async fn examine(args: &DoctorArgs, loaded: &Loaded, mut door: Door) -> Vec<Finding> {
    let settings = &loaded.settings;
    let mut findings = vec![Finding::ok("settings", "can be used")];
    let mut account = Account::default();
    let asked = async {
        let (found, told) = doctor::account(&door, settings).await;
        account = found;
        told
    };
    findings.extend(Box::pin(bounded("AWS credentials", asked)).await);
    if let Some(caller) = &account.caller {
        let asked = doctor::permissions(&door, settings, caller);
        findings.extend(Box::pin(bounded("IAM rights", asked)).await);
    }
    // Made of the settings and the account's number alone.
    let number = account.caller.as_ref().map(|caller| caller.account.clone());
    let made = number.or_else(|| settings.aws_account_id.clone());
    let given = match (&made, &account.cluster) {
        (Some(number), Some(_)) => buckets(&door, settings, number, &mut findings).await,
        _ => None,
    };
    let (given, policy) = given.unzip();
    let made = made.map(|number| things::things(loaded, &number, given.unwrap_or_default()));
    let mut things = match &made {
        Some(Ok((things, _))) => things.clone(),
        Some(Err(_)) | None => Things::new(),
    };
    let mut looks = BTreeMap::new();
    if let Some(policy) = &policy {
        let known = things::take_s3(&mut things, policy).into_iter();
        looks.extend(known.map(|(id, look)| (id, look.map_err(|failure| failure.to_string()))));
    } else {
        let driver = things::s3_ids(settings);
        things.retain(|id, _| !driver.contains(id));
    }
    let (inside, outside): (Things, Things) = things.into_iter().partition(|(_, thing)| thing.is_inside());
    match &account.cluster {
        Some(cluster) => {
            let (cluster_found, addons, groups, quota, subnets, looked) = tokio::join!(
                bounded("cluster", doctor::cluster(&door, settings, cluster)),
                bounded("add-ons", doctor::addons(&door, settings)),
                bounded("GPU node groups", doctor::groups(&door, loaded, cluster)),
                bounded("EC2 quota", doctor::quota(&door, settings)),
                bounded("subnets", doctor::subnets(&door, settings)),
                look_each(&door, &outside),
            );
            findings.extend([cluster_found, addons, groups, quota, subnets].into_iter().flatten());
            looks.extend(looked);
            let told = Box::pin(examine_inside(args, loaded, &mut door, (&account, cluster), &inside)).await;
            findings.extend(told.0);
            looks.extend(told.1);
        }
        None => findings
            .push(Finding::unknown("everything else", "nobody knows the cluster, by what is said above")),
    }
    match &made {
        Some(Ok((_, graph))) => {
            let what = ("what apply makes", "installer apply");
            findings.extend(doctor::stated(what, graph, &looks, &things::owner(settings)));
        }
        Some(Err(error)) => findings.push(Finding::error("what apply makes", error, "correct the setting")),
        None => {}
    }
    findings.extend(doctor::clocks(door.recorder().clocks()));
    findings
}

/// What `s3-csi add` gave, and the policy that says so: while nobody knows, nobody knows either whether the driver must be
/// there.
async fn buckets(
    door: &Door,
    settings: &Settings,
    account: &str,
    findings: &mut Vec<Finding>,
) -> Option<(Grants, Look)> {
    let (mut given, subject) = (None, "Mountpoint for S3 driver and its buckets");
    let asked = async {
        match things::s3_held(door, settings, account).await {
            Ok((held, look)) => given = Some((held.held().added, look)),
            Err(failure) => return vec![Finding::unknown(subject, failure)],
        }
        Vec::new()
    };
    findings.extend(Box::pin(bounded(subject, asked)).await);
    given
}

/// What is inside the cluster, where there is a way to it.
async fn examine_inside(
    args: &DoctorArgs,
    loaded: &Loaded,
    door: &mut Door,
    (account, cluster): (&Account, &Cluster),
    things: &Things,
) -> (Vec<Finding>, BTreeMap<String, Result<Look, String>>) {
    let settings = &loaded.settings;
    let mut findings = Vec::new();
    // Charts are wanted only with the rest of the inside.
    if settings.install_kubernetes {
        findings.extend(bounded("helm", doctor::helm()).await);
    }
    // One that takes connections and never answers is tried again, each time for a minute.
    let found =
        tokio::time::timeout(doctor::DEADLINE, args.live.inside.client(settings, cluster, door)).await;
    let late = |_| Err(format!("no answer within {} s", doctor::DEADLINE.as_secs()));
    let client = match found.unwrap_or_else(late) {
        Ok(client) => client,
        Err(why) => {
            findings.push(doctor::unreachable(&why, cluster, account.caller.as_ref()));
            findings.push(Finding::unknown("inside of the cluster", "its API server cannot be asked"));
            return (findings, BTreeMap::new());
        }
    };
    let access = client.access();
    findings.push(Finding::ok("API server", format_args!("{} by {}", access.server, access.origin)));
    door.kubernetes = Some(client.clone());
    if settings.install_kubernetes {
        let (rights, storage, devices) = tokio::join!(
            bounded("rights in the cluster", doctor::rights(&client, settings, things)),
            bounded("default StorageClass", doctor::storage(&client)),
            bounded("GPU_DEVICES", doctor::devices(&client, settings)),
        );
        findings.extend(rights.into_iter().chain(storage).chain(devices));
    }
    let (nodes, workers, claims, looks) = tokio::join!(
        bounded("GPU nodes", doctor::nodes(&client, settings)),
        bounded("nodes", doctor::workers(&client, settings)),
        bounded("Karpenter's nodes", doctor::claims(&client)),
        look_each(door, things),
    );
    findings.extend(workers.into_iter().chain(nodes).chain(claims));
    (findings, looks)
}
