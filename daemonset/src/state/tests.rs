use super::*;

fn place(folder: &tempfile::TempDir, boot: &str) -> Place {
    Place::new(folder.path().join("gpunode"), boot.to_owned())
}

fn save(place: &Place) {
    let [health, mounts] = [(); 2].map(|()| Health::new(Setup::default()).save("boot-1"));
    let published: Published = serde_json::from_str(r#"{"uid":"u"}"#).unwrap();
    place.save((health, mounts), &decided(), &published, &EventBook::default(), Wall::at(NOW)).unwrap();
}

const NOW: Now = Now { boot: Duration::from_secs(100), unix_ms: 1_700_000_000_000 };

fn decided() -> Desired {
    let condition =
        r#"{"type":"GPUHealthy","status":"False","reason":"R","message":"","sinceUnixMs":1699999990000}"#;
    serde_json::from_str(&format!(r#"{{"conditions":[{condition}],"labels":{{}}}}"#)).unwrap()
}

#[test]
fn what_was_kept_counts_in_the_same_boot_alone() {
    let folder = tempfile::tempdir().unwrap();
    save(&place(&folder, "boot-1"));
    let kept = place(&folder, "boot-1").load(NOW).unwrap();
    assert_eq!(kept.published.uid.as_deref(), Some("u"));
    assert!(place(&folder, "boot-2").load(NOW).is_none());
}

#[test]
fn a_clock_that_was_set_meanwhile_calls_every_moment_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder, "boot-1");
    save(&place);
    let later = Now { boot: Duration::from_secs(160), unix_ms: NOW.unix_ms + 60_000 + 7_200_000 };
    let kept = place.load(later).unwrap();
    assert_eq!(kept.decided.conditions[0].since_unix_ms, NOW.unix_ms - 10_000 + 7_200_000);
    assert_eq!(kept.wall, Some(Wall::at(later)));
}

#[test]
fn a_file_of_another_version_is_read_as_far_as_it_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder, "boot-1");
    save(&place);
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(place.path()).unwrap()).unwrap();
    state["added"] = 1.into();
    state["decided"]["conditions"]
        .as_array_mut()
        .unwrap()
        .insert(0, serde_json::json!({"type": "FanHealthy"}));
    state["health"]["findings"].as_array_mut().unwrap().push(serde_json::json!({"subject": {"kind": "fan"}}));
    // An older one has less.
    for newer in ["wall", "mounts"] {
        state.as_object_mut().unwrap().remove(newer);
    }
    fs::write(place.path(), state.to_string()).unwrap();
    let kept = place.load(NOW).unwrap();
    assert_eq!(kept.decided, decided());
    assert_eq!(kept.wall, None);
}

#[test]
fn garbage_is_as_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder, "boot-1");
    assert!(place.load(NOW).is_none());
    save(&place);
    for text in ["", "{", "{}", "\u{0}"] {
        fs::write(place.path(), text).unwrap();
        assert!(place.load(NOW).is_none(), "{text}");
    }
    place.forget().unwrap();
    place.forget().unwrap();
}

#[test]
fn one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder, "boot-1");
    let first = place.lock().unwrap();
    assert!(first.is_some() && place.lock().unwrap().is_none());
    drop(first);
    assert!(place.lock().unwrap().is_some());
}
