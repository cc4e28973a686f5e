//! `catalog`: catalog files.

use std::path::PathBuf;

use dstream_core::catalog::{CatalogFile, Changes, ColumnRole, ColumnView, StreamSettings};
use dstream_core::{Error, ReplicationMethod};

use super::Outcome;
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::output::{self, Table};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show the streams, or the columns of those that are named
    View {
        /// The catalog file
        #[arg(value_name = "CATALOG_FILE")]
        file: PathBuf,
        /// Streams whose columns to show
        #[arg(value_name = "STREAM")]
        streams: Vec<String>,
    },
    /// Select streams or columns
    Select(Pick),
    /// Deselect streams or columns
    Deselect(Pick),
    /// Change how a stream is kept up to date, and what identifies a record
    Set(Set),
}

#[derive(clap::Args)]
pub(crate) struct Pick {
    /// The catalog file
    #[arg(value_name = "CATALOG_FILE")]
    file: PathBuf,
    /// Streams, or columns as `stream.column`; globs such as `orders.*_at`
    #[arg(value_name = "STREAM", required = true)]
    names: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct Set {
    /// The catalog file
    #[arg(value_name = "CATALOG_FILE")]
    file: PathBuf,
    /// The stream
    #[arg(value_name = "STREAM")]
    stream: String,
    /// FULL_TABLE, INCREMENTAL or LOG_BASED
    #[arg(long, value_name = "METHOD", value_parser = method)]
    #[arg(required_unless_present_any = ["replication_key", "key"])]
    replication_method: Option<ReplicationMethod>,
    /// The column that an incremental stream follows
    #[arg(long, value_name = "COLUMN")]
    replication_key: Option<String>,
    /// The columns that identify a record; several, or repeat it
    #[arg(long, value_name = "COLUMN", num_args = 1..)]
    key: Vec<String>,
}

/// `full-table`, `FullTable` and `FULL_TABLE` are one.
fn method(text: &str) -> Result<ReplicationMethod, String> {
    match text.replace(['-', '_'], "").to_ascii_lowercase().as_str() {
        "fulltable" => Ok(ReplicationMethod::FullTable),
        "incremental" => Ok(ReplicationMethod::Incremental),
        "logbased" => Ok(ReplicationMethod::LogBased),
        _ => Err("write FULL_TABLE, INCREMENTAL or LOG_BASED".into()),
    }
}

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::View { file, streams } if streams.is_empty() => {
            view(&CatalogFile::load(&file).during(Phase::Config)?)
        }
        Command::View { file, streams } => {
            view_columns(&CatalogFile::load(&file).during(Phase::Config)?, &streams)
        }
        Command::Select(pick) => change(&pick, "selected", CatalogFile::select),
        Command::Deselect(pick) => change(&pick, "deselected", CatalogFile::deselect),
        Command::Set(set) => apply(set),
    }
}

fn view(catalog: &CatalogFile) -> Outcome {
    let streams = catalog.view().during(Phase::Config)?;
    let mut table = Table::new(["SELECTED", "STREAM", "COLUMNS", "ROWS", "METHOD", "REPLICATION KEY", "KEY"]);
    for stream in &streams {
        let columns = match stream.selected_columns == stream.columns {
            true => stream.columns.to_string(),
            false => format!("{} of {}", stream.selected_columns, stream.columns),
        };
        table.row([
            mark(stream.is_selected),
            stream.name.clone(),
            columns,
            stream.row_count.map_or_else(|| "-".to_owned(), |rows| rows.to_string()),
            stream.replication_method.to_string(),
            stream.replication_key.clone().unwrap_or_default(),
            stream.key_properties.join(", "),
        ]);
    }
    if table.is_empty() {
        output::line("the catalog has no streams")?;
    } else {
        output::line(table.to_string())?;
    }
    Ok(ExitCode::Ok)
}

fn view_columns(catalog: &CatalogFile, streams: &[String]) -> Outcome {
    for (number, stream) in streams.iter().enumerate() {
        let columns = catalog.view_columns(stream).during(Phase::Config)?;
        let mut table = Table::new(["SELECTED", "COLUMN", "TYPE", "NULL", ""]);
        for column in &columns {
            add_column(&mut table, column, 0);
        }
        let gap = if number > 0 { "\n" } else { "" };
        output::line(format!("{gap}{stream}\n{table}"))?;
    }
    Ok(ExitCode::Ok)
}

fn add_column(table: &mut Table, column: &ColumnView, depth: usize) {
    let role = match column.role {
        ColumnRole::Key => "key",
        ColumnRole::ReplicationKey => "replication key",
        ColumnRole::Automatic => "always read",
        ColumnRole::Unsupported => "cannot be read",
        ColumnRole::Available => "",
    };
    table.row([
        mark(column.is_selected),
        format!("{}{}", "  ".repeat(depth), column.name),
        column.data_type.clone(),
        if column.is_nullable { "null".to_owned() } else { "not null".to_owned() },
        role.to_owned(),
    ]);
    for child in &column.children {
        add_column(table, child, depth + 1);
    }
}

fn mark(is_selected: bool) -> String {
    if is_selected { "yes" } else { "no" }.to_owned()
}

type Change = fn(&mut CatalogFile, &[String]) -> Result<Changes, Error>;

fn change(pick: &Pick, verb: &str, change: Change) -> Outcome {
    let mut catalog = CatalogFile::load(&pick.file).during(Phase::Config)?;
    let changes = change(&mut catalog, &pick.names).during(Phase::Config)?;
    save(&catalog, &pick.file)?;
    for stream in &changes.streams {
        output::line(format!("{verb} `{stream}`"))?;
    }
    for (stream, column) in &changes.columns {
        output::line(format!("{verb} `{stream}.{column}`"))?;
    }
    if changes.streams.is_empty() && changes.columns.is_empty() {
        output::line(format!("nothing changed: all of it was {verb} already"))?;
    }
    Ok(ExitCode::Ok)
}

fn apply(set: Set) -> Outcome {
    let settings = StreamSettings {
        replication_method: set.replication_method,
        replication_key: set.replication_key,
        key_properties: set.key,
    };
    let mut catalog = CatalogFile::load(&set.file).during(Phase::Config)?;
    catalog.set(&set.stream, &settings).during(Phase::Config)?;
    save(&catalog, &set.file)?;
    let now = catalog.view().during(Phase::Config)?.into_iter().find(|stream| stream.name == set.stream);
    if let Some(stream) = now {
        let follows =
            stream.replication_key.map(|key| format!(", replication key `{key}`")).unwrap_or_default();
        let keys = match stream.key_properties.as_slice() {
            [] => String::new(),
            keys => format!(", key `{}`", keys.join("`, `")),
        };
        output::line(format!("`{}`: {}{follows}{keys}", stream.name, stream.replication_method))?;
    }
    Ok(ExitCode::Ok)
}

fn save(catalog: &CatalogFile, file: &std::path::Path) -> Result<(), Failure> {
    catalog.save(file).during(Phase::Config)
}
