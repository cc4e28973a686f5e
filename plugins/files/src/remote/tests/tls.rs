//! Servers with certificates of their own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::sync::Arc;

use dstream_sdk::{ErrorKind, OpenTarget, Target, WriteMode};
use serde_json::json;

use super::relay::Relay;
use super::{Server, numbers, write};
use crate::target::ParquetTarget;
use crate::testing::context;

/// An authority as PEM, and a server of this machine that it knows.
fn certified() -> (String, Arc<ServerConfig>) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server =
        CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![server.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (authority.pem(), Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

#[test]
fn a_server_with_a_certificate_of_its_own_is_trusted_by_ca_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::s3();
    let (authority, config) = certified();
    let relay = Relay::with_tls(&server, config);
    let open = |ca: Option<&str>| {
        let mut config = server.config("parquet", "lake", json!({}));
        config.connection["endpoint"] = relay.endpoint.clone().into();
        config.connection["allow_http"] = false.into();
        if let Some(name) = ca {
            config.connection["ca"] = folder.path().join(name).to_str().unwrap().into();
        }
        ParquetTarget::open(context(), config)
    };
    fs::write(folder.path().join("ours.pem"), &authority).unwrap();
    fs::write(folder.path().join("other.pem"), certified().0).unwrap();
    fs::write(folder.path().join("none.pem"), "no certificate").unwrap();
    let target = open(Some("ours.pem")).unwrap();
    target.check().unwrap();
    write(&target, &numbers(0, 10), WriteMode::Append, 1).unwrap();
    for ca in [None, Some("other.pem")] {
        let error = open(ca).unwrap().check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(
            error.message().contains("certificate") && error.hint_text().unwrap().contains("`connection.ca`"),
            "{error}"
        );
    }
    for ca in ["none.pem", "nowhere.pem"] {
        let error = open(Some(ca)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.message().contains(ca), "{error}");
    }
}
