//! What is moved to where.

use clap::ValueEnum;
use std::fmt;

/// A source and a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Pair {
    /// Files into SQLite.
    CsvSqlite,
    /// PostgreSQL into PostgreSQL: keyed, growing and replaced tables.
    PgPgUpsert,
    /// PostgreSQL into PostgreSQL: growing tables, and `write_mode` says append.
    PgPgAppend,
    /// PostgreSQL into SQLite.
    PgSqlite,
    /// SQLite into PostgreSQL.
    SqlitePg,
    /// Files into PostgreSQL.
    CsvPg,
    /// Files into files of Parquet.
    CsvParquet,
    /// Files into files of JSON lines.
    CsvJsonl,
    /// Files of Parquet into objects of Parquet.
    ParquetS3,
}

/// One side of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Csv,
    Sqlite,
    Postgres,
    Parquet,
    Jsonl,
    S3,
}

impl System {
    /// Files of this machine.
    pub(crate) fn is_files(self) -> bool {
        matches!(self, System::Csv | System::Parquet | System::Jsonl)
    }
}

impl Pair {
    /// All of them.
    pub const ALL: [Pair; 9] = [
        Pair::CsvSqlite,
        Pair::PgPgUpsert,
        Pair::PgPgAppend,
        Pair::PgSqlite,
        Pair::SqlitePg,
        Pair::CsvPg,
        Pair::CsvParquet,
        Pair::CsvJsonl,
        Pair::ParquetS3,
    ];

    pub(crate) fn source(self) -> System {
        match self {
            Pair::CsvSqlite | Pair::CsvPg | Pair::CsvParquet | Pair::CsvJsonl => System::Csv,
            Pair::ParquetS3 => System::Parquet,
            Pair::SqlitePg => System::Sqlite,
            Pair::PgPgUpsert | Pair::PgPgAppend | Pair::PgSqlite => System::Postgres,
        }
    }

    pub(crate) fn destination(self) -> System {
        match self {
            Pair::CsvSqlite | Pair::PgSqlite => System::Sqlite,
            Pair::PgPgUpsert | Pair::PgPgAppend | Pair::SqlitePg | Pair::CsvPg => System::Postgres,
            Pair::CsvParquet => System::Parquet,
            Pair::CsvJsonl => System::Jsonl,
            Pair::ParquetS3 => System::S3,
        }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("no pair is hidden");
        to.write_str(value.get_name())
    }
}
