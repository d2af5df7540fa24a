//! The key that must have signed the repository's packages.

use gpunode_fetch::openpgp::Fingerprint;
use gpunode_fetch::{Error, Source};
use gpunode_host::driver::Platform;
use gpunode_host::reason;

use crate::context::Context;
use crate::downloads::Downloads;
use crate::os::{FileSpec, Os};
use crate::step::Failure;

/// What was proved is kept here. apt tells the two forms of a key by the name's ending, and this one is text.
const PROVED: &str = "/etc/gpunode/nvidia-repository.asc";
const SUBJECT: &str = "nvidia.repositoryKey";
/// Means: nobody knows it.
const NONE: &str = "none";

/// The key as the package manager is told of it: a file of the machine that holds the key with the pinned fingerprint and
/// no other, or where no fingerprint is known what the operator names. dnf and apt take whatever key is at the URL that
/// they are given, so whoever answers there could bring packages of his own; the fingerprint is what he cannot bring.
pub(super) fn trusted(cx: &Context, os: &Os, platform: Platform, url: &str) -> Result<String, Failure> {
    let spec = &cx.spec().nvidia;
    let told = spec.repository_key.as_deref();
    // A mirror has NVIDIA's files, and so its key.
    let nvidias = || platform.repository_key().replacen(&platform.repository(), url.trim_end_matches('/'), 1);
    let key = told.map_or_else(nvidias, str::to_owned);
    let pinned = match (spec.repository_key_fingerprint.as_deref(), told) {
        (Some(NONE), _) | (None, Some(_)) => return Ok(key),
        (Some(fingerprint), _) => fingerprint,
        (None, None) => platform.key_fingerprint(),
    };
    proved(cx, os, &key, pinned)
}

/// The operator's key for packages in a folder, where there is one.
pub(super) fn of_folder(cx: &Context, os: &Os) -> Result<Option<String>, Failure> {
    let spec = &cx.spec().nvidia;
    let Some(key) = spec.repository_key.as_deref() else { return Ok(None) };
    match spec.repository_key_fingerprint.as_deref() {
        None | Some(NONE) => Ok(Some(key.to_owned())),
        Some(fingerprint) => proved(cx, os, key, fingerprint).map(Some),
    }
}

fn proved(cx: &Context, os: &Os, key: &str, fingerprint: &str) -> Result<String, Failure> {
    let wrong = |error: &dyn std::error::Error| Failure::of(&reason::CONFIG_INVALID, SUBJECT, error);
    let fingerprint: Fingerprint = fingerprint.parse().map_err(|error| wrong(&error))?;
    let path = key.strip_prefix("file://").or_else(|| key.starts_with('/').then_some(key));
    let source = match path {
        Some(path) => Source::File(os.root().follow(path)),
        None => key.parse().map_err(|error| wrong(&error))?,
    };
    let text = Downloads::new(cx, os)?.key(&source, fingerprint).map_err(|error| {
        let reason = match &error {
            error if error.is_forged() => &reason::PACKAGE_SIGNATURE_WRONG,
            Error::Cache(_) => &reason::PACKAGE_REPOSITORY_FAILED,
            _ => &reason::DOWNLOAD_FAILED,
        };
        Failure::new(reason, SUBJECT, format!("{key}: {}", crate::step::chain(&error)))
    })?;
    os.write(&FileSpec::new(PROVED, text))?;
    Ok(PROVED.to_owned())
}
