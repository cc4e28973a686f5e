//! Files → PostgreSQL.

use anyhow::Result;

use super::NO_TARGET;
use crate::data::LINEITEM_FACTS;
use crate::dstreams::Dstreams;
use crate::workload::{Check, Contender, Goal, Role, Workload};
use crate::world::{Sink, World};

const DUCKDB: &str = "duckdb, INSERT … read_csv";
const DUCKDB_PARQUET: &str = "duckdb, INSERT … parquet";

pub(crate) fn from_csv(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let rows = world.data.lineitem_rows();
    let csv = &world.data.lineitem_csv;
    let mut workload = Workload {
        number: 2,
        title: "CSV → PostgreSQL",
        rows,
        contenders: Vec::new(),
        peak: 250.0,
        goals: Vec::new(),
        notes: Vec::new(),
    };
    dstreams.catalog(world, "csv.json", "csv-catalog.json", "lineitem", &[])?;
    if dstreams.target {
        workload.contenders.push(Contender::new(
            "dstreams",
            Role::Dstreams,
            Dstreams::sync("csv.json", "sink.json", "csv-catalog.json"),
            arrived(world),
        ));
        workload.goals.push(Goal { of: "dstreams", against: DUCKDB, at_most: 0.65 });
    } else {
        workload.notes.push(NO_TARGET.into());
    }
    workload.contenders.extend([
        Contender::new(
            "dstreams → blackhole",
            Role::Part,
            Dstreams::sync("csv.json", "blackhole.json", "csv-catalog.json"),
            Check::Committed(rows),
        ),
        Contender::new(
            DUCKDB,
            Role::Peer,
            format!("python query.py --postgres \"INSERT INTO sink.lineitem FROM read_csv('{csv}')\""),
            arrived(world),
        )
        .into(Sink::Tables),
        Contender::new(
            "psql \\copy csv",
            Role::Peer,
            format!("psql -XAt -d sink -c \"\\copy lineitem from '{csv}' csv header\""),
            arrived(world),
        )
        .into(Sink::Tables),
        binary(world)?,
    ]);
    Ok(workload)
}

pub(crate) fn from_parquet(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let parquet = &world.data.lineitem_parquet;
    dstreams.catalog(world, "parquet.json", "parquet-catalog.json", "lineitem", &[])?;
    Ok(Workload {
        number: 3,
        title: "Parquet → PostgreSQL",
        rows: world.data.lineitem_rows(),
        contenders: vec![
            Contender::new(
                "dstreams",
                Role::Dstreams,
                Dstreams::sync("parquet.json", "sink.json", "parquet-catalog.json"),
                arrived(world),
            ),
            Contender::new(
                DUCKDB_PARQUET,
                Role::Peer,
                format!("python query.py --postgres \"INSERT INTO sink.lineitem FROM '{parquet}'\""),
                arrived(world),
            )
            .into(Sink::Tables),
            binary(world)?,
        ],
        peak: 250.0,
        goals: vec![Goal { of: "dstreams", against: DUCKDB_PARQUET, at_most: 0.80 }],
        notes: Vec::new(),
    })
}

/// The rows in the server's own form, which it has to do least with.
fn binary(world: &World) -> Result<Contender> {
    let name = format!("{}/lineitem.bin", world.data.folder);
    let file = world.folder.join(&name);
    if !file.exists() {
        world.psql("source", &format!("\\copy lineitem to '{}' (format binary)\n", file.display()))?;
    }
    let command = format!("psql -XAt -d sink -c \"\\copy lineitem from '{name}' (format binary)\"");
    Ok(Contender::new("COPY BINARY from a file", Role::Limit, command, arrived(world)).into(Sink::Tables))
}

/// Every row, by count and sums.
pub(super) fn arrived(world: &World) -> Check {
    Check::Sink(format!("select {LINEITEM_FACTS} from lineitem"), world.data.lineitem.clone())
}
