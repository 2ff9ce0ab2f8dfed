//! HTTPS where `server.tls_cert` and `server.tls_key` are set.
//!
//! The certificate in force is exchanged as a whole, for handshakes that begin from then on: a chain and a key that do
//! not belong together never get that far.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig as TlsConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

use crate::config::{Invalid, ServerConfig};

/// The certificate in force.
#[derive(Debug)]
pub struct Certificate(ArcSwap<CertifiedKey>);

impl Certificate {
    /// Puts another one in force.
    pub fn set(&self, pair: CertifiedKey) {
        self.0.store(Arc::new(pair));
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// The certificate with its key as the configured files have them, if TLS is on.
pub fn read(config: &ServerConfig) -> Result<Option<CertifiedKey>, Invalid> {
    let (cert, key) = (&config.tls_cert, &config.tls_key);
    match (cert.is_empty(), key.is_empty()) {
        (true, true) => return Ok(None),
        (false, false) => {}
        _ => return Err(Invalid::new("server.tls_cert: set together with server.tls_key, or neither")),
    }
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| Invalid::new(format!("server.tls_cert: {cert}: {cause}")))?;
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|cause| Invalid::new(format!("server.tls_key: {key}: {cause}")))?;
    let pair = CertifiedKey::from_der(chain, secret, &ring::default_provider())
        .map_err(|cause| Invalid::new(format!("server.tls_cert: {cert}: {cause}")))?;
    Ok(Some(pair))
}

/// An acceptor that shows `pair` until [`Certificate::set`] says otherwise.
pub fn acceptor(pair: CertifiedKey) -> Result<(TlsAcceptor, Arc<Certificate>), Invalid> {
    let certificate = Arc::new(Certificate(ArcSwap::from_pointee(pair)));
    let mut tls = TlsConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|cause| Invalid::new(format!("server.tls_cert: {cause}")))?
        .with_no_client_auth()
        .with_cert_resolver(certificate.clone());
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(tls)), certificate))
}
