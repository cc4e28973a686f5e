//! What SQLite said -> who must act.

use dstream_sdk::Error;
use rusqlite::{ErrorCode, ffi};
use std::path::Path;

use super::holder::holders;

/// What SQLite said, as an error that says who must act.
pub(super) fn failed(path: &Path, is_reader: bool, error: rusqlite::Error) -> Error {
    let code = error.sqlite_extended_error_code().unwrap_or(0);
    let reason = match &error {
        rusqlite::Error::SqliteFailure(_, Some(reason)) => reason.clone(),
        other => other.to_string(),
    };
    let file = path;
    let path = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Error::cancelled("the run was told to stop"),
        Some(ErrorCode::ReadOnly) if is_reader => Error::unavailable(format!(
            "`{path}` was left in the middle of a commit: {reason}"
        ))
        .hint("open it once with the program that writes it, or with `sqlite3`: that undoes the half commit"),
        Some(ErrorCode::CannotOpen) if is_reader => cannot_open_to_read(file, &reason),
        Some(ErrorCode::NotADatabase) if is_reader => {
            Error::config(format!("`{path}` is a file, but not an SQLite database, or an encrypted one"))
                .hint("choose another `path`; a database that is encrypted cannot be read")
        }
        Some(ErrorCode::Unknown) if is_reader => Error::data(format!("SQLite cannot read a row: {reason}"))
            .hint("look at the view, the query or the filter that it comes from"),
        Some(ErrorCode::DiskFull) => Error::resource(format!("the disk with `{path}` is full"))
            .hint("free space and run again: committed rows are safe, the rest is read again"),
        Some(ErrorCode::ReadOnly) => Error::denied(format!("`{path}` is read-only"))
            .hint("allow writing to the file and its folder, or choose another `path`"),
        Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            Error::denied(format!("`{path}` may not be written: {reason}"))
        }
        Some(ErrorCode::CannotOpen) => cannot_open(&path, &reason),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let holders = holders(file).unwrap_or_else(|| "another program".to_owned());
            Error::unavailable(format!("`{path}` is locked by {holders}"))
                .hint("close it, or wait longer with the option `busy_timeout_ms`")
        }
        Some(ErrorCode::NotADatabase) => {
            Error::config(format!("`{path}` is a file, but not an SQLite database"))
                .hint("choose another `path`; a file is never overwritten")
        }
        Some(ErrorCode::DatabaseCorrupt) => Error::data(format!("`{path}` is damaged: {reason}"))
            .hint("restore it from a backup, or recover what is in it with `sqlite3 … .recover`"),
        Some(ErrorCode::SystemIoFailure) => {
            Error::unavailable(format!("the disk with `{path}` failed: {reason}"))
        }
        Some(ErrorCode::OutOfMemory) => Error::resource("no memory is left for SQLite"),
        Some(ErrorCode::TooBig) => {
            Error::data("a row is larger than SQLite stores").hint("SQLite stores 1 GB in a row at most")
        }
        Some(ErrorCode::ConstraintViolation) if code == ffi::SQLITE_CONSTRAINT_TRIGGER => {
            Error::data(format!("a trigger in `{path}` refused a row: {reason}"))
        }
        Some(ErrorCode::ConstraintViolation) => {
            Error::data(format!("a row breaks a rule of its table: {reason}"))
                .hint("look at the record, or drop the rule from the table")
        }
        Some(ErrorCode::SchemaChanged) => {
            Error::unavailable(format!("another program changed a table of `{path}`"))
        }
        _ => Error::bug(format!("SQLite refused a statement: {reason}")),
    }
    .vendor_code(code)
}

fn cannot_open(path: &std::path::Display<'_>, reason: &str) -> Error {
    let text = path.to_string();
    let path = std::path::Path::new(&text);
    match path.parent() {
        _ if path.exists() => Error::denied(format!("`{text}` cannot be opened: {reason}"))
            .hint("allow reading and writing the file and its folder"),
        Some(folder) if folder.is_dir() => Error::denied(format!("`{text}` cannot be made: {reason}"))
            .hint("allow making files in its folder, or correct `path`"),
        _ => Error::not_found(format!("there is no folder for `{text}`"))
            .hint("make the folder, or correct `path`"),
    }
}

fn cannot_open_to_read(path: &Path, reason: &str) -> Error {
    let text = path.display();
    let is_missing = match path.try_exists() {
        Ok(exists) => !exists,
        Err(error) => error.kind() == std::io::ErrorKind::NotADirectory,
    };
    match is_missing {
        true => Error::not_found(format!("there is no file `{text}`")).hint("correct `path`"),
        false => Error::denied(format!("`{text}` cannot be opened: {reason}")).hint(
            "allow reading the file; where it has the journal mode `wal`, SQLite also makes files in its folder",
        ),
    }
}
