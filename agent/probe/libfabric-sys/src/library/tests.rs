use super::*;

/// Debian's, which `tests/prerequisites.debian` names.
fn installed() -> Library {
    Library::open(OsStr::new("libfabric.so.1")).unwrap()
}

#[test]
fn the_installed_library_says_its_version_and_file() {
    let library = installed();
    assert!(library.version() >= (1, 9), "{:?}", library.version());
    let file = library.file().unwrap();
    assert!(file.to_string_lossy().contains("libfabric.so"), "{}", file.display());
    assert_eq!(library.message(-61), "No data available");
}

#[test]
fn an_empty_info_has_the_parts_that_hints_need() {
    let library = installed();
    // SAFETY: null is allowed, and the result is freed once.
    unsafe {
        let info = library.dup_info(ptr::null());
        assert!(
            !(*info).ep_attr.is_null() && !(*info).domain_attr.is_null() && !(*info).fabric_attr.is_null()
        );
        library.free_info(info);
        library.free_info(ptr::null_mut());
    }
}

#[test]
fn what_is_not_there_or_is_something_else_is_told() {
    let error = Library::open(OsStr::new("libfabric-of-nobody.so.1")).unwrap_err();
    assert!(
        error.to_string().contains("libfabric-of-nobody.so.1: cannot open shared object file"),
        "{error}"
    );
    let error = Library::open(OsStr::new("libc.so.6")).unwrap_err();
    assert_eq!(error.to_string(), "libc.so.6 has no fi_getinfo");
}
