//! Files for people who keep their cluster in Git: what an installation would send, in the form of each tool. The
//! same settings give the same bytes.

pub(crate) mod autoscaler;
mod canonical;
mod cloudformation;
pub(crate) mod dra;
mod eksctl;
mod error;
mod hcl;
pub(crate) mod karpenter;
pub(crate) mod kubernetes;
pub(crate) mod parts;
mod terraform;
#[cfg(test)]
mod tests;
mod yaml;

use serde_json::Value;

pub(crate) use canonical::sorted;
pub use error::RenderError;

use crate::daemonset;
use crate::launch_template::{self, LaunchTemplate};
use crate::policies::{self, Places, Role};
use crate::settings::{Loaded, Settings};

/// What is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// launch-template.json: LaunchTemplateData of EC2's CreateLaunchTemplate
    LaunchTemplate,
    /// user-data.mime: what GPU nodes boot with
    UserData,
    /// policies/: IAM policies and the trust policy of each role, and what whoever runs the installer must be allowed
    Policies,
    /// kubernetes/: storage classes, metrics server, device plugins or the values of the DRA drivers' charts, gpunode's
    /// DaemonSet, Karpenter's node pools
    Kubernetes,
    /// eksctl.yaml: a ClusterConfig with add-ons, roles and managed node groups
    Eksctl,
    /// terraform/: a module
    Terraform,
    /// cloudformation.json: a template
    Cloudformation,
    /// All of them
    All,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Below the output folder.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// The files for `what`.
pub fn render(loaded: &Loaded, what: What) -> Result<Vec<Rendered>, RenderError> {
    let settings = &loaded.settings;
    // Policies name no group.
    let names = what != What::Policies;
    if names && settings.gpu_create_security_group {
        return Err(RenderError::MadeElsewhere("GPU_CREATE_SECURITY_GROUP", "GPU_SECURITY_GROUP"));
    }
    if names && settings.gpu_create_placement_group {
        return Err(RenderError::MadeElsewhere("GPU_CREATE_PLACEMENT_GROUP", "GPU_PLACEMENT_GROUP"));
    }
    Ok(match what {
        What::LaunchTemplate => {
            vec![file("launch-template.json", canonical::json(&launch_template::make(loaded)?.data()))]
        }
        What::UserData => vec![file("user-data.mime", text(&launch_template::make(loaded)?.user_data))],
        What::Policies => {
            let mut files = policy_files(settings)?;
            files.extend(caller_files(settings)?);
            files
        }
        What::Kubernetes => {
            let mut files = kubernetes::files(settings);
            files.extend(daemonset_files(settings)?);
            files.extend(karpenter::files(loaded)?);
            files
        }
        What::Eksctl => match eksctl::refused(settings) {
            Some(why) => return Err(why),
            None => vec![file("eksctl.yaml", eksctl::text(settings)?)],
        },
        What::Terraform => terraform_files(loaded)?,
        What::Cloudformation => {
            let template = launch_template::make(loaded)?;
            vec![file(
                "cloudformation.json",
                canonical::json(&cloudformation::template(settings, &template)?),
            )]
        }
        What::All => {
            let mut parts =
                vec![What::LaunchTemplate, What::UserData, What::Policies, What::Kubernetes, What::Terraform];
            parts.push(What::Cloudformation);
            if eksctl::refused(settings).is_none() {
                parts.push(What::Eksctl);
            }
            let mut files = Vec::new();
            for part in parts {
                files.extend(render(loaded, part)?);
            }
            files
        }
    })
}

fn policy_files(settings: &Settings) -> Result<Vec<Rendered>, RenderError> {
    let mut files = Vec::new();
    let places = Places::of(settings);
    let mut put = |name: &str, value: &Value| {
        files.push(file(&format!("policies/{name}.json"), canonical::json(value)));
    };
    for role in Role::wanted(settings) {
        let trust = policies::policy("pod-identity-trust", &places.clone().for_role(role))?;
        put(&format!("{}-trust", role.name), &trust);
        for name in role.policies {
            put(name, &policies::policy(name, &places)?);
        }
    }
    put("ec2-trust", &policies::policy("ec2-trust", &places)?);
    if settings.install_karpenter {
        put("karpenter-queue", &policies::policy("karpenter-queue", &places)?);
    }
    Ok(files)
}

fn daemonset_files(settings: &Settings) -> Result<Vec<Rendered>, RenderError> {
    let files = daemonset::files(settings).map_err(RenderError::Daemonset)?;
    let wanted = files.into_iter().filter(|found| found.wanted);
    Ok(wanted.map(|found| file(found.path, yaml::documents(&found.objects))).collect())
}

/// What whoever runs the installer must be allowed; no form takes it.
fn caller_files(settings: &Settings) -> Result<Vec<Rendered>, RenderError> {
    let file = |name: &str| {
        let policy = policies::caller(name, settings)?;
        Ok(file(&format!("policies/{name}.json"), canonical::json(&policy)))
    };
    policies::CALLER.into_iter().map(file).collect()
}

/// The module, with the policies and the user data that it reads.
fn terraform_files(loaded: &Loaded) -> Result<Vec<Rendered>, RenderError> {
    let settings = &loaded.settings;
    let template: LaunchTemplate = launch_template::make(loaded)?;
    let mut files = vec![file("terraform/main.tf", terraform::text(settings, &template))];
    files.push(file("terraform/user-data.mime", text(&template.user_data)));
    for policy in policy_files(settings)? {
        files.push(file(&format!("terraform/{}", policy.path), policy.text));
    }
    Ok(files)
}

/// What our own writer made is text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(path: &str, text: String) -> Rendered {
    Rendered { path: path.to_owned(), text }
}
