//! A server that speaks TLS, and whom it lets in.
#![cfg(feature = "tls")]

use dstream_postgres_server::{CERTIFIED, Options, Server, Tls};

const ENCRYPTED: &str = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";

/// What psql prints, or what it complains about.
fn ask(server: &Server, connection: &str) -> String {
    let address = server.address();
    let connection = format!("hostaddr=127.0.0.1 {connection}");
    let output = address
        .command("psql", "postgres")
        .args(["-XAtq", "-c", ENCRYPTED, &connection])
        .output()
        .expect("psql starts");
    String::from_utf8([output.stdout, output.stderr].concat()).expect("psql speaks UTF-8")
}

#[test]
fn a_client_that_trusts_the_root_finds_localhost_and_no_other_name() {
    let server = Server::start(&Options { tls: Tls::Offered, ..Options::default() }).unwrap();
    let certificates = server.certificates().unwrap();
    let root = format!("sslmode=verify-full sslrootcert={}", certificates.root.display());
    assert_eq!(ask(&server, &format!("host=localhost {root}")), "t\n");
    assert!(ask(&server, &format!("host=elsewhere {root}")).contains("does not match"));
    let other =
        format!("host=localhost sslmode=verify-full sslrootcert={}", certificates.other_root.display());
    assert!(ask(&server, &other).contains("certificate verify failed"));
    assert_eq!(ask(&server, "sslmode=disable"), "f\n");
}

#[test]
fn a_server_that_requires_tls_turns_others_away() {
    let server = Server::start(&Options { tls: Tls::Required, ..Options::default() }).unwrap();
    assert_eq!(ask(&server, "sslmode=require"), "t\n");
    assert!(ask(&server, "sslmode=disable").contains("no encryption"));
}

#[test]
fn the_client_certificate_lets_its_role_in() {
    let server = Server::start(&Options { tls: Tls::Required, ..Options::default() }).unwrap();
    let certificates = server.certificates().unwrap();
    let role = format!("sslmode=require user={CERTIFIED}");
    let with = format!(
        "{role} sslcert={} sslkey={}",
        certificates.client_certificate.display(),
        certificates.client_key.display()
    );
    assert_eq!(ask(&server, &with), "t\n");
    assert!(ask(&server, &role).contains("requires a valid client certificate"));
}

#[test]
fn a_server_without_tls_has_no_certificates() {
    let server = Server::start(&Options::default()).unwrap();
    assert!(server.certificates().is_none());
    assert!(ask(&server, "sslmode=require").contains("does not support SSL"));
}
