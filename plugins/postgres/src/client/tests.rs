//! A session against the real server.

mod faults; // a network that breaks
mod logins; // who is let in, and what is checked of the server

use dstream_sdk::{ConnectorConfig, Context, Result};
use serde_json::{Value, json};
use std::sync::Arc;

use super::{Client, Settings, TimeoutOptions, TlsOptions};

/// A session with what the user would write.
fn connect(connection: Value, auth: Value, tls: Value, timeouts: Value) -> Result<Client> {
    let config = json!({"name": "test", "type": "postgres", "connection": connection, "auth": auth});
    let config: ConnectorConfig = serde_json::from_value(config).unwrap();
    let tls: TlsOptions = serde_json::from_value(tls).unwrap();
    let timeouts: TimeoutOptions = serde_json::from_value(timeouts).unwrap();
    let settings = Settings::read(&config, &tls, &timeouts, None)?;
    Client::connect(&Arc::new(settings), &Context::detached(Arc::default()))
}
