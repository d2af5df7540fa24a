use std::time::Duration;

use super::*;
use crate::settings::Program;

/// Loading the program takes milliseconds; a busy machine takes longer.
fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn starter(settings: Settings, image: Image) -> (Starter, Plan) {
    let plan = Plan::new(&settings, &[]).unwrap();
    (Starter::new(settings, image, Spawner::new().unwrap()), plan)
}

fn message(settings: Settings) -> String {
    let image = Image::new(&settings).unwrap();
    let (mut starter, plan) = starter(settings, image);
    match starter.start(&plan, soon(), &mut Graveyard::default()).unwrap_err() {
        Trouble::NotStarted { message } => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_carried_probe_runs_from_memory_and_from_a_file_without_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let image = [Image::new(&Settings::default()).unwrap(), Image::in_folder(folder.path()).unwrap()];
    assert_eq!(image[0].origin, Origin::Memory);
    assert_eq!(image[1].origin, Origin::Folder(folder.path().to_owned()));
    for image in image {
        let (mut starter, plan) = starter(Settings::default(), image);
        let mut graveyard = Graveyard::default();
        let session = starter.start(&plan, soon(), &mut graveyard).unwrap();
        assert!(session.hello.libc.starts_with("glibc 2."), "{:?}", session.hello);
        graveyard.kill(session.into_child(), None);
    }
}

#[test]
fn memory_that_is_not_to_be_run_from_is_left_for_the_folder() {
    // A file that may not be executed: what exec says of it is what it says of memory under a security module.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("probe");
    std::fs::write(&file, "").unwrap();
    let mut image = Image::new(&Settings { program: Program::File(file), ..Settings::default() }).unwrap();
    image.origin = Origin::Memory;
    let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
    let (mut starter, plan) = starter(settings, image);
    let mut graveyard = Graveyard::default();
    let session = starter.start(&plan, soon(), &mut graveyard).unwrap();
    assert_eq!(starter.image.origin, Origin::Folder(folder.path().to_owned()));
    graveyard.kill(session.into_child(), None);
}

#[test]
fn a_root_without_a_loader_and_one_that_is_not_there_are_told() {
    let folder = tempfile::tempdir().unwrap();
    // Who is not root may not change its root, and is told that.
    let root = nix::unistd::geteuid().is_root();
    let reason =
        if root { "No such file or directory (os error 2) (no such root" } else { "Operation not permitted" };
    for root in [folder.path(), "/nowhere".as_ref()] {
        let message = message(Settings { root: Some(root.to_owned()), ..Settings::default() });
        let expected = format!("starting it in {}: {reason}", root.display());
        // The folder that is not there is missed before the privilege is.
        assert!(message.starts_with(&expected) || message.contains("No such file"), "{message}");
    }
    let settings = Settings { root: Some("/".into()), ..Settings::default() };
    let image = Image::new(&settings).unwrap();
    let (mut starter, plan) = starter(settings, image);
    let mut graveyard = Graveyard::default();
    match starter.start(&plan, soon(), &mut graveyard) {
        Ok(session) => graveyard.kill(session.into_child(), None),
        Err(trouble) => assert!(!root && trouble.to_string().contains("not permitted"), "{trouble}"),
    }
}

#[test]
fn a_zero_byte_is_refused_before_anything_is_started() {
    let settings = Settings { arguments: vec!["a\0b".into()], ..Settings::default() };
    assert_eq!(Plan::new(&settings, &[]).unwrap_err().to_string(), "an argument contains a zero byte");
}
