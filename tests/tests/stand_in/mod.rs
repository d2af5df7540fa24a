//! A stand-in of AWS's EFA bundle, who signs it, who serves it, and the machine it is for.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what helps a test is a test"
)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use gpunode_fault_server::{End, Identity, Reply, Server};
use gpunode_tests::agent::{self, Run, bootstrap, finish, fresh_machine, text};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const KIND: &str = "p5.4xlarge";
pub const KEY_FILE: &str = "aws-efa-installer.key";

/// Breaks what is served.
pub type Serve = fn(&mut Make);

/// Two keys made by gpg for this run of the tests.
pub struct Signer {
    home: TempDir,
    pub key: Vec<u8>,
    pub other_key: Vec<u8>,
    pub fingerprint: String,
}

pub fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        for name in ["efa@test", "other@test"] {
            gpg(home.path(), &["--quick-generate-key", name, "rsa2048", "sign", "never"]);
        }
        let export = |name| gpg(home.path(), &["--armor", "--export", name]);
        let listed =
            String::from_utf8(gpg(home.path(), &["--with-colons", "--fingerprint", "efa@test"])).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr")).unwrap();
        let fingerprint = line.split(':').nth(9).unwrap().to_owned();
        let (key, other_key) = (export("efa@test"), export("other@test"));
        Signer { home, key, other_key, fingerprint }
    })
}

impl Signer {
    pub fn sign(&self, content: &[u8], by_other: bool) -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        let who = if by_other { "other@test" } else { "efa@test" };
        gpg(self.home.path(), &["-u", who, "--output", "-", "--detach-sign", text(file.path())])
    }
}

fn gpg(home: &Path, words: &[&str]) -> Vec<u8> {
    let mut command = agent::program("gpg");
    command.args(["--homedir", text(home), "--batch", "--yes", "--quiet", "--passphrase", ""]);
    let output = command.args(["--pinentry-mode", "loopback"]).args(words).output().expect("gpg");
    assert!(output.status.success(), "gpg {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What is served.
#[derive(Clone)]
pub struct Make {
    version: String,
    pub bundle: Vec<u8>,
    pub signature: Vec<u8>,
    pub key: Vec<u8>,
    pub end: End,
    pub gone: bool,
}

impl Make {
    /// A bundle whose installer writes down how it was called and lays down what the checks look at.
    pub fn new(version: &str) -> Self {
        let mut make = Self {
            version: version.to_owned(),
            bundle: Vec::new(),
            signature: Vec::new(),
            key: signer().key.clone(),
            end: End::Whole,
            gone: false,
        };
        let told = if version == "latest" { "1.51.0" } else { version };
        make.script(&format!(
            "mkdir -p /opt/amazon /sys/module/efa\necho 3.3.1g > /sys/module/efa/version\n\
             echo '# EFA installer version: {told}' > /opt/amazon/efa_installed_packages"
        ));
        make
    }

    /// With an installer that does this.
    pub fn script(&mut self, body: &str) {
        let script = format!("#!/bin/sh\necho \"$@\" > /canary\n{body}\n");
        self.pack_and_sign(&[("aws-efa-installer/efa_installer.sh", script.as_bytes())], Some(0o755));
    }

    pub fn pack_and_sign(&mut self, files: &[(&str, &[u8])], mode: Option<u32>) {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(mode.unwrap_or(0o644));
            header.set_size(content.len() as u64);
            // As it is written: the builder itself would refuse a path that leads out.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, *content).unwrap();
        }
        self.sign(tar.into_inner().unwrap().finish().unwrap());
    }

    pub fn sign(&mut self, bundle: Vec<u8>) {
        self.signature = signer().sign(&bundle, false);
        self.bundle = bundle;
    }

    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(&self.bundle))
    }
}

/// Serves it; `before` is called with the path before the bundle is sent.
pub fn serve(identity: &Identity, make: Make, before: impl Fn(&str) + Send + Sync + 'static) -> Server {
    let bundle = format!("/aws-efa-installer-{}.tar.gz", make.version);
    Server::https(identity, move |seen| {
        let path = seen.path.as_str();
        if path == bundle && !make.gone {
            before(path);
            Reply::file(seen, &make.bundle, "\"v1\"").ending(make.end)
        } else if path.strip_suffix(".sig") == Some(&bundle) {
            Reply::all(&make.signature)
        } else if path.ends_with(KEY_FILE) {
            Reply::all(&make.key)
        } else {
            Reply::status(404)
        }
    })
}

/// The settings by which the agent takes the bundle from `server`.
pub fn settings(server: &Server) -> [String; 2] {
    [
        format!("efa.installerUrls={}", server.url("/aws-efa-installer-{version}.tar.gz")),
        format!("efa.installerKey={}", signer().fingerprint),
    ]
}

/// A machine in a folder, with a shell in it.
pub struct Bed {
    dir: TempDir,
    identity: Identity,
}

impl Bed {
    /// With EFA 1.43.2, as the demo's machines have it.
    pub fn with_efa() -> Self {
        let bed = Self { dir: fresh_machine(KIND), identity: Identity::good() };
        fs::create_dir_all(bed.at("bin")).unwrap();
        fs::copy("/bin/busybox", bed.at("bin/busybox")).expect("busybox, statically linked");
        fs::set_permissions(bed.at("bin/busybox"), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["sh", "mkdir", "sleep"] {
            symlink("/bin/busybox", bed.at("bin").join(name)).unwrap();
        }
        for (path, content) in [
            ("etc/os-release", "ID=amzn\nVERSION_ID=2023\n"),
            ("etc/ssl/certs/ca-certificates.crt", bed.identity.authority.as_str()),
        ] {
            fs::create_dir_all(bed.at(path).parent().unwrap()).unwrap();
            fs::File::create(bed.at(path)).unwrap().write_all(content.as_bytes()).unwrap();
        }
        bed
    }

    /// With the devices, and nothing for them.
    pub fn plain() -> Self {
        let bed = Self::with_efa();
        for folder in ["opt/amazon", "sys/module/efa"] {
            fs::remove_dir_all(bed.at(folder)).unwrap();
        }
        bed
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// How the installer was called, if it was.
    pub fn canary(&self) -> Option<String> {
        fs::read_to_string(self.at("canary")).ok()
    }

    pub fn serve(&self, make: Make) -> Server {
        serve(&self.identity, make, |_| {})
    }

    /// The efa step alone, with the bundle from `server`.
    pub fn boot(&self, server: &Server, settings: &[&str]) -> Run {
        let [urls, key] = self::settings(server);
        let mut words =
            vec!["--only", "efa", "--set", &urls, "--set", &key, "--set", "imds.deadlineSeconds=1"];
        words.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        // Nobody answers there: the type is read from DMI.
        finish(&mut bootstrap(self.dir.path(), "http://127.0.0.1:9", &words))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}
