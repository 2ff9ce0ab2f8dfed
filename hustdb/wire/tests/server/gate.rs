//! Who is let in, in which order, and the server's own paths.

use hust_wire::config::{SecurityConfig, ServerConfig};

use crate::support::{Server, config, loopback};

fn secured() -> SecurityConfig {
    SecurityConfig { user: "user".into(), password: "pass".into(), access_allow: vec![] }
}

#[test]
fn auth_comes_before_the_path_and_not_for_our_own() {
    let server = Server::with(&config(), &secured());
    let mut client = server.connect();
    for target in ["/get?key=v", "/none"] {
        let reply = client.get(target);
        assert_eq!((reply.status, reply.text()), (401, "auth: credentials missing\n"));
        assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"testdb\""));
        assert_eq!(reply.header("version"), None);
    }
    assert_eq!(client.ask("DELETE /get HTTP/1.1\r\n\r\n").status, 401);
    let with = |path: &str, credentials: &str| {
        format!("GET {path} HTTP/1.1\r\nauthorization: basic {credentials}\r\n\r\n")
    };
    assert_eq!(client.ask(with("/get?key=v", "dXNlcjpwYXNz")).text(), "v");
    assert_eq!(client.ask(with("/none", "dXNlcjpwYXNz")).status, 404);
    assert_eq!(client.ask(with("/get?key=v", "dXNlcjpwYXNzeg==")).text(), "auth: wrong user or password\n");
    assert_eq!(client.get("/status.html").text(), "ok\n");
    assert_eq!(client.get("/version").text(), "testdb 1.2.3\n");
    let metrics = client.get("/metrics");
    assert!(
        metrics.text().contains("hust_errors_total{command=\"other\",status=\"401\"}"),
        "{}",
        metrics.text()
    );
    assert!(metrics.text().ends_with("own_metric 1\n# EOF\n"), "{}", metrics.text());
}

#[test]
fn our_own_paths_have_methods_too() {
    let server = Server::start();
    let mut client = server.connect();
    assert_eq!(client.ask("DELETE /status.html HTTP/1.1\r\n\r\n").text(), "ok\n");
    assert_eq!(client.ask("POST /version HTTP/1.1\r\n\r\n").header("allow"), Some("GET, HEAD"));
    for target in ["/", "/get/", "/GET", "*", "/status.html/"] {
        assert_eq!(client.get(target).status, 404, "{target}");
    }
}

#[test]
fn a_peer_not_in_the_list_gets_403_and_is_closed() {
    let listed = |last| SecurityConfig { access_allow: vec![loopback(last).to_string()], ..secured() };
    let server = Server::with(&config(), &listed(9));
    for path in ["/get", "/none", "/status.html"] {
        let got = server.whole(format!("PUT {path} HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"));
        assert!(got.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{got}");
        assert!(
            got.contains("connection: close\r\n") && got.ends_with("peer: not in the access list\n"),
            "{got}"
        );
    }
    let mut wrong = listed(1);
    wrong.access_allow.push("nonsense".into());
    let line = server.control.reload(&config(), &wrong).unwrap_err().to_string();
    assert_eq!(line, "security.access_allow: \"nonsense\" is no address, a-b range or CIDR block");
    assert!(server.whole("GET /get HTTP/1.0\r\n\r\n").contains(" 403 "), "a wrong list changes nothing");
    server.control.reload(&config(), &listed(1)).unwrap();
    let mut client = server.connect();
    assert_eq!(client.get("/status.html").text(), "ok\n");
    server.control.reload(&config(), &listed(9)).unwrap();
    assert_eq!(client.get("/status.html").status, 200, "for connections accepted from then on");
    assert!(server.whole("GET /get HTTP/1.0\r\n\r\n").contains(" 403 "));
}

#[test]
fn not_ready_is_503_except_for_wrong_paths_and_methods() {
    let server = Server::starting(&config(), &SecurityConfig::default());
    let mut client = server.connect();
    assert_eq!(client.get("/status.html").text(), "status: starting\n");
    let reply = client.get("/get?key=v");
    // `Retry-After` would tell a proxy not to ask the other master.
    assert_eq!((reply.status, reply.header("retry-after")), (503, None));
    assert_eq!((client.get("/none").status, client.ask("PUT /get HTTP/1.1\r\n\r\n").status), (404, 405));
    server.control.ready();
    assert_eq!(client.get("/get?key=v").text(), "v");
}

#[test]
fn too_many_connections_are_told_so() {
    let server = Server::with(&ServerConfig { max_connections: 2, ..config() }, &SecurityConfig::default());
    let (mut first, mut second) = (server.connect(), server.connect());
    assert_eq!((first.get("/get").status, second.get("/get").status), (200, 200));
    let got = server.whole("GET /get HTTP/1.1\r\n\r\n");
    assert!(got.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{got}");
    assert!(got.ends_with("server: too many connections\n"), "{got}");
    assert_eq!(first.get("/get").status, 200, "those inside stay");
    drop(second);
    let again = || server.whole("GET /get HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 200");
    while !again() {
        std::thread::yield_now();
    }
}
