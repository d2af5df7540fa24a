//! A driver that no repository is asked for: a folder of packages or NVIDIA's `.run` file, on the machine or by URL.

use std::path::Path;

use gpunode_fetch::{Download, Fetched, Limits, Proof, Source};
use gpunode_host::reason;

use crate::context::Context;
use crate::downloads::{CACHE, Downloads};
use crate::os::Os;
use crate::step::Failure;
use crate::unpack::{self, Bounds, Folder};

/// A `.run` file has 400 MB; NVIDIA's local repositories with CUDA and NCCL beside the driver some gigabytes.
const MAX_BYTES: u64 = 6 << 30;
const BOUNDS: Bounds = Bounds { bytes: 12 << 30, entries: 10_000 };
const FOLDER: &str = "nvidia-offline";
const SUBJECT: &str = "nvidia.offlineUrls";

/// What is installed from, as the machine sees it. What was downloaded is removed with it, but for what may be asked for
/// once more.
pub(super) struct Offline {
    /// A folder of packages, or a `.run` file.
    pub(super) path: String,
    /// The name by which the operator knows it: the path or the URL. A `.run` file's tells its version.
    pub(super) name: String,
    pub(super) sha256: Option<String>,
    downloaded: Option<(Downloads, Fetched)>,
    _unpacked: Option<Folder>,
}

/// Where the driver comes from, if not from a repository.
pub(super) fn name(cx: &Context) -> Option<&str> {
    let spec = &cx.spec().nvidia;
    spec.offline.as_deref().or_else(|| spec.offline_urls.first().map(String::as_str))
}

/// Whether that is NVIDIA's `.run` file.
pub(super) fn is_run_file(cx: &Context) -> bool {
    let ending = |name| Path::new(without_query(name)).extension().is_some_and(|ending| ending == "run");
    name(cx).is_some_and(ending)
}

/// The path's end tells what it is, and its version.
pub(super) fn without_query(name: &str) -> &str {
    name.split(['?', '#']).next().unwrap_or_default()
}

/// Brings it to the machine, where it is elsewhere: proved before any of it is used.
pub(super) fn get(cx: &Context, os: &Os) -> Result<Option<Offline>, Failure> {
    let Some(name) = name(cx) else { return Ok(None) };
    let spec = &cx.spec().nvidia;
    if spec.offline_urls.is_empty() {
        let (path, name) = (name.to_owned(), name.to_owned());
        return Ok(Some(Offline { path, name, sha256: None, downloaded: None, _unpacked: None }));
    }
    let downloads = Downloads::new(cx, os)?;
    let fetched = downloads.fetch("NVIDIA driver", &download(cx)?)?;
    let sum = fetched.sha256.to_string();
    let (path, unpacked) = if is_run_file(cx) {
        (format!("{CACHE}/sha256/{sum}"), None)
    } else {
        let folder = unpacked(os, &fetched)?;
        (inside(os), Some(folder))
    };
    let (name, sha256) = (without_query(name).to_owned(), Some(sum));
    Ok(Some(Offline { path, name, sha256, downloaded: Some((downloads, fetched)), _unpacked: unpacked }))
}

impl Offline {
    /// It was used.
    pub(super) fn forget(&self) {
        if let Some((downloads, fetched)) = &self.downloaded {
            downloads.forget(fetched);
        }
    }
}

fn download(cx: &Context) -> Result<Download, Failure> {
    let spec = &cx.spec().nvidia;
    let invalid = |message: &str| Failure::new(&reason::CONFIG_INVALID, SUBJECT, message);
    if spec.offline.is_some() {
        return Err(invalid("nvidia.offline is set too; one of the two says where the driver comes from"));
    }
    let Some(sum) = &spec.offline_sha256 else {
        return Err(invalid("nothing proves what would be downloaded: set nvidia.offlineSha256"));
    };
    let wrong = |error: &dyn std::error::Error| Failure::of(&reason::CONFIG_INVALID, SUBJECT, error);
    let sources = spec.offline_urls.iter().map(|url| url.parse());
    let sources: Vec<Source> = sources.collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
    let proof = Proof::Sha256(sum.parse().map_err(|error| wrong(&error))?);
    Ok(Download { sources, proof, max_bytes: MAX_BYTES, limits: Limits::default() })
}

fn unpacked(os: &Os, fetched: &Fetched) -> Result<Folder, Failure> {
    let invalid = |error: &dyn std::error::Error| Failure::of(&reason::BUNDLE_INVALID, SUBJECT, error);
    let folder = Folder::make(os.root().follow(CACHE).join(FOLDER)).map_err(|error| invalid(&error))?;
    unpack::tar_gz(&fetched.path, folder.path(), BOUNDS, &|| os.is_cancelled())
        .map_err(|error| invalid(&error))?;
    Ok(folder)
}

/// The archive's own folder, where everything in it is in one.
fn inside(os: &Os) -> String {
    let folder = format!("{CACHE}/{FOLDER}");
    match os.root().list(&folder).as_slice() {
        [only] if os.root().metadata(format!("{folder}/{only}")).is_ok_and(|about| about.is_dir()) => {
            format!("{folder}/{only}")
        }
        _ => folder,
    }
}
