//! Which streams there are: one with records, one without, and one in two partitions.

use dstream_abi::{
    Catalog, ConnectorConfig, Context, Error, OpenTap, Partition, ReadRequest, Reader, ReplicationMethod,
    Result, Selection, StreamInfo, Tap,
};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::Settings;
use super::numbers::schema;
use super::reader::AstrayReader;

/// Counts what is asked, for faults that come and go.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// The tap.
pub(crate) struct AstrayTap {
    settings: Settings,
    /// What readers must not share, and share with one of the faults.
    position: Arc<AtomicI64>,
}

impl OpenTap for AstrayTap {
    fn open(_: Context, config: ConnectorConfig) -> Result<AstrayTap> {
        Ok(AstrayTap { settings: Settings::read(&config)?, position: Arc::new(AtomicI64::new(0)) })
    }
}

fn is_odd() -> bool {
    ASKED.fetch_add(1, Ordering::Relaxed) % 2 == 1
}

impl Tap for AstrayTap {
    fn check(&self) -> Result<()> {
        self.settings.check()
    }

    fn discover(&self) -> Result<Catalog> {
        let stream = |name: &str| StreamInfo {
            name: name.to_owned(),
            schema: schema(),
            key_properties: vec!["id".to_owned()],
            replication_methods: vec![ReplicationMethod::Incremental, ReplicationMethod::FullTable],
            replication_keys: Vec::new(),
            row_count: None,
            description: None,
        };
        let mut streams = vec![stream("numbers"), stream("nothing"), stream("split")];
        if self.settings.has("shuffles_catalog") && is_odd() {
            streams.reverse();
        }
        if self.settings.has("key_of_nobody") {
            streams[0].key_properties = vec!["nobody".to_owned()];
        }
        Ok(Catalog { streams })
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        let mut partitions = Vec::new();
        for stream in &selection.streams {
            match stream.name.as_str() {
                "nothing" if self.settings.has("forgets_stream") => {}
                "numbers" if self.settings.has("other_name_for_whole") => {
                    let whole = Partition::whole(&stream.name);
                    partitions.push(Partition { id: "all of it".to_owned(), ..whole });
                }
                "numbers" | "nothing" => partitions.push(Partition::whole(&stream.name)),
                "split" => {
                    let run = match self.settings.has("renames_partitions") {
                        true => ASKED.fetch_add(1, Ordering::Relaxed).to_string(),
                        false => String::new(),
                    };
                    partitions.extend((0..2).map(|part| Partition {
                        id: format!("split/{part}{run}"),
                        streams: vec![stream.name.clone()],
                        data: json!({ "part": part }),
                    }));
                }
                other => return Err(Error::schema(format!("there is no stream `{other}`"))),
            }
        }
        Ok(partitions)
    }

    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let stream = request.streams.first().ok_or_else(|| Error::bug("a partition without a stream"))?;
        let known = |name: &str| schema().field_with_name(name).is_ok();
        let stranger = stream.schema.fields().iter().find(|field| !known(field.name()));
        if let Some(stranger) = stranger.filter(|_| !self.settings.has("makes_up_columns")) {
            return Err(Error::schema(format!("there is no column `{}`", stranger.name())));
        }
        let rows = self.settings.rows;
        let range = match (stream.name.as_str(), request.partition.data["part"].as_i64()) {
            ("nothing", _) => 0..0,
            (_, Some(0)) if self.settings.has("overlaps") => 0..rows / 2 + 1,
            (_, Some(0)) => 0..rows / 2,
            (_, Some(_)) => rows / 2..rows,
            (_, None) => 0..rows,
        };
        let from = match &request.bookmark {
            None => range.start,
            Some(bookmark) => match bookmark["next"].as_i64() {
                Some(next) => next,
                None if self.settings.has("takes_any_bookmark") => range.start,
                None if self.settings.has("panics_at_bookmark") => panic!("no such bookmark"),
                None => return Err(Error::bookmark_lost("the bookmark is none of this tap")),
            },
        };
        let from = match request.bookmark.is_some() {
            true if self.settings.has("skips_after_bookmark") => (from + 1).min(range.end),
            true if self.settings.has("repeats_after_bookmark") => (from - 1).max(range.start),
            _ => from,
        };
        let is_turned = self.settings.has("turns_order") && is_odd();
        let settings = self.settings.clone();
        let reader =
            AstrayReader::new(settings, context, &request, from..range.end, self.position.clone(), is_turned);
        Ok(Box::new(reader))
    }
}
