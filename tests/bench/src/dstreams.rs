//! `dstreams` as a contender: its configs, its catalogs, what it can do already.

use anyhow::{Context, Result, ensure};
use dstream_postgres_server::Address;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

use crate::shell::output;
use crate::world::World;

/// The folder that Parquet is written to.
pub(crate) const LAKE: &str = "lake";
/// Rows of a row group and level of zstd, the same for everybody.
pub(crate) const ROW_GROUP_ROWS: u32 = 262_144;
pub(crate) const LEVEL: u8 = 1;

/// The program with its configs in the folder of the world.
pub(crate) struct Dstreams {
    /// It reads PostgreSQL.
    pub(crate) tap: bool,
    /// It writes PostgreSQL.
    pub(crate) target: bool,
    /// What it calls itself.
    pub(crate) version: String,
}

impl Dstreams {
    /// Looks at what is built, and writes the configs.
    pub(crate) fn prepare(world: &World) -> Result<Dstreams> {
        let version = output(command(world).arg("--version"))?;
        let about = output(command(world).args(["plugin", "info", "postgres"])).unwrap_or_default();
        let dstreams =
            Dstreams { tap: about.contains("As a tap"), target: about.contains("As a target"), version };
        // As the tables of the peers are declared: decimals stay decimals.
        let types = json!({
            "l_linenumber": "int32", "l_quantity": "decimal(15,2)", "l_extendedprice": "decimal(15,2)",
            "l_discount": "decimal(15,2)", "l_tax": "decimal(15,2)",
        });
        let lake = |format: &str, options: Value| json!({ "name": "lake", "type": format, "connection": { "path": LAKE }, "options": options });
        let mut configs = vec![
            (
                "lake.json",
                lake("parquet", json!({ "row_group_rows": ROW_GROUP_ROWS, "compression_level": LEVEL })),
            ),
            ("lake-csv.json", lake("csv", json!({}))),
            ("sqlite.json", json!({ "name": "file", "type": "sqlite", "connection": { "path": "out.db" } })),
            (
                "jsonl.json",
                json!({
                    "name": "files",
                    "type": "jsonl",
                    "connection": { "path": world.data.lineitem_jsonl },
                    "options": { "types": types },
                }),
            ),
            (
                "parquet.json",
                json!({
                    "name": "files",
                    "type": "parquet",
                    "connection": { "path": world.data.lineitem_parquet },
                }),
            ),
            ("blackhole.json", json!({ "name": "nothing", "type": "blackhole" })),
            (
                "csv.json",
                json!({
                    "name": "files",
                    "type": "csv",
                    "connection": { "path": world.data.csv },
                    "options": { "types": types },
                }),
            ),
        ];
        if let Some(server) = world.server() {
            configs.extend(of_databases(server.address()));
        }
        for (name, config) in configs {
            fs::write(world.folder.join(name), format!("{config:#}\n"))?;
        }
        Ok(dstreams)
    }

    /// Makes `catalog` with one stream selected, and whatever `set` says of it.
    pub(crate) fn catalog(
        &self,
        world: &World,
        config: &str,
        catalog: &str,
        stream: &str,
        set: &[&str],
    ) -> Result<()> {
        let _ = fs::remove_file(world.folder.join(catalog));
        output(command(world).args(["discover", "-c", config, "-o", catalog]))?;
        output(command(world).args(["catalog", "deselect", catalog, "*"]))?;
        output(command(world).args(["catalog", "select", catalog, stream]))?;
        if !set.is_empty() {
            output(command(world).args(["catalog", "set", catalog, stream]).args(set))?;
        }
        Ok(())
    }

    /// The command of a sync from the start, or on from `state.json` where it is there.
    pub(crate) fn sync(tap: &str, target: &str, catalog: &str) -> String {
        format!(
            "dstreams sync --tap-config {tap} --target-config {target} --catalog {catalog} --state state.json \
             --report report.json --quiet"
        )
    }
}

/// Configs with the databases `source` and `sink`.
fn of_databases(address: &Address) -> [(&'static str, Value); 3] {
    let postgres = |database: &str| {
        json!({
            "name": database,
            "type": "postgres",
            "connection": { "host": address.host, "port": address.port, "database": database },
            "auth": { "type": "basic", "username": address.user, "password": "" },
        })
    };
    let mut plain = postgres("sink");
    plain["options"] = json!({ "write_mode": "append" });
    [("source.json", postgres("source")), ("sink.json", postgres("sink")), ("append.json", plain)]
}

/// The records that the last sync committed, as it says itself.
pub(crate) fn committed(world: &World) -> Result<u64> {
    let text = fs::read_to_string(world.folder.join("report.json"))?;
    let report: Value = serde_json::from_str(&text)?;
    let streams = report["streams"].as_array().context("a report without streams")?;
    ensure!(streams.iter().all(|stream| stream["status"] == "complete"), "not complete: {text}");
    Ok(streams.iter().filter_map(|stream| stream["committed_rows"].as_u64()).sum())
}

fn command(world: &World) -> Command {
    let mut command = Command::new("dstreams");
    command.current_dir(&world.folder).envs(world.env.iter().map(|(name, value)| (name, value)));
    command
}
