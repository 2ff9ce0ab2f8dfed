//! Ids of the two-step form of set_table: random, encrypted for one who has the private key, valid once and not long.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use rsa::{
    Pkcs1v15Encrypt, RsaPublicKey,
    pkcs8::DecodePublicKey,
    rand_core::{OsRng, RngCore},
};
use tokio::time::Instant;

/// So many ids may be waiting to be used.
const PENDING_MAX: usize = 128;

/// The ids that have been given out.
#[derive(Debug)]
pub struct Ids {
    key: Option<RsaPublicKey>,
    timeout: Duration,
    pending: Mutex<HashMap<u128, Instant>>,
}

impl Ids {
    /// For the owner of a public key in PEM (SPKI); an empty text switches them off.
    pub fn new(pem: &str, timeout: Duration) -> Result<Ids, String> {
        let key = if pem.is_empty() {
            None
        } else {
            Some(RsaPublicKey::from_public_key_pem(pem).map_err(|error| error.to_string())?)
        };
        Ok(Ids { key, timeout, pending: Mutex::default() })
    }

    /// A new id, encrypted, valid from `now` on; else why there is none.
    pub fn issue(&self, now: Instant) -> Result<Vec<u8>, &'static str> {
        let key = self.key.as_ref().ok_or("no public key")?;
        let id = u128::from(OsRng.next_u64()) << 64 | u128::from(OsRng.next_u64());
        let encrypted = key.encrypt(&mut OsRng, Pkcs1v15Encrypt, id.to_string().as_bytes());
        let encrypted = encrypted.map_err(|_| "the key is too short")?;
        let mut pending = self.pending.lock();
        pending.retain(|_, until| now < *until);
        if pending.len() >= PENDING_MAX {
            return Err("too many pending");
        }
        pending.insert(id, now + self.timeout);
        Ok(encrypted)
    }

    /// Uses an id up; else why it is worth nothing at `now`.
    pub fn spend(&self, text: &[u8], now: Instant) -> Result<(), &'static str> {
        let digits = text.first().is_some_and(u8::is_ascii_digit);
        let id = std::str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse::<u128>().ok());
        match id.and_then(|id| self.pending.lock().remove(&id)) {
            Some(until) if now < until => Ok(()),
            Some(_) => Err("expired"),
            None => Err("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rsa::{RsaPrivateKey, pkcs8::EncodePublicKey};

    use super::*;

    #[test]
    fn ids_are_valid_once_and_not_long() {
        let private = RsaPrivateKey::new(&mut OsRng, 1024).unwrap();
        let pem = private.to_public_key().to_public_key_pem(Default::default()).unwrap();
        let ids = Ids::new(&pem, Duration::from_millis(100)).unwrap();
        let (now, late) = (Instant::now(), Instant::now() + Duration::from_millis(200));
        let issue = || private.decrypt(Pkcs1v15Encrypt, &ids.issue(now).unwrap()).unwrap();
        let id = issue();
        assert!(id.iter().all(u8::is_ascii_digit));
        assert_eq!(ids.spend(&id, now), Ok(()));
        assert_eq!(ids.spend(&id, now), Err("unknown"));
        assert_eq!(ids.spend(&issue(), now + Duration::from_millis(99)), Ok(()));
        assert_eq!(ids.spend(&issue(), now + Duration::from_millis(100)), Err("expired"));
        for wrong in [&b""[..], b"+1", b"-1", b"x", b"340282366920938463463374607431768211456", b"\xff"] {
            assert_eq!(ids.spend(wrong, now), Err("unknown"));
        }
        for _ in 0..PENDING_MAX {
            ids.issue(now).unwrap();
        }
        assert_eq!(ids.issue(now), Err("too many pending"));
        assert!(ids.issue(late).is_ok(), "expired ones make room");
    }

    #[test]
    fn without_a_key_there_are_none() {
        let ids = Ids::new("", Duration::from_secs(1)).unwrap();
        assert_eq!(ids.issue(Instant::now()), Err("no public key"));
        assert!(Ids::new("no key", Duration::from_secs(1)).is_err());
    }
}
