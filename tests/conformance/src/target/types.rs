//! Every Arrow type is written, or refused before any data.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use dstream_abi::ErrorKind;
use std::sync::Arc;

use super::commits::{any_mode, check_records};
use super::run::{Run, name, plan, record};
use super::samples::{ROWS, samples};
use crate::rows::{batch, rows};
use crate::subject::Subject;
use crate::verdict::{Step, While, ensure};

/// A type that the target took at `declare` can be written and committed; any other was refused there.
pub(crate) fn every_type_is_written_or_refused(subject: &Subject<'_>) -> Step<String> {
    let pipeline = name(subject, "types");
    let run = Run::begin(subject, &pipeline)?;
    let (mut written, mut refused) = (Vec::new(), Vec::new());
    let mut records = Vec::new();
    for (number, sample) in samples()?.into_iter().enumerate() {
        let data_type = sample.data_type().clone();
        let table = format!("{pipeline}_{number}");
        let is_written = write(subject, &run, &table, sample).during(|| format!("type `{data_type}`"))?;
        if is_written {
            records.push(record(&table, 1));
            written.push(data_type);
        } else {
            refused.push(data_type);
        }
    }
    drop(run);
    for basic in [DataType::Int64, DataType::Utf8] {
        ensure(written.contains(&basic), || format!("`{basic}` was refused: nothing could be written"))?;
    }
    check_records(subject, &pipeline, &records)?;
    Ok(format!("{} types written, {} refused", written.len(), refused.len()))
}

fn write(subject: &Subject<'_>, run: &Run, table: &str, sample: ArrayRef) -> Step<bool> {
    let narrow = batch(&rows(0..ROWS as i64));
    let mut fields: Vec<_> = narrow.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("value", sample.data_type().clone(), true)));
    let schema = Arc::new(Schema::new(fields));
    let columns = narrow.columns().iter().cloned().chain([sample]).collect();
    let records = RecordBatch::try_new(schema.clone(), columns)?;

    let mut lane = run.open_lane(plan(table, any_mode(subject)?))?;
    match lane.declare(schema) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Schema) => return Ok(false),
        Err(error) => {
            return Err(error).during(|| "it is refused, but not as `unsupported` or `schema`".to_owned());
        }
    }
    // Cut out of the middle: what stands before must not be taken for what is meant.
    for part in [records.slice(0, 1), records.slice(1, ROWS - 1)] {
        lane.write_batch(part).during(|| "it was declared, and cannot be written".to_owned())?;
    }
    let window = lane.prepare()?;
    run.commit(vec![window], vec![record(table, 1)])?;
    drop(lane);
    subject.check_rows(table, &rows(0..ROWS as i64))?;
    Ok(true)
}
