//! The installer's bundle: downloaded, proved, unpacked, and only then run.

use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use gpunode_fetch::{Download, Limits, Proof, Signature, Source};
use gpunode_host::efa::install::Plan;
use gpunode_host::{image, reason};

use crate::context::Context;
use crate::downloads::{CACHE, Downloads};
use crate::os::{Cmd, Os, RunError};
use crate::step::{Failure, chain};
use crate::unpack::{self, Bounds, Folder};

/// Bundles of 2025 have a few hundred megabytes: packages for every distribution.
const MAX_BYTES: u64 = 2 << 30;
const BOUNDS: Bounds = Bounds { bytes: 6 << 30, entries: 50_000 };
/// Beside the bundle, as AWS has it.
const KEY: &str = "aws-efa-installer.key";
/// It installs packages and builds a kernel module, for every kernel that is installed.
const DEADLINE: Duration = Duration::from_secs(900);
const LOG: &str = "/var/log/gpunode/efa-installer.log";
/// It must be called in its own folder. All it says goes to a file: the end matters, however much comes before.
const SCRIPT: &str = r#"cd "$1" || exit; log=$2; shift 2; exec ./efa_installer.sh "$@" >"$log" 2>&1"#;
const IN_BUNDLE: &str = "aws-efa-installer";

pub(super) fn install(cx: &Context, os: &Os, plan: &Plan) -> Result<(), Failure> {
    let download = download(cx, plan)?;
    let downloads = Downloads::new(cx, os)?;
    let bundle = downloads.fetch("efa installer", &download)?;
    let name = "efa-installer";
    let place = os.root().follow(CACHE).join(name);
    let folder = Folder::make(place).map_err(|error| invalid(&error))?;
    unpack::tar_gz(&bundle.path, folder.path(), BOUNDS, &|| os.is_cancelled())
        .map_err(|error| invalid(&error))?;
    let inside = format!("{CACHE}/{name}/{IN_BUNDLE}");
    if !os.root().exists(format!("{inside}/efa_installer.sh")) {
        let message = format!("{} holds no {IN_BUNDLE}/efa_installer.sh", bundle.url);
        return Err(Failure::new(&reason::BUNDLE_INVALID, "efa installer", message));
    }
    let turn = cx.package_manager(os);
    run(os, plan, &inside)?;
    drop(turn);
    cx.note_source(image::Source {
        name: "efa-installer".to_owned(),
        from: bundle.url.clone(),
        sha256: Some(bundle.sha256.to_string()),
    });
    downloads.forget(&bundle);
    Ok(())
}

fn invalid(error: &dyn std::error::Error) -> Failure {
    Failure::of(&reason::BUNDLE_INVALID, "efa installer", error)
}

fn run(os: &Os, plan: &Plan, folder: &str) -> Result<(), Failure> {
    os.make_dir("/var/log/gpunode")?;
    let command = Cmd::new("sh").args(["-c", SCRIPT, "efa_installer.sh", folder, LOG]);
    match os.run(&command.args(plan.flags.iter().copied()).deadline(DEADLINE)) {
        Ok(_) => Ok(()),
        Err(error @ (RunError::NotFound { .. } | RunError::Start { .. } | RunError::Cancelled { .. })) => {
            Err(error.into())
        }
        Err(error) => {
            let how = match &error {
                RunError::Failed { code, .. } => format!("it ended with status {code}"),
                other => chain(other),
            };
            let flags = plan.flags.join(" ");
            let message =
                format!("efa_installer.sh {flags} of version {}: {how}{}", plan.version, last_words(os));
            Err(Failure::new(&reason::EFA_INSTALLER_FAILED, "efa installer", message))
        }
    }
}

/// The last lines of the installer's log.
fn last_words(os: &Os) -> String {
    const TAIL: u64 = 4096;
    const LINES: usize = 6;
    let read = || {
        let mut file = os.root().open(LOG).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let tail = lines[lines.len().saturating_sub(LINES)..].join("; ");
    if tail.is_empty() { String::new() } else { format!("; it said last: {tail}") }
}

/// What is downloaded, and what proves it.
fn download(cx: &Context, plan: &Plan) -> Result<Download, Failure> {
    let spec = &cx.spec().efa;
    let wrong = |key: &str, error: &dyn std::error::Error| Failure::of(&reason::CONFIG_INVALID, key, error);
    let urls = spec.installer_urls.iter().map(|url| url.replace("{version}", &plan.version).parse());
    let sources: Vec<Source> =
        urls.collect::<Result<_, _>>().map_err(|error| wrong("efa.installerUrls", &error))?;
    let sum = spec.installer_sha256.as_ref().map(|sum| sum.parse()).transpose();
    let sum = sum.map_err(|error| wrong("efa.installerSha256", &error))?;
    let fingerprint = match spec.installer_key.as_str() {
        "none" => None,
        key => Some(key.parse().map_err(|error| wrong("efa.installerKey", &error))?),
    };
    let signature = fingerprint.map(|fingerprint| Signature {
        sources: sources.iter().map(|source| source.with_suffix(".sig")).collect(),
        key: sources.iter().map(|source| source.sibling(KEY)).collect(),
        fingerprint,
    });
    let proof = match (sum, signature) {
        (Some(sum), Some(signature)) => Proof::Both(sum, signature),
        (Some(sum), None) => Proof::Sha256(sum),
        (None, Some(signature)) => Proof::Signature(signature),
        (None, None) => {
            let message = "nothing proves the EFA installer: set efa.installerSha256 or efa.installerKey";
            return Err(Failure::new(&reason::CONFIG_INVALID, "efa.installerKey", message));
        }
    };
    Ok(Download { sources, proof, max_bytes: MAX_BYTES, limits: Limits::default() })
}
