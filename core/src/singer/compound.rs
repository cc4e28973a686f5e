//! Values that take more than a look to write: times, lists, structs, maps, unions, embedded JSON.

use arrow::datatypes::TimeUnit;

use super::column::{Column, Refusal, Values};
use super::duration::{write_duration, write_interval};
use super::json::Cursor;
use super::temporal::{write_date, write_time, write_timestamp};

impl Values<'_> {
    /// Writes what [`Values::write`] does not know.
    pub(super) fn write_more(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        match self {
            Values::Date32(values) => {
                let days = i64::from(values[row]);
                quoted(
                    out,
                    |out| write_date(days, out),
                    || format!("a date {days} days from 1970 is outside the years 0000 to 9999"),
                )
            }
            Values::Date64(values) => {
                let (days, rest) = (values[row].div_euclid(86_400_000), values[row].rem_euclid(86_400_000));
                quoted(
                    out,
                    |out| rest == 0 && write_date(days, out),
                    || {
                        format!(
                            "a date {} ms from 1970 is no whole day, or outside the years 0000 to 9999",
                            values[row]
                        )
                    },
                )
            }
            Values::Time32(values, unit) => time(i64::from(values[row]), *unit, out),
            Values::Time64(values, unit) => time(values[row], *unit, out),
            Values::Timestamp(values, unit, zoned) => {
                let write = |out: &mut Vec<u8>| {
                    let written = write_timestamp(values[row], *unit, out);
                    if *zoned {
                        out.push(b'Z');
                    }
                    written
                };
                quoted(out, write, || {
                    format!("a timestamp of {} {unit} is outside the years 0000 to 9999", values[row])
                })
            }
            Values::Duration(values, unit) => {
                write_duration(values[row], *unit, out);
                Ok(())
            }
            Values::YearMonth(values) => {
                write_interval(values[row], 0, None, out);
                Ok(())
            }
            Values::DayTime(values) => {
                let value = values.value(row);
                let rest = (value.milliseconds.into(), TimeUnit::Millisecond);
                write_interval(0, value.days, Some(rest), out);
                Ok(())
            }
            Values::MonthDayNano(values) => {
                let value = values.value(row);
                write_interval(
                    value.months,
                    value.days,
                    Some((value.nanoseconds, TimeUnit::Nanosecond)),
                    out,
                );
                Ok(())
            }
            Values::List(offsets, items) => {
                items.write_list(offsets[row] as usize..offsets[row + 1] as usize, out)
            }
            Values::LargeList(offsets, items) => {
                items.write_list(offsets[row] as usize..offsets[row + 1] as usize, out)
            }
            Values::ListView(offsets, sizes, items) => {
                let start = offsets[row] as usize;
                items.write_list(start..start + sizes[row] as usize, out)
            }
            Values::LargeListView(offsets, sizes, items) => {
                let start = offsets[row] as usize;
                items.write_list(start..start + sizes[row] as usize, out)
            }
            Values::FixedSizeList(size, items) => items.write_list(row * size..(row + 1) * size, out),
            Values::Struct(columns) => {
                out.push(b'{');
                for (name, column) in columns {
                    out.extend_from_slice(name);
                    column.write(row, out)?;
                }
                out.push(b'}');
                Ok(())
            }
            Values::Map(offsets, keys, values) => {
                map(offsets[row] as usize..offsets[row + 1] as usize, keys, values, out)
            }
            Values::Union(union, children) => match &children[union.type_id(row) as usize] {
                Some(column) => column.write(union.value_offset(row), out),
                None => Err("a union names a type that it does not have".to_owned()),
            },
            _ => Err("a column has no JSON form".to_owned()),
        }
    }
}

fn time(value: i64, unit: TimeUnit, out: &mut Vec<u8>) -> Result<(), Refusal> {
    quoted(
        out,
        |out| write_time(value, unit, out),
        || format!("a time of {value} {unit} is not within a day"),
    )
}

fn quoted(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> bool,
    refusal: impl FnOnce() -> Refusal,
) -> Result<(), Refusal> {
    out.push(b'"');
    if !write(out) {
        return Err(refusal());
    }
    out.push(b'"');
    Ok(())
}

/// Embeds JSON text: as it is, but on one line.
pub(super) fn write_json(text: &str, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let mut cursor = Cursor::new(text);
    let value = match cursor.skip().and_then(|value| cursor.end().map(|()| value)) {
        Ok(value) => value,
        Err(fault) => return Err(format!("a value of a JSON column is no JSON: {}", fault.what)),
    };
    if value == "null" {
        return Err(
            "a value of a JSON column is the JSON `null`, which cannot be told from no value".to_owned()
        );
    }
    let start = out.len();
    out.extend_from_slice(value.as_bytes());
    // Line breaks stand between values only, where any white space means the same: JSON strings hold none.
    for byte in &mut out[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    Ok(())
}

fn map(
    entries: std::ops::Range<usize>,
    keys: &Column<'_>,
    values: &Column<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let is_text = keys.is_text();
    if is_text && has_duplicates(keys, entries.clone()) {
        return Err("a map holds a key twice, which no JSON object can".to_owned());
    }
    let start = entries.start;
    out.push(if is_text { b'{' } else { b'[' });
    for entry in entries {
        if entry > start {
            out.push(b',');
        }
        if is_text {
            keys.write(entry, out)?;
            out.push(b':');
            values.write(entry, out)?;
        } else {
            out.extend_from_slice(b"{\"key\":");
            keys.write(entry, out)?;
            out.extend_from_slice(b",\"value\":");
            values.write(entry, out)?;
            out.push(b'}');
        }
    }
    out.push(if is_text { b'}' } else { b']' });
    Ok(())
}

fn has_duplicates(keys: &Column<'_>, entries: std::ops::Range<usize>) -> bool {
    if entries.len() <= 16 {
        return entries
            .clone()
            .any(|at| (entries.start..at).any(|before| keys.text(before) == keys.text(at)));
    }
    let mut seen = std::collections::HashSet::with_capacity(entries.len());
    entries.into_iter().any(|at| !seen.insert(keys.text(at)))
}
