//! Certificates for tests of HTTPS, made by the openssl program.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// A certificate that is its own authority, for `localhost` and `127.0.0.1`, with its key: two PEM files.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes one whose files, in this folder, begin with `name`.
    pub fn make(folder: &Path, name: &str) -> io::Result<Certificate> {
        let cert = folder.join(format!("{name}.cert.pem"));
        let key = folder.join(format!("{name}.key.pem"));
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        command.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        command.args(["-addext", "basicConstraints=critical,CA:FALSE", "-days", "2", "-keyout"]);
        let made = command.arg(&key).arg("-out").arg(&cert).output()?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()));
        }
        Ok(Certificate { cert, key })
    }

    /// The `--set` assignments with which a program serves it.
    pub fn assignments(&self) -> [String; 2] {
        let set = |key: &str, file: &Path| format!("server.{key}={}", file.display());
        [set("tls_cert", &self.cert), set("tls_key", &self.key)]
    }

    /// Puts these files in the place of those of another.
    pub fn replace(&self, other: &Certificate) -> io::Result<()> {
        std::fs::copy(&self.cert, &other.cert)?;
        std::fs::copy(&self.key, &other.key).map(drop)
    }
}
