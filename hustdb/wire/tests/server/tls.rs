//! HTTPS, with certificates made by the openssl program: served, exchanged on reload, asked for by a pool.

use std::process::Command;

use hust_testkit::Certificate;
use hust_wire::{
    Host,
    client::{Call, Failure, Pool},
    config::{BackendConfig, ServerConfig},
    server::StartError,
};
use tokio::runtime::Runtime;

use crate::support::{Nothing, PROGRAM, Server, big, config};

fn serving(certificate: &Certificate) -> ServerConfig {
    let path = |file: &std::path::Path| file.to_str().unwrap().to_owned();
    ServerConfig { tls_cert: path(&certificate.cert), tls_key: path(&certificate.key), ..config() }
}

/// A pool that believes one certificate, with a runtime of its own.
struct Client(Runtime, Pool);

impl Client {
    fn of(certificate: &Certificate) -> Client {
        let tls_ca = certificate.cert.to_str().unwrap().to_owned();
        Client::new(&BackendConfig { tls_ca, connect_timeout_ms: 20_000, ..BackendConfig::default() })
    }

    fn new(config: &BackendConfig) -> Client {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Client(runtime, Pool::new(config))
    }

    fn get(&self, name: &str, server: &Server, key: &str) -> Result<String, Failure> {
        let host: Host = format!("{name}:{}", server.address.port()).parse().unwrap();
        let reply = self.0.block_on(self.1.call(&host, &Call::get(format!("/get?key={key}"))?))?;
        Ok(String::from_utf8_lossy(&reply.body).into_owned())
    }
}

#[test]
fn serves_https() {
    let dir = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(dir.path(), "a").unwrap();
    let tls = serving(&certificate);
    let server = Server::with(&tls, &Default::default());
    let url = format!("https://localhost:{}", server.address.port());
    let curl = |args: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-s", "--connect-to", "localhost::127.0.0.1:", "--cacert"]).arg(&certificate.cert);
        let out = command.args(args).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    assert_eq!(curl(&[&format!("{url}/get?key=safe"), &format!("{url}/get?key=again")]), "safeagain");
    let long = "l".repeat(1001);
    assert_eq!(curl(&["-X", "PUT", "-d", &long, &format!("{url}/put")]), "body: over 1000 bytes\n");
    assert_eq!(curl(&["-X", "PUT", "-d", "body", &format!("{url}/put")]), "body");
    let (get, much) = (format!("{url}/get?key=between"), format!("{url}/big"));
    let whole = String::from_utf8(big().into()).unwrap();
    assert!(curl(&[&get, &much, &get, &much, &get]) == format!("between{whole}between{whole}between"));
    let other = serving(&Certificate::make(dir.path(), "b").unwrap());
    let half = ServerConfig { tls_key: String::new(), ..tls.clone() };
    let missing = ServerConfig { tls_key: "/nonexistent/key.pem".into(), ..tls.clone() };
    let of_another = ServerConfig { tls_key: other.tls_key, ..tls };
    for wrong in [half, missing, of_another] {
        let error = hust_wire::server::start(PROGRAM, &wrong, &Default::default(), Nothing).unwrap_err();
        assert!(matches!(error, StartError::Config(_)), "{error}");
    }
}

#[test]
fn another_certificate_comes_with_a_reload_and_a_bad_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let made = |name| Certificate::make(dir.path(), name).unwrap();
    let (in_force, first, second) = (made("in_force"), made("first"), made("second"));
    first.replace(&in_force).unwrap();
    let config = serving(&in_force);
    let server = Server::with(&config, &Default::default());
    let reload = |config| server.control.reload(config, &Default::default());
    let (of_first, of_second) = (Client::of(&first), Client::of(&second));
    assert_eq!(of_first.get("127.0.0.1", &server, "a").unwrap(), "a");
    second.replace(&in_force).unwrap();
    assert!(of_second.get("127.0.0.1", &server, "b").unwrap_err().is_unreachable(), "not read again yet");
    reload(&config).unwrap();
    assert_eq!(of_second.get("127.0.0.1", &server, "b").unwrap(), "b");
    assert_eq!(of_first.get("127.0.0.1", &server, "a").unwrap(), "a", "on the connection it has");
    assert!(Client::of(&first).get("127.0.0.1", &server, "a").unwrap_err().is_unreachable());

    std::fs::copy(&first.key, &in_force.key).unwrap();
    assert!(reload(&config).unwrap_err().to_string().starts_with("server.tls_cert: "), "a key of another");
    std::fs::copy(&first.key, &in_force.cert).unwrap();
    assert!(reload(&config).unwrap_err().to_string().starts_with("server.tls_cert: "));
    std::fs::copy(&first.cert, &in_force.key).unwrap();
    assert!(reload(&config).unwrap_err().to_string().starts_with("server.tls_key: "));
    assert!(reload(&self::config()).unwrap_err().to_string().contains("only with a restart"));
    assert_eq!(Client::of(&second).get("127.0.0.1", &server, "b").unwrap(), "b");
}

#[test]
fn a_pool_believes_only_its_authorities_and_the_name_it_called() {
    let dir = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(dir.path(), "a").unwrap();
    let everywhere = ServerConfig { listen: "0.0.0.0:0".into(), ..serving(&certificate) };
    let server = Server::with(&everywhere, &Default::default());
    let client = Client::of(&certificate);
    assert_eq!(client.get("127.0.0.1", &server, "by+address").unwrap(), "by+address");
    assert_eq!(client.get("localhost", &server, "by+name").unwrap(), "by+name");
    let wrong = client.get("127.0.0.2", &server, "k").unwrap_err();
    assert!(wrong.is_unreachable() && wrong.cause().starts_with("tls 127.0.0.2:"), "{wrong}");
    let other = Client::of(&Certificate::make(dir.path(), "b").unwrap());
    let wrong = other.get("127.0.0.1", &server, "k").unwrap_err();
    assert!(wrong.is_unreachable() && wrong.cause().contains("certificate"), "{wrong}");
    let plain = Client::new(&BackendConfig::default());
    assert!(!plain.get("127.0.0.1", &server, "k").unwrap_err().is_unreachable(), "no HTTP comes back");
    let to_plain = Server::start();
    assert!(client.get("127.0.0.1", &to_plain, "k").unwrap_err().is_unreachable());
}

#[test]
fn a_pool_whose_authorities_cannot_be_read_sends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start();
    let no_certificate = Certificate::make(dir.path(), "a").unwrap().key;
    for file in [dir.path().join("none"), no_certificate] {
        let config = BackendConfig { tls_ca: file.to_str().unwrap().into(), ..BackendConfig::default() };
        assert!(config.trust().unwrap_err().to_string().starts_with("backend.tls_ca: "), "{file:?}");
        let failure = Client::new(&config).get("127.0.0.1", &server, "k").unwrap_err();
        assert!(failure.is_unreachable() && failure.cause().contains("backend.tls_ca"), "{failure}");
    }
}
