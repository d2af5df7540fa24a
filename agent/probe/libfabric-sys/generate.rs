// The one bindgen call: the build script includes it, and so does the test that compares with src/bindings.rs.

/// Rust text of what this crate takes from libfabric's headers, or why it cannot be made here.
fn generate(folder: &std::path::Path, formatter: bindgen::Formatter) -> Result<String, String> {
    // libclang is loaded when it is asked for, so a machine without it can build, too.
    clang_sys::load()?;
    let version = "FI_(MAJOR|MINOR)_VERSION";
    let bits = "FI_(MSG|RMA|READ|WRITE|RECV|SEND|REMOTE_READ|REMOTE_WRITE|HMEM|MSG_PREFIX)";
    let functions = "fi_(getinfo|freeinfo|dupinfo|version|strerror)";
    let bindings = bindgen::Builder::default()
        .header(folder.join("wrapper.h").to_string_lossy())
        .rust_target(bindgen::RustTarget::stable(82, 0).map_err(|error| error.to_string())?)
        .allowlist_function(functions)
        .allowlist_type("fi_(info|provider|ep_type)")
        .allowlist_var(version)
        .allowlist_var(bits)
        .allowlist_var("FI_(ENODATA|ENOSYS|ENOMEM|EINVAL)")
        // What is only ever handed through.
        .opaque_type("fid_(fabric|domain)")
        .prepend_enum_name(false)
        .generate_comments(false)
        .disable_header_comment()
        .rustfmt_configuration_file(Some(folder.join("../../../.rustfmt.toml")))
        // After the file's name, which would ask for rustfmt.
        .formatter(formatter)
        .generate()
        .map_err(|error| error.to_string())?;
    Ok(bindings.to_string())
}
