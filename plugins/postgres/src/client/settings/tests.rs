use super::*;
use serde_json::{Value, json};

fn read_with(connection: Value, auth: Value, tls: Value) -> Result<Settings> {
    let config = json!({"name": "n", "type": "postgres", "connection": connection, "auth": auth});
    let config = serde_json::from_value(config).unwrap();
    let tls: TlsOptions = serde_json::from_value(tls).unwrap();
    Settings::read(&config, &tls, &TimeoutOptions::default(), None)
}

fn read(connection: Value) -> Result<Settings> {
    read_with(connection, json!({"type": "basic", "username": "me", "password": "pw"}), json!({}))
}

#[test]
fn the_form_of_the_mission_is_read() {
    let settings = read(json!({"host": "localhost", "port": 5432, "database": "analytics"})).unwrap();
    assert_eq!(settings.host, Host::Tcp("localhost".into()));
    assert_eq!(
        (settings.port, settings.database.as_str(), settings.user.as_str()),
        (5432, "analytics", "me")
    );
    assert_eq!(settings.password.unwrap().expose(), "pw");
}

#[test]
fn a_url_is_read_with_its_escapes() {
    let url = "postgresql://m%40e:p%3Aw@[::1]:99/sh%20op?sslmode=require&connect_timeout=3";
    let settings = read_with(json!({"url": url}), Value::Null, json!({})).unwrap();
    assert_eq!(settings.host, Host::Tcp("[::1]".into()));
    assert_eq!((settings.port, settings.database.as_str(), settings.user.as_str()), (99, "sh op", "m@e"));
    assert_eq!(settings.password.unwrap().expose(), "p:w");
    assert_eq!((settings.sslmode, settings.connect_timeout), (SslMode::Require, Duration::from_secs(3)));
}

#[test]
fn the_server_is_verified_unless_it_is_on_this_machine() {
    let mode = |host: &str| read(json!({"host": host})).unwrap().sslmode;
    for host in ["db.example.com", "10.0.0.1", "localhost.example.com"] {
        assert_eq!(mode(host), SslMode::VerifyFull, "{host}");
    }
    for host in ["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]", "/var/run/postgresql"] {
        assert_eq!(mode(host), SslMode::Prefer, "{host}");
    }
    let tls = json!({"sslmode": "disable"});
    let auth = json!({"type": "basic", "username": "me", "password": "pw"});
    assert_eq!(read_with(json!({"host": "db"}), auth, tls).unwrap().sslmode, SslMode::Disable);
}

#[test]
fn what_cannot_be_meant_is_refused_and_no_password_is_shown() {
    for connection in [
        json!({"path": "x"}),
        json!({"port": 1}),
        json!({"url": "mysql://me:hunter2@h/d"}),
        json!({"url": "postgresql://me:hunter2@a,b/d"}),
        json!({"url": "postgresql://me:hunter2@h:x/d"}),
        json!({"url": "postgresql://me:hunter2@h/d?sslmode=maybe"}),
        json!({"url": "postgresql://me:hunter2@h/d?wrong=1"}),
    ] {
        let error = read(connection.clone()).unwrap_err();
        assert_eq!(error.kind(), dstream_sdk::ErrorKind::Config, "{connection}");
        assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
    }
}
