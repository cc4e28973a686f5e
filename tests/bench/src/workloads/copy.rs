//! PostgreSQL → PostgreSQL, a whole table.

use anyhow::Result;

use super::load::arrived;
use super::read::FULL;
use super::{NO_TAP, NO_TARGET};
use crate::dstreams::Dstreams;
use crate::workload::{Contender, Goal, Role, Workload};
use crate::world::{Sink, World};

const OURS: &str = "dstreams, rows alone";
const OURS_WITH_KEY: &str = "dstreams, table with primary key";
const DUMP: &str = "pg_dump --data-only | psql";
const DUMP_WITH_KEY: &str = "pg_dump | psql, table with primary key";

pub(crate) fn to_postgres(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let middle = world.middle_of_lineitem()?;
    let mut workload = Workload {
        number: 4,
        title: "PostgreSQL → PostgreSQL",
        rows: world.data.lineitem_rows(),
        contenders: Vec::new(),
        peak: 250.0,
        goals: Vec::new(),
        notes: Vec::new(),
    };
    if dstreams.tap && dstreams.target {
        dstreams.catalog(world, "source.json", "copy.json", "public.lineitem", FULL)?;
        workload.contenders.extend([
            Contender::new(
                OURS,
                Role::Dstreams,
                Dstreams::sync("source.json", "append.json", "copy.json"),
                arrived(world),
            )
            .into(Sink::Tables),
            Contender::new(
                OURS_WITH_KEY,
                Role::Dstreams,
                Dstreams::sync("source.json", "sink.json", "copy.json"),
                arrived(world),
            ),
        ]);
        workload.goals.extend([
            Goal { of: OURS, against: DUMP, at_most: 0.95 },
            Goal { of: OURS_WITH_KEY, against: DUMP_WITH_KEY, at_most: 0.95 },
        ]);
    } else {
        let missing = if dstreams.tap { NO_TARGET } else { NO_TAP };
        workload.notes.push(missing.into());
    }
    let out = |what: &str| format!("psql -XAtq -d source -c \"\\copy {what} to stdout (format binary)\"");
    let into = "psql -XAtq -d sink -c \"\\copy lineitem from stdin (format binary)\"";
    let half = |condition: &str| out(&format!("(select * from lineitem where ctid {condition} {middle})"));
    let typed = |name, role, command| Contender::new(name, role, command, arrived(world)).into(Sink::Tables);
    workload.contenders.extend([
        typed(
            DUMP,
            Role::Peer,
            "pg_dump -t lineitem --data-only source | psql -Xq -v ON_ERROR_STOP=1 -d sink".into(),
        ),
        Contender::new(
            DUMP_WITH_KEY,
            Role::Peer,
            "pg_dump -t lineitem source | psql -Xq -v ON_ERROR_STOP=1 -d sink".into(),
            arrived(world),
        ),
        typed("COPY BINARY | COPY BINARY", Role::Limit, format!("{} | {into}", out("lineitem"))),
        typed(
            "COPY BINARY | COPY BINARY, 2 × by ctid",
            Role::Limit,
            format!("({} | {into}) & ({} | {into}); wait", half("<"), half(">=")),
        ),
    ]);
    Ok(workload)
}
