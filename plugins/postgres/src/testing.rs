//! For tests: tables of the real server, read and written without tap and target.

use arrow::array::RecordBatch;
use bytes::BytesMut;
use dstream_postgres_server::{Database, Server};
use dstream_sdk::{Context, Result};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

use crate::client::{Client, CopyState, Settings, TimeoutOptions, TlsOptions};
use crate::decode::Decoder;
use crate::encode::{END, Encoder, HEAD};
use crate::quote::quote;
use crate::types::{Fit, ReadColumn, SourceColumn, Types, declared_type, fit, read_column};

/// A database of its own, dropped at the end.
pub(crate) fn database(name: &str) -> Database {
    Server::shared().database(name)
}

pub(crate) fn settings(database: &Database) -> Arc<Settings> {
    let config = json!({"name": "test", "type": "postgres", "connection": {"url": database.url()}});
    let config = serde_json::from_value(config).unwrap();
    let settings = Settings::read(&config, &TlsOptions::default(), &TimeoutOptions::default(), None);
    Arc::new(settings.unwrap())
}

pub(crate) fn client(database: &Database) -> Client {
    Client::connect(&settings(database), &Context::detached(Arc::default())).unwrap()
}

const COLUMNS: &str = "SELECT attname, atttypid, atttypmod, attndims, attnotnull FROM pg_attribute \
                       WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum";

/// The columns of a table, and the types that they need.
pub(crate) fn columns(client: &mut Client, table: &str) -> (Vec<SourceColumn>, Types) {
    let rows = client.query(COLUMNS, &[&quote(table).unwrap()]).unwrap();
    let column = |row: &crate::client::Row| SourceColumn {
        name: row.text(0).into(),
        oid: row.number(1).unwrap(),
        modifier: row.number(2).unwrap(),
        dimensions: row.number(3).unwrap(),
        is_nullable: !row.is_true(4),
        comment: None,
        wanted: None,
    };
    let columns: Vec<SourceColumn> = rows.iter().map(column).collect();
    let types = Types::load(client, columns.iter().map(|column| column.oid)).unwrap();
    (columns, types)
}

/// Everything in a table.
pub(crate) fn read(client: &mut Client, table: &str, wanted: &[(&str, &str)]) -> Result<RecordBatch> {
    let (mut columns, types) = columns(client, table);
    for (name, wanted) in wanted {
        columns.iter_mut().find(|column| column.name == *name).unwrap().wanted = Some((*wanted).into());
    }
    let columns = columns.iter().map(|column| read_column(&types, column));
    let columns: Vec<ReadColumn> = columns.collect::<Result<_>>()?;
    let list: Vec<&str> = columns.iter().map(|column| column.expression.as_str()).collect();
    let sql = format!("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)", list.join(", "), quote(table)?);
    let mut decoder = Decoder::new(&columns);
    client.start_copy_out(&sql)?;
    while client.copy_rows(Duration::from_secs(60), |row| decoder.push(row).map(|()| false))?
        != CopyState::Done
    {}
    decoder.finish()
}

/// Makes a table for the batch and writes it there.
pub(crate) fn write_new(client: &mut Client, table: &str, batch: &RecordBatch) -> Result<u64> {
    let mut list = Vec::new();
    for field in batch.schema().fields() {
        let declared = declared_type(field, "public", client.version())?;
        let (sql, definitions) = (declared.sql, declared.definitions);
        for made in definitions {
            let known = "SELECT 1 FROM pg_type WHERE typname = $1 AND typnamespace = 'public'::regnamespace";
            if client.query(known, &[&made.name])?.is_empty() {
                client.run(&format!(
                    "CREATE {} public.{} {}",
                    made.keyword,
                    quote(&made.name)?,
                    made.body
                ))?;
            }
        }
        list.push(format!("{} {sql}", quote(field.name())?));
    }
    client.run(&format!("CREATE TABLE {} ({})", quote(table)?, list.join(", ")))?;
    write(client, table, batch)
}

/// Writes the batch into a table that is there, by way of one aside where a column needs it.
pub(crate) fn write(client: &mut Client, table: &str, batch: &RecordBatch) -> Result<u64> {
    let (columns, types) = columns(client, table);
    let mut fits = Vec::new();
    for field in batch.schema().fields() {
        let column = columns.iter().find(|column| column.name == *field.name()).unwrap();
        match fit(&types, field, column.oid, column.modifier)? {
            Fit::Fits(fit) => fits.push(fit),
            other => return Err(dstream_sdk::Error::schema(format!("`{}`: {other:?}", field.name()))),
        }
    }
    let stage = fits.iter().map(|fit| format!("{} {}", quote(&fit.name).unwrap(), fit.stage_type));
    let stage = stage.collect::<Vec<_>>().join(", ");
    client.run(&format!("DROP TABLE IF EXISTS pg_temp.stage; CREATE TEMP TABLE stage ({stage})"))?;
    let mut encoder = Encoder::new(&batch.schema(), &fits, false)?;
    client.start_copy_in("COPY pg_temp.stage FROM STDIN (FORMAT binary)")?;
    let mut out = BytesMut::from(HEAD);
    encoder.encode(batch, &mut out, |out| client.copy_send(out))?;
    out.extend_from_slice(END);
    client.copy_send(&mut out)?;
    let rows = client.finish_copy_in()?;
    let names: Vec<String> = fits.iter().map(|fit| quote(&fit.name).unwrap()).collect();
    let values = fits.iter().zip(&names);
    let values = values.map(|(fit, name)| fit.cast.as_deref().unwrap_or("{}").replace("{}", name));
    let values = values.collect::<Vec<_>>().join(", ");
    client.run(&format!(
        "INSERT INTO {} ({}) SELECT {values} FROM pg_temp.stage",
        quote(table)?,
        names.join(", ")
    ))?;
    Ok(rows)
}

/// The rows of a table as the server writes them.
pub(crate) fn text_of(database: &Database, table: &str) -> String {
    database.psql(&format!("SELECT t::text FROM {} t", quote(table).unwrap())).unwrap()
}
