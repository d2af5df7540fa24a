//! Who this machine is, and what it was asked to be: IMDS, user data, catalogue, merged configuration.

use std::time::Duration;

use gpunode_host::catalog::{self, InstanceType};
use gpunode_host::count;
use gpunode_host::metadata::Metadata;
use gpunode_host::spec::{NodeSpec, Provenance};
use gpunode_host::{Finding, Root, image, reason, user_data};

use crate::settings::LocalSettings;
use crate::step::{Failure, chain, few};

/// EC2 writes the instance type here on Nitro instances, so it is known even without IMDS.
const DMI_PRODUCT: &str = "/sys/devices/virtual/dmi/id/product_name";

/// cloud-init's copy of the user data, the next best source. Source: cloud-init's file system layout.
const CLOUD_INIT_USER_DATA: &str = "/var/lib/cloud/instance/user-data.txt";

/// What a run knows of its machine.
#[derive(Debug)]
pub(crate) struct Facts {
    /// `None` where IMDS did not answer.
    pub(crate) metadata: Option<Metadata>,
    pub(crate) instance_type: Option<String>,
    pub(crate) catalog: Option<InstanceType>,
    pub(crate) spec: NodeSpec,
    /// What nodeadm reads in the user data.
    pub(crate) node_configs: Vec<String>,
}

impl Facts {
    pub(crate) fn summary(&self) -> String {
        let kind = self.instance_type.as_deref().unwrap_or("unknown type");
        let identity = self.metadata.as_ref().map(|m| &m.identity);
        let place = identity.map_or(" (IMDS absent)".to_owned(), |i| format!(" in {}", i.availability_zone));
        let Some(known) = &self.catalog else { return format!("{kind}{place}") };
        let efa = known.expected_efa().map_or_else(|| "?".to_owned(), |count| count.to_string());
        let of = |number: u32, thing| count(usize::try_from(number).unwrap_or(usize::MAX), thing);
        let (gpus, disks) = (of(known.gpu_count(), "GPU"), of(known.disk_count(), "instance-store disk"));
        format!("{kind}{place}: {gpus}, {efa} EFA, {disks}")
    }

    pub(crate) fn instance_id(&self) -> Option<&str> {
        self.metadata.as_ref().map(|m| m.identity.instance_id.as_str())
    }
}

/// The instance type, as the machine itself says; `None` outside EC2, where the name has no dot.
pub(crate) fn type_of_machine(root: &Root) -> Option<String> {
    root.value(DMI_PRODUCT).filter(|name| name.contains('.'))
}

/// What is known where an image is made: no instance, so no identity and no user data; the type that needs the most
/// stands for all of `types`.
pub(crate) fn of_image(local: &LocalSettings, types: &[InstanceType]) -> Facts {
    let catalog = image::most_demanding(types).cloned();
    let instance_type = catalog.as_ref().map(|one| one.name.clone());
    Facts { metadata: None, instance_type, catalog, spec: local.spec.clone(), node_configs: Vec::new() }
}

/// The instance types of an image in a few words.
pub(crate) fn about_image(types: &[InstanceType]) -> String {
    let names: Vec<_> = types.iter().map(|one| one.name.clone()).collect();
    format!("image for {}", few(&names))
}

/// Asks IMDS, reads the user data, merges the configuration. Where IMDS does not answer the boot goes on with what
/// the machine itself knows, and says so; user data that cannot be used is a failure.
pub(crate) fn gather(local: &LocalSettings, root: &Root) -> Result<(Facts, Vec<Finding>), Failure> {
    let mut findings = Vec::new();
    let mut unavailable = |error: &gpunode_imds::Error| {
        let message = format!("{}; going on without it", chain(error));
        findings.push(Finding::new(&reason::IMDS_UNAVAILABLE, "imds", message));
    };
    let (reading, user_data) = match ask(&local.spec, Duration::MAX) {
        Ok(fetched) => (Some(fetched.reading), fetched.user_data.map_err(|error| unavailable(&error)).ok()),
        Err(error) => {
            unavailable(&error);
            (None, None)
        }
    };
    let user_data = match user_data {
        Some(asked) => asked,
        None => root.read(CLOUD_INIT_USER_DATA)?,
    };
    findings.extend(reading.as_ref().and_then(|reading| incomplete(&reading.gaps)));
    let metadata = reading.map(|reading| reading.metadata);
    let (spec, _) = merge(local, user_data.as_deref())?;
    let told = metadata.as_ref().map(|m| m.identity.instance_type.clone());
    let instance_type = told.or_else(|| type_of_machine(root));
    let catalog = instance_type.as_deref().and_then(catalog::find);
    if let (Some(name), None) = (&instance_type, &catalog) {
        let message = format!("`{name}` is not in the catalogue of this version");
        findings.push(Finding::new(&reason::INSTANCE_TYPE_UNKNOWN, name, message));
    }
    findings.extend(unexpected_type(&spec, instance_type.as_deref()));
    let node_configs = user_data::node_configs(user_data.as_deref().unwrap_or_default());
    Ok((Facts { metadata, instance_type, catalog, spec, node_configs }, findings))
}

/// What can be known before IMDS was asked.
#[derive(Debug)]
pub(crate) struct Early {
    /// The configuration, without what is wrong in it.
    pub(crate) spec: NodeSpec,
    /// What nodeadm reads in the user data.
    pub(crate) node_configs: Vec<String>,
}

/// Reads cloud-init's copy of the user data; `None` where there is none.
pub(crate) fn early(local: &LocalSettings, root: &Root) -> Option<Early> {
    let raw = root.read(CLOUD_INIT_USER_DATA).ok()??;
    let parts = user_data::parse(&raw).unwrap_or_default();
    Some(Early { spec: local.salvage_with(&parts)?, node_configs: user_data::node_configs(&raw) })
}

/// Asks the instance metadata service, for as long as the configuration says and no longer than `most`.
pub(crate) fn ask(spec: &NodeSpec, most: Duration) -> Result<gpunode_imds::Fetched, gpunode_imds::Error> {
    let settings = gpunode_imds::Settings {
        endpoint: spec.imds.endpoint.clone(),
        deadline: most.min(Duration::from_secs(spec.imds.deadline_seconds)),
        ..gpunode_imds::Settings::default()
    };
    gpunode_imds::fetch_blocking(settings)
}

fn incomplete(gaps: &[gpunode_imds::Error]) -> Option<Finding> {
    let told: Vec<_> = gaps.iter().map(|gap| chain(gap)).collect();
    (!told.is_empty()).then(|| Finding::new(&reason::IMDS_INCOMPLETE, "imds", few(&told)))
}

/// The configuration with the parts for us that the user data holds.
fn merge(local: &LocalSettings, raw: Option<&[u8]>) -> Result<(NodeSpec, Provenance), Failure> {
    let parts = user_data::parse(raw.unwrap_or_default())
        .map_err(|error| Failure::of(&reason::USER_DATA_INVALID, "user data", &error))?;
    local
        .with_user_data(&parts)
        .map_err(|errors| Failure::new(&reason::USER_DATA_INVALID, "user data", errors.to_string()))
}

fn unexpected_type(spec: &NodeSpec, found: Option<&str>) -> Option<Finding> {
    let (expected, found) = (spec.instance.expected_type.as_deref()?, found?);
    (expected != found).then(|| {
        let message = format!("this is a {found}, but instance.expectedType says {expected}");
        Finding::new(&reason::INSTANCE_TYPE_UNEXPECTED, found, message)
    })
}
