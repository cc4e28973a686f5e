//! Files → files and SQLite.

use anyhow::Result;

use super::read::in_lake;
use crate::data::LINEITEM_FACTS;
use crate::dstreams::{Dstreams, LAKE, LEVEL, ROW_GROUP_ROWS};
use crate::workload::{Check, Contender, Goal, Role, Workload};
use crate::world::World;

const OURS: &str = "dstreams";
const DUCKDB: &str = "duckdb";
const POLARS: &str = "polars, streaming";
const ADBC: &str = "pyarrow + ADBC";
/// What a run may hold in memory.
const PEAK: f64 = 400.0;

/// What `dstreams` does with both cores, and with one.
fn ours(command: String, check: impl Fn() -> Check) -> [Contender; 2] {
    let alone = format!("taskset -c 0 {command}");
    [
        Contender::new(OURS, Role::Dstreams, command, check()),
        Contender::new("dstreams, on one core", Role::Part, alone, check()),
    ]
}

fn peer(name: &'static str, command: String, check: Check) -> Contender {
    Contender::new(name, Role::Peer, command, check)
}

fn query(statement: &str) -> String {
    format!("python query.py \"{statement}\"")
}

fn polars(statement: &str) -> String {
    format!("python -c \"import polars as pl; {statement}\"")
}

/// Rows and sums of a file that a peer wrote.
fn in_file(world: &World, name: &str) -> Check {
    Check::Files(format!("SELECT {LINEITEM_FACTS} FROM '{name}'"), world.data.lineitem.clone())
}

/// How DuckDB writes Parquet.
fn duckdb_parquet() -> String {
    format!("(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {LEVEL}, ROW_GROUP_SIZE {ROW_GROUP_ROWS})")
}

/// How Polars writes Parquet.
fn polars_parquet() -> String {
    format!(
        "sink_parquet('out.parquet', compression='zstd', compression_level={LEVEL}, row_group_size={ROW_GROUP_ROWS})"
    )
}

pub(crate) fn csv_to_parquet(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let csv = &world.data.lineitem_csv;
    dstreams.catalog(world, "csv.json", "csv-catalog.json", "lineitem", &[])?;
    let sync = Dstreams::sync("csv.json", "lake.json", "csv-catalog.json");
    let scan = format!("pl.scan_csv('{csv}', try_parse_dates=True)");
    let contenders = to_parquet(world, sync, &scan, &format!("read_csv('{csv}')"));
    Ok(text_to_parquet(world, 6, "CSV → Parquet", contenders, POLARS))
}

pub(crate) fn jsonl_to_parquet(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let jsonl = &world.data.lineitem_jsonl;
    dstreams.catalog(world, "jsonl.json", "jsonl-catalog.json", "lineitem", &[])?;
    let sync = Dstreams::sync("jsonl.json", "lake.json", "jsonl-catalog.json");
    let scan = format!("pl.scan_ndjson('{jsonl}')");
    let contenders = to_parquet(world, sync, &scan, &format!("read_json('{jsonl}')"));
    Ok(text_to_parquet(world, 7, "JSON lines → Parquet", contenders, DUCKDB))
}

/// All who write Parquet: `scan` is what Polars reads, `source` what DuckDB does.
fn to_parquet(world: &World, sync: String, scan: &str, source: &str) -> Vec<Contender> {
    let mut contenders = Vec::from(ours(sync, || in_lake(world)));
    let copy = format!("COPY (FROM {source}) TO 'out.parquet' {}", duckdb_parquet());
    contenders.extend([
        peer(POLARS, polars(&format!("{scan}.{}", polars_parquet())), in_file(world, "out.parquet")),
        peer(DUCKDB, query(&copy), in_file(world, "out.parquet")),
    ]);
    contenders
}

fn text_to_parquet(
    world: &World,
    number: u8,
    title: &'static str,
    contenders: Vec<Contender>,
    against: &'static str,
) -> Workload {
    Workload {
        number,
        title,
        rows: world.data.lineitem_rows(),
        contenders,
        peak: PEAK,
        goals: vec![Goal { of: OURS, against, at_most: 0.9 }],
        notes: vec!["`dstreams` writes exact decimals; both peers take prices for floats".to_owned()],
    }
}

pub(crate) fn csv_to_sqlite(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let csv = &world.data.lineitem_csv;
    dstreams.catalog(world, "csv.json", "csv-catalog.json", "lineitem", &[])?;
    let check = || {
        let facts = "select count(*) || '|' || printf('%.2f', sum(l_quantity)) || '|' || sum(l_orderkey) from lineitem";
        Check::Sqlite(facts.to_owned(), world.data.lineitem_small())
    };
    let sync = Dstreams::sync("csv.json", "sqlite.json", "csv-catalog.json");
    let mut contenders = Vec::from(ours(sync, check));
    contenders.push(peer(ADBC, format!("python adbc.py '{csv}' out.db"), check()));
    Ok(Workload {
        number: 8,
        title: "CSV → SQLite",
        rows: world.data.lineitem_rows(),
        contenders,
        peak: PEAK,
        goals: vec![Goal { of: OURS, against: ADBC, at_most: 0.7 }],
        notes: Vec::new(),
    })
}

pub(crate) fn parquet_to_csv(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let parquet = &world.data.lineitem_parquet;
    dstreams.catalog(world, "parquet.json", "parquet-catalog.json", "lineitem", &[])?;
    let sync = Dstreams::sync("parquet.json", "lake-csv.json", "parquet-catalog.json");
    let mut contenders = Vec::from(ours(sync, || in_file(world, &format!("{LAKE}/lineitem/*.csv"))));
    contenders.extend([
        peer(
            DUCKDB,
            query(&format!("COPY (FROM '{parquet}') TO 'out.csv' (HEADER)")),
            in_file(world, "out.csv"),
        ),
        peer(
            POLARS,
            polars(&format!("pl.scan_parquet('{parquet}').sink_csv('out.csv')")),
            in_file(world, "out.csv"),
        ),
    ]);
    Ok(Workload {
        number: 9,
        title: "Parquet → CSV",
        rows: world.data.lineitem_rows(),
        contenders,
        peak: PEAK,
        goals: vec![
            Goal { of: OURS, against: DUCKDB, at_most: 1.0 },
            Goal { of: OURS, against: POLARS, at_most: 1.0 },
        ],
        notes: Vec::new(),
    })
}

pub(crate) fn parquet_read(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let (parquet, rows) = (&world.data.lineitem_parquet, world.data.lineitem_rows());
    dstreams.catalog(world, "parquet.json", "parquet-catalog.json", "lineitem", &[])?;
    let sync = Dstreams::sync("parquet.json", "blackhole.json", "parquet-catalog.json");
    let mut contenders = Vec::from(ours(sync, || Check::Committed(rows)));
    contenders.extend([
        // A batch is taken over as Arrow and dropped, as `blackhole` does it.
        peer(DUCKDB, format!("python drain.py duckdb '{parquet}'"), Check::Says(format!("{rows} rows"))),
        peer(POLARS, format!("python drain.py polars '{parquet}'"), Check::Says(format!("{rows} rows"))),
        peer("pyarrow", format!("python drain.py pyarrow '{parquet}'"), Check::Says(format!("{rows} rows"))),
    ]);
    Ok(Workload {
        number: 10,
        title: "Parquet, read and dropped",
        rows,
        contenders,
        peak: PEAK,
        goals: vec![
            Goal { of: OURS, against: DUCKDB, at_most: 1.0 },
            Goal { of: OURS, against: POLARS, at_most: 1.0 },
        ],
        notes: Vec::new(),
    })
}
