//! The two-step form of set_table: an id that only the owner of the private key can read, then the table.

use std::fs;

use hust_testkit::{Reply, wait_until};
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey, pkcs8::EncodePublicKey, rand_core::OsRng};

use crate::{
    cluster::{LONG, at_rest},
    stub::Stubs,
};

/// A proxy and the key that reads its ids.
struct Keyed {
    stubs: Stubs,
    private: RsaPrivateKey,
    _folder: tempfile::TempDir,
}

impl Keyed {
    fn start(timeout_ms: u64) -> Keyed {
        let folder = tempfile::tempdir().unwrap();
        let private = RsaPrivateKey::new(&mut OsRng, 1024).unwrap();
        let pem = private.to_public_key().to_public_key_pem(Default::default()).unwrap();
        let path = folder.path().join("public.pem");
        #[expect(clippy::disallowed_methods, reason = "a file of the test")]
        fs::write(&path, pem).unwrap();
        let settings = [
            format!("set_table.public_pem={}", path.display()),
            format!("set_table.identifier_timeout_ms={timeout_ms}"),
        ];
        let stubs = Stubs::pair(&settings.each_ref().map(String::as_str));
        Keyed { stubs, private, _folder: folder }
    }

    fn post(&self, target: &str, body: &str) -> Reply {
        self.stubs.client().ask("POST", target, body)
    }

    fn id(&self) -> String {
        let reply = self.post("/set_table", "");
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/octet-stream")));
        let id = self.private.decrypt(Pkcs1v15Encrypt, &reply.body).unwrap();
        let id = String::from_utf8(id).unwrap();
        assert!(id.parse::<u128>().is_ok(), "{id}");
        id
    }

    fn second(&self, id: &str, table: &str) -> (u16, Option<String>, String) {
        let reply = self.post(&format!("/set_table?id={id}"), table);
        (reply.status, reply.header("errorcode").map(str::to_owned), reply.text())
    }

    fn table(&self) -> Reply {
        self.stubs.client().get("/get_table")
    }

    /// The same pair the other way round.
    fn fresh(&self) -> String {
        at_rest(&self.stubs.nodes[1].host(), &self.stubs.nodes[0].host())
    }
}

#[test]
fn an_id_installs_one_table() {
    let keyed = Keyed::start(60_000);
    let (id, fresh) = (keyed.id(), keyed.fresh());
    let done = keyed.post(&format!("/set_table?id={id}"), &fresh);
    assert_eq!((done.status, done.text().as_str(), done.header("drained")), (200, "", Some("true")));
    let now = keyed.table();
    assert_eq!((now.text(), now.header("etag")), (fresh.clone(), done.header("etag")));
    let unknown = (400, None, "id: unknown\n".to_owned());
    assert_eq!(keyed.second(&id, &fresh), unknown, "used");
    for wrong in ["1", "0", "-1", "%2B1", "x", "", "340282366920938463463374607431768211456"] {
        assert_eq!(keyed.second(wrong, &fresh), unknown, "{wrong}");
    }
    let simple = keyed.post("/set_table", &fresh);
    assert_eq!(simple.status, 403, "without credentials only with an id: {}", simple.text());
    assert!(simple.text().contains("security.user"), "{}", simple.text());
}

#[test]
fn a_refused_table_spends_its_id() {
    let keyed = Keyed::start(60_000);
    let before = keyed.table();
    let id = keyed.id();
    let (status, code, reason) = keyed.second(&id, "{\"table\":[]}");
    assert_eq!((status, code.as_deref()), (400, Some("3")));
    assert!(reason.starts_with("table: "), "{reason}");
    assert_eq!(keyed.second(&id, &keyed.fresh()), (400, None, "id: unknown\n".to_owned()));
    // What cannot be replaced: the copy of the old file is a folder with something in it.
    let kept = keyed.stubs.folder.path().join("table.json.bak/in_the_way");
    #[expect(clippy::disallowed_methods, reason = "a folder of the test")]
    fs::create_dir_all(kept).unwrap();
    let id = keyed.id();
    let (status, code, reason) = keyed.second(&id, &keyed.fresh());
    assert_eq!((status, code.as_deref()), (500, Some("2")), "{reason}");
    assert_eq!(keyed.second(&id, &keyed.fresh()).0, 400, "spent");
    assert_eq!(keyed.table(), before, "the old table stays in force");
    let file = fs::read_to_string(keyed.stubs.folder.path().join("table.json")).unwrap();
    assert_eq!(file, before.text());
}

#[test]
fn ids_expire_and_are_few() {
    let keyed = Keyed::start(1);
    let expired = || keyed.second(&keyed.id(), "no table") == (400, None, "id: expired\n".to_owned());
    assert!(wait_until(LONG, expired));
    let keyed = Keyed::start(60_000);
    let mut client = keyed.stubs.client();
    for _ in 0..128 {
        assert_eq!(client.ask("POST", "/set_table", "").status, 200);
    }
    let reply = client.ask("POST", "/set_table", "");
    assert_eq!((reply.status, reply.text().as_str()), (503, "id: too many pending\n"));
}

#[test]
fn without_a_key_there_are_no_ids() {
    let stubs = Stubs::pair(&[]);
    let reply = stubs.client().ask("POST", "/set_table", "");
    assert_eq!((reply.status, reply.text().as_str()), (503, "id: no public key\n"));
}
