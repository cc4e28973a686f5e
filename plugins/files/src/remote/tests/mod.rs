//! Buckets of real servers on loopback, and servers that answer what no good one does.

mod answers; // that are lost, or say that nobody knows
mod faults; // what goes wrong
mod objects; // reading and writing
mod relay; // between a client and a server
mod tls; // servers with certificates of their own
mod web; // files of web servers

use serde_json::{Value, json};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use dstream_object_server::{ACCOUNT, ACCOUNT_KEY, AzureServer, BUCKET, S3Server};
use dstream_sdk::{
    Auth, Bookmark, Commit, CommitRecord, CommitWindow, ConnectorConfig, Message, Next, Pipeline,
    ReadRequest, ReplicationMethod, Result, Selection, StoreConnection, StreamPlan, Tap, Target, WriteMode,
    WriteRequest,
};
use object_store::{ObjectStoreExt, PutPayload};

use super::{Address, Bucket};
use crate::tap::{FilesTap, Format};
use crate::testing::{Row, WIDE, context, rows, selected, try_tap_with};

/// A secret that no message may hold.
const SECRET: &str = "canary+secret/42";

/// A server with an empty bucket.
struct Server {
    scheme: &'static str,
    endpoint: String,
    auth: Value,
    _runs: Box<dyn Any>,
}

impl Server {
    fn s3() -> Server {
        let server = S3Server::start().unwrap();
        let auth = json!({"type": "access_key", "access_key_id": "key", "secret_access_key": SECRET,
            "session_token": "canary-token"});
        Server { scheme: "s3", endpoint: server.endpoint(), auth, _runs: Box::new(server) }
    }

    fn azure() -> Server {
        let server = AzureServer::start().unwrap();
        let auth = json!({"type": "account_key", "account": ACCOUNT, "key": ACCOUNT_KEY});
        Server { scheme: "az", endpoint: server.endpoint(), auth, _runs: Box::new(server) }
    }

    fn all() -> [Server; 2] {
        [Server::s3(), Server::azure()]
    }

    fn config(&self, kind: &str, path: &str, options: Value) -> ConnectorConfig {
        let connection = json!({"url": format!("{}://{BUCKET}/{path}", self.scheme), "endpoint": self.endpoint,
            "region": "us-east-1", "allow_http": true});
        let config = json!({"name": "n", "type": kind, "connection": connection, "auth": self.auth,
            "options": options});
        serde_json::from_value(config).unwrap()
    }

    fn tap<F: Format>(&self, path: &str, options: Value) -> Result<FilesTap<F>> {
        try_tap_with(self.config("csv", path, options))
    }

    fn bucket(&self) -> Arc<Bucket> {
        let config = self.config("csv", "", json!({}));
        let connection = StoreConnection::of(&config).unwrap().unwrap();
        let address = Address::parse(&connection.url).unwrap();
        Arc::new(Bucket::new(context(), address, &connection, &Auth::of(&config).unwrap()).unwrap())
    }
}

fn put(bucket: &Bucket, name: &str, content: impl AsRef<[u8]>) {
    let (key, content) = (bucket.key(name).unwrap(), PutPayload::from(content.as_ref().to_vec()));
    bucket.ask("writing", name, bucket.client().put(&key, content)).unwrap();
}

fn numbers(from: i64, to: i64) -> RecordBatch {
    let schema =
        Schema::new(vec![Field::new("n", DataType::Int64, false), Field::new("text", DataType::Utf8, true)]);
    let text = StringArray::from_iter((from..to).map(|n| (n % 7 != 0).then(|| format!("text {n}"))));
    let numbers = Int64Array::from_iter_values(from..to);
    RecordBatch::try_new(schema.into(), vec![Arc::new(numbers), Arc::new(text)]).unwrap()
}

/// One run that writes a window and commits it.
fn write<T: Target>(target: &T, batch: &RecordBatch, mode: WriteMode, generation: u64) -> Result<()> {
    let begun = target
        .begin(&Pipeline { pipeline: "p".into(), run: format!("run-{generation}-{}", batch.num_rows()) })?;
    let sequence = begun.records.first().map_or(0, |record| record.sequence) + 1;
    let plan = StreamPlan {
        stream: "numbers".into(),
        table: "numbers".into(),
        write_mode: mode,
        write_mode_is_explicit: true,
        key_properties: Vec::new(),
        replication_method: ReplicationMethod::FullTable,
        generation,
        resumed: false,
    };
    let request = WriteRequest {
        pipeline: "p".into(),
        epoch: begun.epoch,
        partition: "numbers".into(),
        streams: vec![plan.clone()],
        buffer_bytes: 1 << 20,
    };
    let mut writer = target.open_writer(context(), request)?;
    writer.declare(0, 1, batch.schema())?;
    writer.write(0, 1, batch.clone().into())?;
    let window = CommitWindow { window: 1, partition: "numbers".into(), prepared: writer.prepare(1)? };
    let records = vec![CommitRecord { key: "numbers".into(), sequence, value: json!({}) }];
    let publish = if mode == WriteMode::Overwrite { vec![plan] } else { Vec::new() };
    let (pipeline, epoch) = ("p".into(), begun.epoch);
    target.commit(&Commit { pipeline, epoch, windows: vec![window], records, publish })
}

/// The records of the files of the only stream that are new since the bookmark, and the one behind them.
fn read_files(tap: &impl Tap, bookmark: Option<Bookmark>) -> (Vec<Row>, Bookmark) {
    let catalog = tap.discover().unwrap();
    let stream = selected(&catalog, &catalog.streams[0].name);
    let partition =
        tap.plan(&Selection { streams: vec![stream.clone()], ..Selection::default() }).unwrap().remove(0);
    let (max_batch_rows, max_batch_bytes) = (WIDE.rows.try_into().unwrap(), WIDE.bytes.try_into().unwrap());
    let request = ReadRequest { partition, streams: vec![stream], bookmark, max_batch_rows, max_batch_bytes };
    let mut reader = tap.open_reader(context(), request).unwrap();
    let (mut found, mut last) = (Vec::new(), None);
    loop {
        match reader.next(Duration::from_secs(60)).unwrap() {
            Next::Message(Message::Batch { batch, .. }) => found.extend(rows(&batch.into_records().unwrap())),
            Next::Message(Message::Checkpoint { bookmark }) => last = Some(bookmark),
            Next::Message(_) | Next::Pending => {}
            Next::End => return (found, last.unwrap()),
        }
    }
}
