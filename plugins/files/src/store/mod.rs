//! Where a target keeps its files: names beneath one root, and what can be done with them.

mod local; // a folder
mod objects; // a bucket of an object store
mod step; // what a commit does to files

pub(crate) use local::{Local, io_error};
pub(crate) use objects::Objects;
pub(crate) use step::Step;

use std::io::Write;

use dstream_sdk::{Error, Result};

/// A file in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The last part of its name.
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

/// A place for files. A name is a path beneath the root, its parts joined with `/`; the parts are made by `names`, so
/// that none of them leads elsewhere. Folders come into being with the first file in them.
pub(crate) trait Store: Send + Sync {
    /// The whole name, for messages.
    fn shown(&self, name: &str) -> String;

    /// The files right in a folder; none where it does not exist.
    fn list(&self, folder: &str) -> Result<Vec<Listed>>;

    /// How long a file is; `None` where there is none.
    fn bytes(&self, name: &str) -> Result<Option<u64>>;

    /// A whole file; `None` where there is none.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Makes a file of these bytes, durable and whole from its first moment; `false` where there is one already. Until
    /// then it may be in the folder `drafts`, and stays there if the run is killed; `false` as well where somebody cleared
    /// that folder meanwhile.
    fn create_new(&self, name: &str, bytes: &[u8], drafts: &str) -> Result<bool>;

    /// A new file that is written piece by piece.
    fn stage(&self, name: &str) -> Result<Box<dyn Staged>>;

    /// Makes files that were staged in a folder durable, together with their names.
    fn sync_folder(&self, folder: &str) -> Result<()>;

    /// Removes a file; one that is gone is no error.
    fn remove(&self, name: &str) -> Result<()>;

    /// Does what a commit says. A step that was done before, to its end or in part, is done again without harm.
    fn carry_out(&self, step: &Step) -> Result<()>;

    /// Keeps other runs on this machine from what is done until the lock is dropped.
    ///
    /// # Errors
    /// `Unavailable`: another run has held it for long.
    fn lock(&self, name: &str) -> Result<Box<dyn Lock>>;
}

/// Held until it is dropped.
pub(crate) trait Lock: Send {}

/// A file that is being written.
pub(crate) trait Staged: Write + Send {
    /// How many bytes it has got.
    fn bytes(&self) -> u64;

    /// Makes its bytes durable and answers how many they are.
    fn finish(self: Box<Self>) -> Result<u64>;
}

/// The error of a step whose files somebody else took.
fn gone(name: &str) -> Error {
    Error::schema(format!("`{name}` is gone or shorter than what was committed: somebody else changed it"))
        .hint("put it back, or run with `--full-refresh` to write the stream anew")
}
