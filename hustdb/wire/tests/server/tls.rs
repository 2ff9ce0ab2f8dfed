//! HTTPS, with a certificate made by the openssl program.

use std::process::Command;

use hust_wire::{config::ServerConfig, server::StartError};

use crate::support::{Nothing, PROGRAM, Server, config};

#[test]
fn serves_https() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"];
    let made = Command::new("openssl").args(args).args(["-keyout", &key, "-out", &cert]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let tls = ServerConfig { tls_cert: cert.clone(), tls_key: key, ..config() };
    let server = Server::with(&tls, &Default::default());
    let url = format!("https://localhost:{}", server.address.port());
    let curl = |args: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-s", "--cacert", &cert, "--connect-to", "localhost::127.0.0.1:"]);
        let out = command.args(args).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    assert_eq!(curl(&[&format!("{url}/get?key=safe"), &format!("{url}/get?key=again")]), "safeagain");
    let long = "l".repeat(1001);
    assert_eq!(curl(&["-X", "PUT", "-d", &long, &format!("{url}/put")]), "body: over 1000 bytes\n");
    assert_eq!(curl(&["-X", "PUT", "-d", "body", &format!("{url}/put")]), "body");
    let half = ServerConfig { tls_key: String::new(), ..tls.clone() };
    let missing = ServerConfig { tls_key: path("none.pem"), ..tls };
    for wrong in [half, missing] {
        let error = hust_wire::server::start(PROGRAM, &wrong, &Default::default(), Nothing).unwrap_err();
        assert!(matches!(error, StartError::Config(_)), "{error}");
    }
}
