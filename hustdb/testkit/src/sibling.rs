//! Finds, or builds, a program of this workspace other than the one a test belongs to.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

static BUILT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The program `name` beside `program`, up to date: built with the same profile, once a test process.
pub fn sibling(program: &str, name: &str) -> io::Result<PathBuf> {
    let folder = Path::new(program).parent().ok_or(io::ErrorKind::NotFound)?;
    let path = folder.join(name);
    let mut built = BUILT.lock().map_err(|_| io::Error::other("building a program failed before"))?;
    if built.contains(&path) {
        return Ok(path);
    }
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    };
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "--package", name, "--bin", name, "--profile", profile]);
    // Of the package under test. Build scripts look at them: dependencies would be built anew for each package.
    for (variable, _) in env::vars_os() {
        if [b"CARGO_PKG_".as_slice(), b"CARGO_MANIFEST_"]
            .iter()
            .any(|own| variable.as_encoded_bytes().starts_with(own))
        {
            command.env_remove(variable);
        }
    }
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let status = command.arg("--manifest-path").arg(manifest).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("building {name}: {status}")));
    }
    built.push(path.clone());
    Ok(path)
}
