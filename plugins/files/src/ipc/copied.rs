//! Some rows of a record batch, as a batch of their own.

use arrow::array::{MutableArrayData, RecordBatch, RecordBatchOptions, make_array};

use dstream_sdk::Result;

/// Some rows in buffers of their own: a slice would keep, and be counted as, all of them. Fewer than `rows` where these
/// are wider than most.
pub(super) fn copied(
    records: &RecordBatch,
    from: usize,
    mut rows: usize,
    limit_bytes: u64,
) -> Result<RecordBatch> {
    let mut before = u64::MAX;
    loop {
        let columns = records.columns().iter().map(|column| {
            let data = column.to_data();
            let mut copy = MutableArrayData::new(vec![&data], false, rows);
            copy.try_extend(0, from, from + rows)?;
            Ok(make_array(copy.freeze()))
        });
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let part =
            RecordBatch::try_new_with_options(records.schema(), columns.collect::<Result<_>>()?, &options)?;
        let bytes = part.get_array_memory_size() as u64;
        // What all rows share, such as a dictionary, does not become smaller.
        if bytes <= limit_bytes || rows == 1 || bytes > before / 4 * 3 {
            return Ok(part);
        }
        (before, rows) = (bytes, rows / 2);
    }
}
