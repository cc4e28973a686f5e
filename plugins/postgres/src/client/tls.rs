//! TLS by rustls: what is checked of the server, and what it is shown of us.

use dstream_sdk::{Error, Result};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use super::settings::{Host, Settings, SslMode};

/// Speaks TLS on a connection that is open; `goes_on` is asked while it waits.
///
/// # Errors
/// `Denied`: the server's certificate is not good. `Config`: a file of ours cannot be used. `Unavailable`: the server
/// is gone.
pub(super) fn shake_hands(
    settings: &Settings,
    mut stream: TcpStream,
    goes_on: impl Fn(()) -> Result<()>,
) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = match &settings.host {
        Host::Tcp(name) => name.trim_start_matches('[').trim_end_matches(']').to_owned(),
        Host::Unix(_) => "localhost".to_owned(),
    };
    let server = ServerName::try_from(name.clone())
        .map_err(|_| Error::config(format!("`{name}` is no name that a certificate can be for")))?;
    let mut connection = ClientConnection::new(Arc::new(config(settings)?), server)
        .map_err(|error| Error::config(format!("TLS cannot be used: {error}")))?;
    while connection.is_handshaking() {
        match connection.complete_io(&mut stream) {
            Ok(_) => {}
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(refused(settings, &error)),
        }
        goes_on(())?;
    }
    Ok(StreamOwned::new(connection, stream))
}

fn refused(settings: &Settings, error: &std::io::Error) -> Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => Error::denied(format!(
            "the certificate of the server of {} is not good: {}",
            settings.place(),
            reason(why)
        ))
        .hint(
            "name the certificate of its authority with `\"tls\": {\"sslrootcert\": \"…\"}` under `options`",
        ),
        Some(other) => Error::denied(format!("TLS with the server of {} failed: {other}", settings.place())),
        None => Error::unavailable(format!("TLS with the server of {} failed: {error}", settings.place())),
    }
}

fn reason(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => "it is by an authority that is not trusted".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        other => other.to_string(),
    }
}

fn config(settings: &Settings) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let wrong = |error: rustls::Error| Error::config(format!("TLS cannot be used: {error}"));
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(wrong)?;
    let checks_issuer = match settings.sslmode {
        SslMode::Disable | SslMode::Prefer => false,
        // As libpq: a root certificate that is named is used.
        SslMode::Require => settings.sslrootcert.is_some(),
        SslMode::VerifyCa | SslMode::VerifyFull => true,
    };
    let issuer =
        match checks_issuer {
            true => {
                let roots = Arc::new(roots(settings.sslrootcert.as_deref())?);
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
                Some(verifier.map_err(|error| {
                    Error::config(format!("the root certificates cannot be used: {error}"))
                })?)
            }
            false => None,
        };
    let builder = match (settings.sslmode, issuer) {
        (SslMode::VerifyFull, Some(verifier)) => builder.with_webpki_verifier(verifier),
        (_, issuer) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Lenient { provider, issuer }))
        }
    };
    match (&settings.sslcert, &settings.sslkey) {
        (Some(certificate), Some(key)) => {
            let chain = read_certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| {
                Error::config(format!("the client's key `{}` cannot be read: {error}", key.display()))
            })?;
            builder.with_client_auth_cert(chain, key).map_err(wrong)
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err(Error::config("`sslcert` and `sslkey` belong together, and one of them is missing")),
    }
}

fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = |what: String| Error::config(format!("the certificate file `{}` {what}", file.display()));
    let read =
        CertificateDer::pem_file_iter(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let all = read.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(format!("is not PEM: {error}")))?;
    if all.is_empty() {
        return Err(wrong("holds no certificate".into()));
    }
    Ok(all)
}

fn roots(file: Option<&Path>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            let (good, _) = roots.add_parsable_certificates(read_certificates(file)?);
            if good == 0 {
                return Err(Error::config(format!("`{}` holds no root certificate", file.display())));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(Error::config("this system has no root certificates to check the server with")
                    .hint("name a file with `\"tls\": {\"sslrootcert\": \"…\"}` under `options`"));
            }
        }
    }
    Ok(roots)
}

/// Takes what `prefer`, `require` and `verify-ca` take: any certificate, or one for any host.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    /// `None`: whoever signed it.
    issuer: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(issuer) = &self.issuer else { return Ok(ServerCertVerified::assertion()) };
        match issuer.verify_server_cert(certificate, chain, server, ocsp, now) {
            // The name is looked at last: everything else is good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
