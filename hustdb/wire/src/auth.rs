//! Basic authentication: off unless a user and a password are both set.
//!
//! The scheme name counts in any case, the decoded credentials are split at the first colon, and both halves are
//! compared in constant time, both always.

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::StatusCode;
use subtle::ConstantTimeEq;

use crate::refusal::{Hint, Refusal};

/// The credentials a client must show, if any.
#[derive(Clone, Default)]
pub struct Auth(Option<(Vec<u8>, Vec<u8>)>);

impl Auth {
    /// Credentials; asking for none unless both are set.
    pub fn new(user: &str, password: &str) -> Auth {
        let both = !user.is_empty() && !password.is_empty();
        Auth(both.then(|| (user.into(), password.into())))
    }

    /// Whether credentials are asked for.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Checks the value of `Authorization`.
    pub fn check(&self, header: Option<&[u8]>, realm: &'static str) -> Result<(), Refusal> {
        let Some((user, password)) = &self.0 else { return Ok(()) };
        let refuse = |reason| {
            Refusal::new(StatusCode::UNAUTHORIZED, "auth", reason).hinting(Hint::Authenticate(realm))
        };
        let header = header.ok_or_else(|| refuse("credentials missing"))?;
        let shown = credentials(header).ok_or_else(|| refuse("no Basic credentials"))?;
        let colon = shown.iter().position(|byte| *byte == b':').unwrap_or(shown.len());
        let (shown_user, rest) = shown.split_at(colon);
        let shown_password = rest.strip_prefix(b":").unwrap_or_default();
        let equal = user.as_slice().ct_eq(shown_user) & password.as_slice().ct_eq(shown_password);
        if equal.into() { Ok(()) } else { Err(refuse("wrong user or password")) }
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Auth(on)" } else { "Auth(off)" })
    }
}

fn credentials(header: &[u8]) -> Option<Vec<u8>> {
    let (scheme, encoded) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    STANDARD.decode(encoded.trim_ascii()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(scheme: &str, credentials: &str) -> Vec<u8> {
        format!("{scheme} {}", STANDARD.encode(credentials)).into_bytes()
    }

    #[test]
    fn off_unless_both_are_set() {
        for auth in [Auth::new("", ""), Auth::new("user", ""), Auth::new("", "password")] {
            assert_eq!(auth.check(None, "hustdb"), Ok(()));
        }
    }

    #[test]
    fn lets_in_who_knows() {
        let auth = Auth::new("user", "pass:word");
        for scheme in ["Basic", "basic", "BASIC"] {
            assert_eq!(auth.check(Some(&basic(scheme, "user:pass:word")), "hustdb"), Ok(()));
        }
        let none = auth.check(None, "hustdb").unwrap_err();
        assert_eq!((none.status.as_u16(), none.hint), (401, Hint::Authenticate("hustdb")));
        for wrong in ["user:pass", "user", "user:", ":pass:word", "User:pass:word", "user:pass:word ", ""] {
            assert!(auth.check(Some(&basic("Basic", wrong)), "hustdb").is_err(), "{wrong}");
        }
        for header in [&b"Bearer dXNlcjpwYXNzOndvcmQ="[..], b"Basic", b"Basic ", b"Basic !!!", b""] {
            assert!(auth.check(Some(header), "hustdb").is_err());
        }
    }
}
