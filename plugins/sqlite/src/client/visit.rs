//! What reading leaves behind: nothing, where SQLite can do it.

use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The connections of one tap to its file that are open at one time.
#[derive(Debug, Default)]
pub(crate) struct Visits(Mutex<Weak<Visit>>);

/// As long as one of them lives, a connection is open. Drop the connection before it.
#[derive(Debug)]
pub(crate) struct Visit {
    path: PathBuf,
    /// The log that SQLite keeps beside a file in WAL mode.
    log: PathBuf,
    had_log: bool,
}

impl Visits {
    /// To be called before a connection is opened.
    pub(crate) fn begin(&self, path: &Path) -> Arc<Visit> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(visit) = open.upgrade() {
            return visit;
        }
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut log = real.clone().into_os_string();
        log.push("-wal");
        let log = PathBuf::from(log);
        let visit = Arc::new(Visit { had_log: log.exists(), path: path.to_owned(), log });
        *open = Arc::downgrade(&visit);
        visit
    }
}

impl Drop for Visit {
    /// A reader of a file in WAL mode makes a log without content and may not remove it; whoever may write does, if it
    /// is the last one. A log with content is not touched: its changes would move into the file.
    fn drop(&mut self) {
        let is_ours = !self.had_log && self.log.metadata().is_ok_and(|log| log.len() == 0);
        if !is_ours {
            return;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if let Ok(connection) = Connection::open_with_flags(&self.path, flags) {
            // Where that is not possible the two files stay, which do no harm.
            let _ = connection.query_row("PRAGMA schema_version", [], |_| Ok(()));
        }
    }
}
