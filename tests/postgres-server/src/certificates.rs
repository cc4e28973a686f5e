//! Certificates for a server that speaks TLS, made anew for each.

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa};
use rcgen::{KeyPair, KeyUsagePurpose, date_time_ymd};
use std::fs;
use std::path::{Path, PathBuf};

use crate::programs::hand_over;

/// The role that logs in with the client certificate, and only with it: a superuser.
pub const CERTIFIED: &str = "certified";

/// Files, in PEM, that a client names to speak TLS with a server.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The root that has signed the server's certificate, which is for `localhost` and not for `127.0.0.1`.
    pub root: PathBuf,
    /// A root that has signed nothing here.
    pub other_root: PathBuf,
    /// The server's certificate, which a test may put something else into: the server reads it again when it is told to.
    pub server_certificate: PathBuf,
    /// One for the server's key that has expired.
    pub expired_certificate: PathBuf,
    /// The certificate of the role [`CERTIFIED`].
    pub client_certificate: PathBuf,
    /// Its key.
    pub client_key: PathBuf,
    server_key: PathBuf,
}

impl Certificates {
    pub(crate) fn create(folder: &Path) -> Result<Certificates> {
        let folder = folder.join("certificates");
        fs::create_dir(&folder).context("the folder of the certificates cannot be made")?;
        hand_over(&folder)?;
        let path = |name: &str| folder.join(name);
        let made = Certificates {
            root: path("root.crt"),
            other_root: path("other-root.crt"),
            client_certificate: path("client.crt"),
            client_key: path("client.key"),
            server_certificate: path("server.crt"),
            expired_certificate: path("expired.crt"),
            server_key: path("server.key"),
        };
        let root = authority("root")?;
        fs::write(&made.root, root.pem())?;
        fs::write(&made.other_root, authority("other root")?.pem())?;

        let mut server = CertificateParams::new(vec!["localhost".to_owned()])?;
        server.distinguished_name.push(DnType::CommonName, "localhost");
        server.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        let mut expired = server.clone();
        expired.not_before = date_time_ymd(2000, 1, 1);
        expired.not_after = date_time_ymd(2001, 1, 1);
        let pair = sign(server, &root, &made.server_certificate, &made.server_key)?;
        fs::write(&made.expired_certificate, expired.signed_by(&pair, &root)?.pem())?;
        // PostgreSQL reads a key of its own user, libpq one of ours.
        hand_over(&made.server_key)?;

        let mut client = CertificateParams::new(Vec::new())?;
        client.distinguished_name.push(DnType::CommonName, CERTIFIED);
        client.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        sign(client, &root, &made.client_certificate, &made.client_key)?;
        Ok(made)
    }

    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let path = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
        vec![
            ("ssl".to_owned(), "on".to_owned()),
            path("ssl_ca_file", &self.root),
            path("ssl_cert_file", &self.server_certificate),
            path("ssl_key_file", &self.server_key),
        ]
    }
}

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn sign(
    params: CertificateParams,
    root: &CertifiedIssuer<'static, KeyPair>,
    certificate: &Path,
    key: &Path,
) -> Result<KeyPair> {
    let pair = KeyPair::generate()?;
    fs::write(certificate, params.signed_by(&pair, root)?.pem())?;
    fs::write(key, pair.serialize_pem())?;
    // Both sides refuse a key that others can read.
    #[cfg(unix)]
    fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(pair)
}
