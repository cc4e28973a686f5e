//! Which streams there are, and readers of them.

use dstream_sdk::{
    Catalog, ConnectorConfig, Context, Error, OpenTap, Partition, ReadRequest, Reader, ReplicationMethod,
    Result, SelectedStream, Selection, Tap, tracing,
};
use rusqlite::types::Value;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::build::Column;
use crate::client::{Client, Visit, Visits};
use crate::describe::{self, Stream};
use crate::following::{Following, Order, not_alike};
use crate::reader::SqliteReader;
use crate::remade::Remade;
use crate::scan::{Batches, Filling, Scan};
use crate::select::{Select, count_where, in_future, selected};
use crate::tap_options::TapSettings;

/// An SQLite file that is read.
#[derive(Debug)]
pub struct SqliteTap {
    context: Context,
    settings: TapSettings,
    visits: Visits,
}

impl OpenTap for SqliteTap {
    fn open(context: Context, config: ConnectorConfig) -> Result<SqliteTap> {
        Ok(SqliteTap { context, settings: TapSettings::read(&config)?, visits: Visits::default() })
    }
}

impl SqliteTap {
    /// A connection to the file as it is now. Drop it before the visit.
    fn open_file(&self, context: &Context, stop: Arc<AtomicBool>) -> Result<(Client, Arc<Visit>)> {
        let visit = self.visits.begin(&self.settings.path);
        let client = Client::open_to_read(&self.settings.path, self.settings.busy_timeout, context, stop)?;
        client.begin_to_read()?;
        Ok((client, visit))
    }

    fn look<T>(&self, look: impl FnOnce(&Client) -> Result<T>) -> Result<T> {
        let (client, _visit) = self.open_file(&self.context, Arc::default())?;
        let seen = look(&client);
        drop(client);
        seen
    }

    fn scan(&self, context: &Context, stop: Arc<AtomicBool>, request: &ReadRequest) -> Result<Scan> {
        let [wanted] = &request.streams[..] else {
            return Err(Error::bug(format!("a partition of {} streams", request.streams.len())));
        };
        let (client, visit) = self.open_file(context, stop)?;
        let mut stream = describe::find_stream(&client, &self.settings, &wanted.name)?;
        let places = selected(&mut stream, &wanted.schema)?;
        let column = |(at, field): (&usize, &Arc<_>)| Column::new(field, stream.columns[*at].form);
        let columns = places.iter().zip(wanted.schema.fields()).map(column).collect::<Result<_>>()?;
        let mut batches = Batches {
            stream: wanted.name.clone(),
            schema: wanted.schema.clone(),
            unique: stream.unique_columns(),
            columns,
            following: None,
            numbers_only: None,
            max_rows: request.max_batch_rows,
            max_bytes: request.max_batch_bytes,
            filling: Filling::default(),
        };
        let (mut select, mut params) = (Select::new(&stream, &places, None)?, Vec::new());
        if wanted.replication_method == ReplicationMethod::Incremental {
            let following = self.follow(&client, &stream, request, wanted)?;
            (select, params) = followed(&client, &stream, &places, &following)?;
            let at = wanted.schema.index_of(&following.key)?;
            batches.numbers_only = (stream.columns[places[at]].order == Some(Order::Number)).then_some(at);
            batches.following = Some(following);
        } else if request.bookmark.is_some() {
            return Err(Error::bookmark_lost(
                "a full table is read from its start, and the bookmark is none of it",
            )
            .hint("run once with `--full-refresh`"));
        }
        client.check_query(&select.sql)?;
        Ok(Scan { client, select, params, batches, _visit: visit })
    }

    fn follow(
        &self,
        client: &Client,
        stream: &Stream,
        request: &ReadRequest,
        wanted: &SelectedStream,
    ) -> Result<Following> {
        let order = |key: &str| stream.columns[stream.find(key)?].order;
        let lookback = self.settings.lookback.get(&stream.name).copied();
        let bookmark = request.bookmark.as_ref();
        let key = wanted.replication_key.as_deref().unwrap_or_default();
        let remade = Remade::look(client, stream, key, bookmark)?;
        let following = Following::new(wanted, order, bookmark, lookback, remade)?;
        let Some(at) = stream.find(key) else { return Ok(following) };
        if let Some(future) = in_future(stream, at) {
            let rows = client.number(&count_where(stream, at, future)?)?.unwrap_or(0);
            if rows > 0 {
                tracing::warn!(key, rows, "rows lie in the future: they are read when it has come");
            }
        }
        if following.is_first() {
            return Ok(following);
        }
        let rows = client.number(&count_where(stream, at, "{c} IS NULL")?)?.unwrap_or(0);
        if rows > 0 {
            tracing::warn!(key, rows, "rows without a replication key cannot be followed");
        }
        if let Some(pattern) = following.pattern() {
            let others =
                count_where(stream, at, "{c} IS NOT NULL AND (typeof({c}) <> 'text' OR {c} NOT GLOB ?1)")?;
            if client.number_with(&others, &[Value::Text(pattern.clone())])? != Some(0) {
                return Err(not_alike(key, &pattern.replace("[0-9]", "0")));
            }
        }
        Ok(following)
    }
}

/// The statement that reads on, with its lower bound.
fn followed(
    client: &Client,
    stream: &Stream,
    places: &[usize],
    following: &Following,
) -> Result<(Select, Vec<Value>)> {
    let at = stream.find(&following.key).ok_or_else(|| Error::bug("the followed column is gone"))?;
    let bound = following.lower_bound()?;
    let asked = match (&bound, following.is_first()) {
        (Some(_), _) => ">= ?1",
        (None, false) => "IS NOT NULL",
        (None, true) => "",
    };
    let select = Select::new(stream, places, Some((at, asked)))?;
    let params: Vec<Value> = bound.into_iter().collect();
    if client.is_sorted_by_hand(&select.sql, &params)? {
        let (stream, key) = (&stream.name, &following.key);
        tracing::debug!(
            stream,
            key,
            "no index has the rows in the order of the replication key: they are sorted"
        );
    }
    Ok((select, params))
}

impl Tap for SqliteTap {
    fn check(&self) -> Result<()> {
        self.look(|client| {
            client.tables()?;
            for name in self.settings.queries.keys().chain(self.settings.filters.keys()) {
                let check = || {
                    let stream = describe::find_stream(client, &self.settings, name)?;
                    client.check_query(&Select::new(&stream, &[0], None)?.sql)
                };
                check().map_err(|error| error.stream(name))?;
            }
            Ok(())
        })
    }

    fn discover(&self) -> Result<Catalog> {
        self.look(|client| {
            let streams = describe::streams(client, &self.settings)?;
            Ok(Catalog { streams: streams.iter().map(Stream::info).collect() })
        })
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        self.look(|client| {
            let partition = |stream: &SelectedStream| {
                let found = describe::find_stream(client, &self.settings, &stream.name);
                found.map_err(|error| error.stream(&stream.name))?;
                Ok(Partition::whole(&stream.name))
            };
            selection.streams.iter().map(partition).collect()
        })
    }

    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let stop = Arc::new(AtomicBool::new(false));
        let name = request.streams.first().map(|stream| stream.name.clone()).unwrap_or_default();
        let scan = self.scan(&context, stop.clone(), &request).map_err(|error| error.stream(&name))?;
        Ok(Box::new(SqliteReader::start(context, scan, stop)?))
    }
}

#[cfg(test)]
mod tests;
