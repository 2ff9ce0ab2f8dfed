//! Whether a pool encrypts, and whom it believes.
//!
//! One file of authorities decides for all hosts of a pool: with it every connection is TLS, and a host must show a
//! certificate for the name or address it is called by; there is no way to skip that. Authorities that cannot be read
//! fail every call: nothing is sent in the clear that was meant to be encrypted.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, DnsName, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::socket::Socket;
use crate::{
    config::Invalid,
    host::{Host, Place},
};

/// How a pool's connections are made.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// Without encryption.
    #[default]
    Plain,
    /// HTTPS.
    Authorities(Arc<ClientConfig>),
    /// Not at all, for this reason.
    Broken(Invalid),
}

impl Trust {
    /// Trust in the authorities of the PEM file that `key` of the configuration names; plain if it names none.
    pub fn read(key: &str, file: &str) -> Result<Trust, Invalid> {
        if file.is_empty() {
            return Ok(Trust::Plain);
        }
        let wrong = |cause: String| Invalid::new(format!("{key}: {file}: {cause}"));
        let mut roots = RootCertStore::empty();
        let read = CertificateDer::pem_file_iter(file).map_err(|cause| wrong(cause.to_string()))?;
        for authority in read {
            let authority = authority.map_err(|cause| wrong(cause.to_string()))?;
            roots.add(authority).map_err(|cause| wrong(cause.to_string()))?;
        }
        if roots.is_empty() {
            return Err(wrong("no certificate".into()));
        }
        let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|cause| wrong(cause.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Trust::Authorities(Arc::new(tls)))
    }

    /// The connection of a fresh socket to `host`, or why the host is not believed.
    pub(super) async fn secure(&self, host: &Host, socket: TcpStream) -> Result<Socket, String> {
        let tls = match self {
            Trust::Plain => return Ok(Socket::Plain(socket)),
            Trust::Authorities(tls) => tls.clone(),
            Trust::Broken(invalid) => return Err(invalid.to_string()),
        };
        let name = match host.place() {
            Place::Address(address) => ServerName::from(*address),
            Place::Name(name) => {
                DnsName::try_from(name.to_string()).map_err(|cause| cause.to_string())?.into()
            }
        };
        let stream =
            TlsConnector::from(tls).connect(name, socket).await.map_err(|cause| cause.to_string())?;
        Ok(Socket::Tls(Box::new(stream)))
    }
}
