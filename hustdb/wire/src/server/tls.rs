//! HTTPS where `server.tls_cert` and `server.tls_key` are set.

use std::sync::Arc;

use rustls::{
    ServerConfig as TlsConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use crate::config::{Invalid, ServerConfig};

/// The acceptor, if TLS is on.
pub fn acceptor(config: &ServerConfig) -> Result<Option<TlsAcceptor>, Invalid> {
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
    let mut tls = TlsConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|cause| Invalid::new(format!("server.tls_cert: {cert}: {cause}")))?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(tls))))
}
