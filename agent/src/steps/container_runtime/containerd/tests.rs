use super::files::IMPORT;
use super::*;
use crate::os::FileSpec;
use proptest::prelude::*;
use toml_edit::DocumentMut;

const ALL: Settings =
    Settings { nvidia: true, default_runtime: Some("nvidia"), runc: false, cdi: true, soci: true };

const OPERATORS: &str = "\
# ours, do not touch
version = 2
root = \"/data/containerd\" # big disk

[plugins.\"io.containerd.grpc.v1.cri\"]
sandbox_image = \"pause:3.9\"
enable_cdi = false # was off

  [plugins.\"io.containerd.grpc.v1.cri\".cni]
  bin_dir = \"/opt/cni/bin\"
";

fn only(files: Vec<FileSpec>, path: &str) -> String {
    let [file] = <[FileSpec; 1]>::try_from(files).unwrap();
    assert_eq!(file.path.to_str(), Some(path));
    file.content
}

fn lines<'a>(text: &'a str, wanted: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.contains(wanted)).collect()
}

#[test]
fn versions_of_every_distribution() {
    for (text, version) in [
        ("containerd containerd.io 1.7.27 05044ec0a9a75232cad458027ca83437aae3f4da", Some(Version(1, 7))),
        ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3", Some(Version(1, 6))),
        ("containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7", Some(Version(2, 1))),
        ("containerd github.com/containerd/containerd/v2 2.2.0-rc.1 abc", Some(Version(2, 2))),
        ("Kubernetes v1.33.1-eks-1de2ab1", Some(Version(1, 33))),
        ("v1.35\n", Some(Version(1, 35))),
        ("nonsense", None),
        ("", None),
    ] {
        assert_eq!(Version::find(text), version, "{text}");
    }
}

#[test]
fn containerd_1_is_told_in_its_own_file_between_what_the_operator_wrote() {
    let text = only(files(Version(1, 7), Some(OPERATORS), ALL).unwrap(), CONFIG);
    for kept in OPERATORS.lines().filter(|line| !line.contains("enable_cdi")) {
        assert!(text.contains(kept), "{kept}\n{text}");
    }
    assert!(text.contains("enable_cdi = true # was off"), "{text}");
    let cri = r#"plugins."io.containerd.grpc.v1.cri""#;
    for expected in [
        format!("[{cri}.containerd.runtimes.nvidia]\nruntime_type = \"io.containerd.runc.v2\"\n"),
        format!(
            "[{cri}.containerd.runtimes.nvidia.options]\nBinaryName = \"/usr/bin/nvidia-container-runtime\"\nSystemdCgroup = true\n"
        ),
        "default_runtime_name = \"nvidia\"\n".to_owned(),
        "snapshotter = \"soci\"\ndisable_snapshot_annotations = false\n".to_owned(),
        "[proxy_plugins.soci]\ntype = \"snapshot\"\n".to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected}\n{text}");
    }
    assert!(!text.contains("imports"), "{text}");
    // The second run finds nothing to do.
    assert_eq!(only(files(Version(1, 7), Some(&text), ALL).unwrap(), CONFIG), text);
    assert_eq!(not_in_force(&text, ALL).unwrap(), Vec::<String>::new());
}

#[test]
fn containerd_2_is_told_in_a_file_of_its_own() {
    let config = "version = 3\nimports = [\"/etc/a.toml\"] # mine\n";
    let files = files(Version(2, 1), Some(config), ALL).unwrap();
    assert_eq!(files[0].path.to_str(), Some(DROP_IN));
    let own = &files[0].content;
    assert!(
        own.contains("version = 3\n") && own.contains(r#"[plugins."io.containerd.cri.v1.images"]"#),
        "{own}"
    );
    assert_eq!(not_in_force(own, ALL).unwrap(), Vec::<String>::new());
    assert_eq!(files[1].path.to_str(), Some(CONFIG));
    assert_eq!(
        files[1].content,
        "version = 3\nimports = [\"/etc/a.toml\", \"/etc/containerd/conf.d/*-gpunode.toml\"] # mine\n"
    );
    // Imported already, by any pattern: the operator's file is left alone.
    for pattern in [IMPORT, DROP_IN, "/etc/containerd/conf.d/*.toml", "conf.d/*", "./conf.d/90*"] {
        let config = format!("version = 3\nimports = ['{pattern}']\n");
        only(super::files(Version(2, 1), Some(&config), ALL).unwrap(), DROP_IN);
    }
}

#[test]
fn an_older_schema_is_kept_since_an_import_may_not_be_newer() {
    let files = files(Version(2, 0), Some(OPERATORS), ALL).unwrap();
    assert!(files[0].content.contains("version = 2\n"));
    assert!(files[0].content.contains("io.containerd.grpc.v1.cri"));
}

#[test]
fn folders_that_the_operator_named_stay() {
    let config = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\ncdi_spec_dirs = [\"/opt/cdi\", \"/etc/cdi\"] # two\n";
    let settings = Settings { cdi: true, ..Settings::default() };
    let text = only(files(Version(1, 7), Some(config), settings).unwrap(), CONFIG);
    assert_eq!(
        lines(&text, "cdi_spec_dirs"),
        ["cdi_spec_dirs = [\"/opt/cdi\", \"/etc/cdi\", \"/var/run/cdi\"] # two"]
    );
    assert_eq!(not_in_force(&text, settings).unwrap(), Vec::<String>::new());
}

#[test]
fn without_a_file_one_is_made() {
    let text = only(files(Version(1, 7), None, ALL).unwrap(), CONFIG);
    assert_eq!(lines(&text, "version = "), ["version = 2"]);
    let made = files(Version(2, 1), None, ALL).unwrap();
    assert_eq!(made[1].content, "version = 3\nimports = [\"/etc/containerd/conf.d/*-gpunode.toml\"]\n");
    assert!(files(Version(2, 1), None, Settings::default()).unwrap().is_empty());
}

#[test]
fn what_cannot_be_added_to_is_named_by_file_and_line_or_key() {
    let fails = |config: &str| files(Version(1, 7), Some(config), ALL).unwrap_err().to_string();
    let text = fails("version = 2\n[plugins\nx = 1\n");
    assert!(text.starts_with("/etc/containerd/config.toml: line 2: "), "{text}");
    // toml_edit 0.23 panics here.
    assert!(fails(" =  = \n. = ").contains("line 1: "));
    let text = fails("version = 2\n[plugins]\n\"io.containerd.grpc.v1.cri\" = 7\n");
    assert!(text.contains("`plugins.io.containerd.grpc.v1.cri`: it must be a table"), "{text}");
    assert!(fails("root = \"/x\"\n").contains("`version`"));
    // As Docker's packages ship it.
    assert!(fails("disabled_plugins = [\"cri\"]\n").contains("`disabled_plugins`"));
    let error = files(Version(2, 1), Some("version = 3\nimports = 1\n"), ALL).unwrap_err();
    assert!(error.to_string().contains("`imports`"));
}

#[test]
fn what_an_import_takes_back_is_seen_in_the_dump() {
    let dump =
        "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd]\ndefault_runtime_name = 'runc'\n";
    let settings = Settings { default_runtime: Some("nvidia"), ..Settings::default() };
    assert_eq!(
        not_in_force(dump, settings).unwrap(),
        [r#"plugins.io.containerd.grpc.v1.cri.containerd.default_runtime_name is "runc", expected "nvidia""#]
    );
}

fn settings() -> impl Strategy<Value = Settings> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(nvidia, default, cdi, soci)| {
        Settings { nvidia, default_runtime: default.then_some("nvidia"), runc: false, cdi, soci }
    })
}

/// Any file of an operator: keys of theirs inside and outside our tables, in both forms of writing.
fn operators() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"x\"\n",
        "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.nvidia]\npod_annotations = [\"a\"]\n",
        "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.nvidia.options]\nBinaryName = '/old'\n",
        "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\n",
        "[plugins.\"io.containerd.gc.v1.scheduler\"]\npause_threshold = 0.02\n",
        "[proxy_plugins]\nsoci = { type = \"old\", extra = 1 }\n",
        "[debug]\nlevel = \"info\" # loud\n",
    ]);
    prop::collection::hash_set(line, 0..6)
        .prop_map(|parts| parts.into_iter().fold("version = 2\n".to_owned(), |text, part| text + part))
}

proptest! {
    #[test]
    fn every_operators_key_stays_and_every_key_of_ours_is_in_force(config in operators(), settings in settings()) {
        let files = files(Version(1, 7), Some(&config), settings).unwrap();
        prop_assume!(!files.is_empty());
        let text = &files[0].content;
        prop_assert_eq!(not_in_force(text, settings).unwrap(), Vec::<String>::new());
        let after: DocumentMut = text.parse().unwrap();
        let before: DocumentMut = config.parse().unwrap();
        let ours: Vec<_> = settings.keys(Schema::V2).into_iter().map(|(path, _)| path.join("/")).collect();
        for (path, value) in leaves(before.as_table(), "") {
            if !ours.contains(&path) {
                prop_assert!(leaves(after.as_table(), "").contains(&(path.clone(), value)), "{path} is lost in\n{text}");
            }
        }
        prop_assert_eq!(&super::files(Version(1, 7), Some(text), settings).unwrap()[0].content, text);
    }

    #[test]
    fn no_text_panics(config in "(version|imports|plugins| = |[0-9]|\\[|\\]|\"|\n|\\.|[a-z]){0,30}", settings in settings()) {
        let _ = files(Version(1, 7), Some(&config), settings);
        let _ = files(Version(2, 1), Some(&config), settings);
        let _ = not_in_force(&config, settings);
    }
}

fn leaves(table: &dyn toml_edit::TableLike, at: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, item) in table.iter() {
        let path = if at.is_empty() { key.to_owned() } else { format!("{at}/{key}") };
        match item.as_table_like() {
            Some(inner) => found.extend(leaves(inner, &path)),
            None => {
                found.push((path, item.to_string().split('#').next().unwrap_or_default().trim().to_owned()));
            }
        }
    }
    found
}
