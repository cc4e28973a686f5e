//! A reader out of an iterator of pages.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::collections::VecDeque;
use std::time::Duration;

use crate::{Bookmark, Message, Next, Reader, Result};

/// Records of one stream with the bookmark behind them.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records; none: only the bookmark counts.
    pub records: RecordBatch,
    /// Covers every record up to the end of this page; `None`: no position to read on from.
    pub bookmark: Option<Bookmark>,
    /// Bytes read from the source for it; 0: not counted.
    pub source_bytes: u64,
}

impl From<RecordBatch> for Page {
    fn from(records: RecordBatch) -> Page {
        Page { records, bookmark: None, source_bytes: 0 }
    }
}

/// Reads one stream whose schema does not change from an iterator of pages: keeps the order of the messages.
///
/// ```
/// use dstream_sdk::{Page, PageReader, Reader, arrow::array::{Int64Array, RecordBatch}};
/// use std::sync::Arc;
///
/// let records = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2])) as _)]).unwrap();
/// let reader: Box<dyn Reader> =
///     Box::new(PageReader::new(records.schema(), std::iter::once(Ok(Page::from(records)))));
/// ```
#[derive(Debug)]
pub struct PageReader<I> {
    schema: SchemaRef,
    pages: Option<I>,
    ready: VecDeque<Message>,
}

impl<I: Iterator<Item = Result<Page>> + Send> PageReader<I> {
    /// A reader of `pages`, all with this schema. Each call of the iterator may block; it looks at the context itself.
    pub fn new(schema: SchemaRef, pages: I) -> PageReader<I> {
        let first = Message::Schema { stream: 0, version: 1, schema: schema.clone() };
        PageReader { schema, pages: Some(pages), ready: VecDeque::from([first]) }
    }
}

impl<I: Iterator<Item = Result<Page>> + Send> Reader for PageReader<I> {
    fn next(&mut self, _timeout: Duration) -> Result<Next> {
        if let Some(message) = self.ready.pop_front() {
            return Ok(message.into());
        }
        let Some(pages) = &mut self.pages else { return Ok(Next::End) };
        let Some(page) = pages.next() else {
            self.pages = None;
            return Ok(Message::StreamEnd { stream: 0 }.into());
        };
        let Page { records, bookmark, source_bytes } = page?;
        if records.num_rows() > 0 {
            let batch = records.with_schema(self.schema.clone())?.into();
            self.ready.push_back(Message::Batch { stream: 0, version: 1, batch, source_bytes });
        }
        if let Some(bookmark) = bookmark {
            self.ready.push_back(Message::Checkpoint { bookmark });
        }
        Ok(self.ready.pop_front().map_or(Next::Pending, Next::Message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;
    use serde_json::json;
    use std::sync::Arc;

    fn page(values: Vec<i64>, bookmark: Option<Bookmark>) -> Page {
        let column = Arc::new(Int64Array::from(values)) as _;
        Page { bookmark, ..RecordBatch::try_from_iter([("n", column)]).unwrap().into() }
    }

    fn read(pages: Vec<Page>) -> Vec<String> {
        let schema = page(vec![], None).records.schema();
        let mut reader = PageReader::new(schema, pages.into_iter().map(Ok));
        let mut seen = Vec::new();
        loop {
            seen.push(match reader.next(Duration::ZERO).unwrap() {
                Next::Message(Message::Schema { version, .. }) => format!("schema {version}"),
                Next::Message(Message::Batch { batch, .. }) => format!("batch {}", batch.rows()),
                Next::Message(Message::Checkpoint { bookmark }) => format!("checkpoint {bookmark}"),
                Next::Message(Message::StreamEnd { .. }) => "stream end".to_owned(),
                Next::Pending => "pending".to_owned(),
                Next::End => return seen,
            });
        }
    }

    #[test]
    fn an_empty_stream_still_has_a_schema_and_an_end() {
        assert_eq!(read(vec![]), ["schema 1", "stream end"]);
    }

    #[test]
    fn a_checkpoint_follows_the_batch_that_it_covers() {
        assert_eq!(
            read(vec![
                page(vec![1, 2], Some(json!(2))),
                page(vec![], Some(json!(3))),
                page(vec![], None),
                page(vec![4], None)
            ]),
            ["schema 1", "batch 2", "checkpoint 2", "checkpoint 3", "pending", "batch 1", "stream end"]
        );
    }
}
