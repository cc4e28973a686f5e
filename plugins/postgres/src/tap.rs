//! The side that reads: what there is, how it is cut, and readers of it.

mod cut; // a table -> ranges of blocks
mod discover; // what can be read, as a catalog
mod names; // names of streams
mod options; // what the user may set
mod plan; // the selection -> partitions
mod relations; // what the server's catalog says
mod snapshot; // what a transaction sees, and whether it is still the same
mod source; // what a stream is read from

pub(crate) use cut::{FullBookmark, Part, Piece};
pub(crate) use discover::is_key;
#[cfg(test)]
pub(crate) use options::Bug;
#[cfg(test)]
pub(crate) use options::TapOptions;
pub(crate) use options::{TAP_SESSION, Wishes};
pub(crate) use plan::block_bytes;
pub(crate) use relations::RelationKind;
pub(crate) use snapshot::{begin, begin_in, check_files, gone, in_blocks, lock, place, what_changed, xmin};
pub(crate) use source::Source;

use dstream_sdk::{
    Catalog, ConnectorConfig, Context, Error, OpenTap, Partition, ReadRequest, Reader, ReplicationMethod,
    Result, Selection, Tap,
};
use std::sync::{Arc, Mutex, PoisonError};

use crate::client::{Client, Settings};
use crate::reader::{FullReader, IncrementalReader, Opening, WholeReader};

/// The tap.
pub(crate) struct PostgresTap {
    context: Context,
    settings: Arc<Settings>,
    wishes: Wishes,
    /// Keeps the snapshot of the last plan until the tap is closed: readers that begin again see what the first ones
    /// saw.
    keeper: Mutex<Option<Client>>,
}

impl OpenTap for PostgresTap {
    fn open(context: Context, config: ConnectorConfig) -> Result<PostgresTap> {
        let (wishes, settings) = Wishes::read(&config)?;
        Ok(PostgresTap { context, settings: Arc::new(settings), wishes, keeper: Mutex::new(None) })
    }
}

impl PostgresTap {
    /// Plants a bug, or none.
    #[cfg(test)]
    fn set_bug(&mut self, bug: Option<Bug>) {
        self.wishes.bug = bug;
    }

    fn connect(&self, context: &Context) -> Result<Client> {
        let mut client = Client::connect(&self.settings, context)?;
        // Rows of a table come in one order only where no scan begins in the middle and no workers share one.
        client.run(
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET synchronize_seqscans = off; \
             SET max_parallel_workers_per_gather = 0",
        )?;
        Ok(client)
    }
}

impl Tap for PostgresTap {
    fn check(&self) -> Result<()> {
        let mut client = self.connect(&self.context)?;
        relations::check_schemas(&mut client, &self.wishes).map(drop)
    }

    fn discover(&self) -> Result<Catalog> {
        let mut client = self.connect(&self.context)?;
        discover::discover(&mut client, &self.wishes)
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        if selection.streams.iter().all(|stream| stream.replication_method != ReplicationMethod::FullTable) {
            let streams = selection.streams.iter();
            return Ok(streams.map(|stream| Partition::whole(&stream.name)).collect());
        }
        let plan = plan::plan(self.connect(&self.context)?, &self.wishes, selection)?;
        if plan.keeper.is_some() {
            *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = plan.keeper;
        }
        Ok(plan.partitions)
    }

    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let [selected] = request.streams.as_slice() else {
            return Err(Error::bug(format!("a partition of {} streams", request.streams.len())));
        };
        let stream = selected.name.clone();
        let open = || -> Result<Box<dyn Reader>> {
            let mut client = self.connect(&context)?;
            let source = Source::find(&mut client, &self.wishes, &stream)?;
            let columns = source.select(selected)?;
            let opening = Opening { context, client, source, columns, wishes: self.wishes.clone() };
            Ok(match selected.replication_method {
                ReplicationMethod::FullTable if request.partition.data.is_null() => {
                    Box::new(WholeReader::open(opening, &request)?)
                }
                ReplicationMethod::FullTable => Box::new(FullReader::open(opening, &request)?),
                ReplicationMethod::Incremental => Box::new(IncrementalReader::open(opening, &request)?),
                ReplicationMethod::LogBased => {
                    return Err(Error::unsupported("`LOG_BASED` is not offered")
                        .hint("choose `FULL_TABLE` or `INCREMENTAL`"));
                }
            })
        };
        open().map_err(|error| match error.stream_name() {
            Some(_) => error,
            None => error.stream(&stream),
        })
    }
}

#[cfg(test)]
mod testing; // a tap on a database of the real server
#[cfg(test)]
mod tests;
