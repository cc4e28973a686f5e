//! Whether the database can be written to, without a trace.

use dstream_sdk::{Error, Result};

use super::control::has_schema;
use super::options::TargetSettings;
use crate::client::Client;

/// # Errors
/// `Denied`: tables may not be made, or the server takes no changes.
pub(super) fn check(client: &mut Client, settings: &TargetSettings) -> Result<()> {
    check_primary(client, settings)?;
    let user = &settings.server.user;
    let (sql, what) = match has_schema(client, settings)? {
        true => (
            "SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')
             FROM pg_catalog.pg_namespace n WHERE n.nspname = $1::text",
            format!("make tables in the schema `{}`", settings.schema),
        ),
        false => (
            "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AND $1::text IS NOT NULL",
            format!("make the schema `{}`", settings.schema),
        ),
    };
    if !client.query(sql, &[&settings.schema])?.first().is_some_and(|row| row.is_true(0)) {
        return Err(Error::denied(format!("the user `{user}` may not {what}"))
            .hint("an administrator has to grant it, or choose another schema with the option `schema`"));
    }
    Ok(())
}

/// # Errors
/// `Denied`: the server takes no changes.
pub(super) fn check_primary(client: &mut Client, settings: &TargetSettings) -> Result<()> {
    let sql =
        "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only') = 'on'";
    let rows = client.query(sql, &[])?;
    let is = |column| rows.first().is_some_and(|row| row.is_true(column));
    let why = match (is(0), is(1)) {
        (true, _) => "is a standby",
        (false, true) => "takes no changes from this user or database",
        (false, false) => return Ok(()),
    };
    Err(Error::denied(format!("the server of {} {why}", settings.server.place()))
        .hint("name the primary server, or have `default_transaction_read_only` turned off"))
}
