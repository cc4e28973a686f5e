//! Makes the two sides of a world.

use anyhow::Result;
use dstream_postgres_server::Server;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

use crate::column::{CSV, Column, POSTGRES, POSTGRES_COMMON};
use crate::destination::{
    Destination, FilesDestination, Form, Place, PostgresDestination, SqliteDestination,
};
use crate::pair::{Pair, System};
use crate::random::Random;
use crate::servers::Servers;
use crate::source::{CsvSource, ParquetSource, PostgresSource, Source, SqliteSource};
use crate::stream::{Kind, Stream};
use crate::world::Plan;

/// Both sides, and the servers that they are on.
pub(crate) struct Sides {
    pub(crate) source: Box<dyn Source>,
    pub(crate) destination: Box<dyn Destination>,
    /// Each one once.
    pub(crate) servers: Vec<Arc<Server>>,
}

/// Makes them in `folder`, which has the folders `files` and `out`.
///
/// # Errors
/// One of them cannot be made.
pub(crate) fn sides(
    pair: Pair,
    plan: Plan,
    folder: &Path,
    servers: &mut Servers,
    random: &mut Random,
) -> Result<Sides> {
    let mut used = Vec::new();
    let source: Box<dyn Source> = match pair.source() {
        System::Sqlite => Box::new(SqliteSource::new(&folder.join("files/in.db"), random)?),
        System::Postgres => {
            let server = servers.get(0)?;
            let options = match random.percent(70) {
                true => json!({"partitions": random.between(2, 4)}),
                false => json!({}),
            };
            let source = PostgresSource::new(server.database("source")?, postgres_columns(pair), options)?;
            used.push(server);
            Box::new(source)
        }
        System::Parquet => Box::new(ParquetSource::new(&folder.join("files"), plan == Plan::ByStream)),
        System::Csv | System::Jsonl | System::S3 => {
            let columns = csv_columns(pair);
            Box::new(CsvSource::new(&folder.join("files"), columns, plan == Plan::ByStream, random))
        }
    };
    let destination: Box<dyn Destination> = match pair.destination() {
        System::Postgres => {
            // Two servers go down one at a time: the other side is there and waits.
            let number = usize::from(!used.is_empty() && random.percent(50));
            let server = servers.get(number)?;
            let destination = PostgresDestination::new(server.database("target")?);
            if used.is_empty() || number > 0 {
                used.push(server);
            }
            Box::new(destination)
        }
        System::Parquet => Box::new(FilesDestination::new(lake(folder), Form::Parquet)),
        System::Jsonl => Box::new(FilesDestination::new(lake(folder), Form::Jsonl)),
        System::S3 => {
            let (server, prefix) = servers.objects()?;
            Box::new(FilesDestination::new(Place::Bucket(server, prefix), Form::Parquet))
        }
        System::Sqlite | System::Csv => Box::new(SqliteDestination::new(&folder.join("out"))),
    };
    Ok(Sides { source, destination, servers: used })
}

fn lake(folder: &Path) -> Place {
    Place::Folder(folder.join("lake"))
}

/// PostgreSQL has no nanoseconds.
fn csv_columns(pair: Pair) -> &'static [Column] {
    match pair.destination() {
        System::Postgres => &CSV[..CSV.len() - 2],
        _ => &CSV,
    }
}

fn postgres_columns(pair: Pair) -> &'static [Column] {
    match pair.destination() {
        System::Postgres => &POSTGRES,
        _ => &POSTGRES[..POSTGRES_COMMON],
    }
}

/// The streams of a world.
pub(crate) fn streams(plan: Plan, seed: u64) -> Vec<Stream> {
    use Kind::{Appended, Keyed, Replaced};
    const STAMP: Option<&str> = Some(crate::source::STAMP);
    let kinds: &[(&'static str, Kind, Option<&'static str>)] = match plan {
        Plan::ByStream => &[
            ("events", Appended, STAMP),
            ("clicks", Appended, Some("id")),
            ("items", Keyed, STAMP),
            ("prices", Replaced, None),
        ],
        Plan::Append => {
            &[("events", Appended, STAMP), ("clicks", Appended, Some("id")), ("logs", Appended, STAMP)]
        }
    };
    let numbered = kinds.iter().zip(1u64..);
    numbered.map(|((name, kind, key), number)| Stream::new(name, *kind, *key, seed, number)).collect()
}
