//! `gpunode-agent user-data`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use gpunode_host::user_data::write::{Fetch, Start, UserData};
use gpunode_host::{bottlerocket, catalog, spec};

use super::{Stop, inputs};
use crate::exit::Exit;
use crate::print;
use crate::step::chain;
use crate::steps::is_node_config;

/// The same arguments and files print the same bytes, on any machine: neither its environment nor its
/// /etc/gpunode/agent.toml is looked at.
#[derive(Debug, Args)]
pub(crate) struct UserDataArgs {
    /// Where the node fetches the agent, http or https
    #[arg(long, requires = "sha256", conflicts_with = "baked")]
    url: Option<String>,
    /// The SHA-256 sum of what is fetched; nothing else is run
    #[arg(long, value_name = "HEX", requires = "url")]
    sha256: Option<String>,
    /// The image carries the agent and its unit already, see `install`
    #[arg(long)]
    baked: bool,
    /// Settings of the nodes: a file in the form of /etc/gpunode/agent.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, above those of the file, for example onFailure=halt
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// A NodeConfig for nodeadm (YAML); several are merged by it in this order
    #[arg(long, value_name = "FILE")]
    node_config: Vec<PathBuf>,
    /// Who reads it
    #[arg(long, value_enum, default_value_t = Format::Mime)]
    format: Format,
    /// Compress it; not for managed node groups without an AMI of their own, whose user data EKS merges
    #[arg(long)]
    gzip: bool,
    /// For bottlerocket: an image that runs `check` at every boot (`cargo xtask image --kind check`)
    #[arg(long, value_name = "IMAGE")]
    check_image: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A launch template, as MIME, at most 16 KiB; EC2's API wants it in base64
    Mime,
    /// Karpenter, as the YAML of an EC2NodeClass with spec.userData, with room for what Karpenter adds
    Karpenter,
    /// Bottlerocket, as TOML: what of the settings it can do by itself
    Bottlerocket,
}

pub(super) fn run(args: &UserDataArgs) -> Result<Exit, Stop> {
    args.fits_together()?;
    let bytes = match args.format {
        Format::Bottlerocket => args.bottlerocket()?.into_bytes(),
        Format::Mime => args.data()?.mime(args.gzip).map_err(|error| Stop::usage(chain(&error)))?,
        Format::Karpenter => {
            args.data()?.karpenter().map_err(|error| Stop::usage(chain(&error)))?.into_bytes()
        }
    };
    // What is cut off half way must not look whole to a script.
    print::bytes(&bytes)
        .map_err(|error| Stop::not_started(format!("cannot write the user data: {error}")))?;
    Ok(Exit::Ok)
}

impl UserDataArgs {
    fn fits_together(&self) -> Result<(), Stop> {
        let started = self.url.is_some() || self.baked;
        let problem = match self.format {
            Format::Bottlerocket if started || !self.node_config.is_empty() || self.gzip => {
                "Bottlerocket runs no script and no nodeadm, and takes TOML: --url, --baked, --node-config and --gzip \
                 are for the other formats"
            }
            Format::Mime | Format::Karpenter if !started => {
                "say how the agent comes to the node: --url URL --sha256 HEX, or --baked"
            }
            Format::Mime | Format::Karpenter if self.check_image.is_some() => {
                "--check-image is for --format bottlerocket"
            }
            Format::Karpenter if self.gzip => {
                "Karpenter adds a part to the user data: it cannot be compressed"
            }
            Format::Mime | Format::Karpenter | Format::Bottlerocket => return Ok(()),
        };
        Err(Stop::usage(problem))
    }

    fn layers(&self) -> Result<Vec<spec::Layer>, Stop> {
        let mut layers = Vec::new();
        if let Some(path) = &self.config {
            layers.push(spec::Layer::file(path.display().to_string(), read_text(path)?));
        }
        layers.push(spec::Layer::flags(self.settings.iter().cloned()));
        Ok(layers)
    }

    fn data(&self) -> Result<UserData, Stop> {
        let settings =
            spec::written_toml(&self.layers()?).map_err(|errors| Stop::usage(errors.to_string()))?;
        let start = match (&self.url, &self.sha256) {
            (Some(url), Some(sum)) => {
                Start::Fetch(Fetch::new(url, sum).map_err(|error| Stop::usage(chain(&error)))?)
            }
            _ => Start::Baked,
        };
        let node_configs =
            self.node_config.iter().map(|path| read_node_config(path)).collect::<Result<_, _>>()?;
        Ok(UserData { start, settings, node_configs })
    }

    fn bottlerocket(&self) -> Result<String, Stop> {
        let (spec, _) = spec::load(&self.layers()?).map_err(|errors| Stop::usage(errors.to_string()))?;
        let known = spec.instance.expected_type.as_deref().and_then(catalog::find);
        let efa = known.is_some_and(|known| known.has_efa());
        let settings = bottlerocket::UserData::from_spec(&spec, self.check_image.as_deref(), efa);
        settings.toml().map_err(|error| Stop::usage(chain(&error)))
    }
}

fn read_node_config(path: &Path) -> Result<String, Stop> {
    let text = read_text(path)?;
    match is_node_config(&text) {
        Ok(true) => Ok(text),
        Ok(false) => Err(Stop::usage(format!(
            "{}: not a NodeConfig: every document needs `apiVersion: node.eks.aws/v1alpha1` and `kind: NodeConfig`",
            path.display()
        ))),
        Err(error) => Err(Stop::usage(format!("{}: {}", path.display(), chain(&error)))),
    }
}

fn read_text(path: &Path) -> Result<String, Stop> {
    String::from_utf8(inputs::read_named(path)?)
        .map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))
}
