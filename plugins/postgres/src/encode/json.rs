//! Nested values as JSON that says them exactly: lists, structs, maps and unions that no array and no composite holds.

use arrow::array::*;
use arrow::datatypes::*;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::{BufMut, BytesMut};
use dstream_sdk::{Error, Result};
use std::collections::HashSet;
use std::fmt::Write as _;

use super::put::Put;
use crate::numeric::Why;
use crate::types::Form;

/// Dates and times as in ISO 8601.
const OPTIONS: FormatOptions<'static> = FormatOptions::new().with_display_error(false);
const NO_TEXT: Why = "a value in it has no text that says it exactly";

/// The value of a row as JSON, with its length before it.
///
/// # Errors
/// `Unsupported`: a type without a text.
pub(super) fn document<'a>(array: &'a dyn Array, form: &Form) -> Result<Put<'a>> {
    let write = value(array)?;
    let is_binary = *form == Form::Jsonb;
    Ok(Box::new(move |row, out| {
        let start = out.len();
        out.put_i32(0);
        if is_binary {
            out.put_u8(1);
        }
        write(row, out)?;
        // The server's own limit is below this.
        let length = i32::try_from(out.len() - start - 4).map_err(|_| "a value of more than 1 GiB")?;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }))
}

/// One value inside of a nested one: numbers and truth values as in JSON, bytes in base64, the rest as text.
fn value<'a>(array: &'a dyn Array) -> Result<Put<'a>> {
    let write = valid_value(array)?;
    Ok(match array.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
        None => write,
        Some(nulls) => Box::new(move |row, out| match nulls.is_null(row) {
            true => {
                out.put_slice(b"null");
                Ok(())
            }
            false => write(row, out),
        }),
    })
}

fn valid_value<'a>(array: &'a dyn Array) -> Result<Put<'a>> {
    use DataType as A;
    Ok(match array.data_type() {
        A::Null => Box::new(|_, out| {
            out.put_slice(b"null");
            Ok(())
        }),
        A::Boolean => {
            let array = array.as_boolean();
            Box::new(|row, out| {
                out.put_slice(if array.value(row) { b"true" } else { b"false" });
                Ok(())
            })
        }
        A::Float16 => real(|row| f64::from(array.as_primitive::<Float16Type>().value(row))),
        // The shortest text of a single is not that of the double with its value.
        A::Float32 => Box::new(|row, out| {
            let value = array.as_primitive::<Float32Type>().value(row);
            number(f64::from(value), out, format_args!("{value:?}"))
        }),
        A::Float64 => real(|row| array.as_primitive::<Float64Type>().value(row)),
        integer if integer.is_integer() => {
            let text = formatter(array)?;
            Box::new(move |row, out| write!(out, "{}", text.value(row)).map_err(|_| NO_TEXT))
        }
        A::Utf8 => Box::new(|row, out| string(out, array.as_string::<i32>().value(row))),
        A::LargeUtf8 => Box::new(|row, out| string(out, array.as_string::<i64>().value(row))),
        A::Utf8View => Box::new(|row, out| string(out, array.as_string_view().value(row))),
        A::Binary => base64(|row| array.as_binary::<i32>().value(row)),
        A::LargeBinary => base64(|row| array.as_binary::<i64>().value(row)),
        A::BinaryView => base64(|row| array.as_binary_view().value(row)),
        A::FixedSizeBinary(_) => base64(|row| array.as_fixed_size_binary().value(row)),
        A::List(_) => {
            let list = array.as_list::<i32>();
            let ends = list.value_offsets();
            items(list.values(), move |row| (ends[row] as usize, ends[row + 1] as usize))?
        }
        A::LargeList(_) => {
            let list = array.as_list::<i64>();
            let ends = list.value_offsets();
            items(list.values(), move |row| (ends[row] as usize, ends[row + 1] as usize))?
        }
        A::FixedSizeList(_, size) => {
            let (list, size) = (array.as_fixed_size_list(), *size as usize);
            items(list.values(), move |row| (row * size, (row + 1) * size))?
        }
        A::ListView(_) => {
            let list = array.as_list_view::<i32>();
            items(list.values(), |row| {
                let first = list.value_offset(row) as usize;
                (first, first + list.value_size(row) as usize)
            })?
        }
        A::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            items(list.values(), |row| {
                let first = list.value_offset(row) as usize;
                (first, first + list.value_size(row) as usize)
            })?
        }
        A::Struct(fields) => {
            let names: HashSet<&String> = fields.iter().map(|field| field.name()).collect();
            if names.len() < fields.len() {
                return Err(Error::unsupported(
                    "a struct with two members of one name, of which JSON keeps one",
                ));
            }
            let members = fields.iter().zip(array.as_struct().columns());
            let members: Vec<(&str, Put<'a>)> = members
                .map(|(field, column)| Ok((field.name().as_str(), value(column.as_ref())?)))
                .collect::<Result<_>>()?;
            Box::new(move |row, out| {
                out.put_u8(b'{');
                for (at, (name, write)) in members.iter().enumerate() {
                    comma(out, at);
                    string(out, name)?;
                    out.put_u8(b':');
                    write(row, out)?;
                }
                out.put_u8(b'}');
                Ok(())
            })
        }
        A::Map(..) => map(array.as_map())?,
        A::Union(fields, _) => {
            let union = array.as_union();
            let members: Vec<(i8, &str, Put<'a>)> = fields
                .iter()
                .map(|(id, field)| Ok((id, field.name().as_str(), value(union.child(id).as_ref())?)))
                .collect::<Result<_>>()?;
            Box::new(move |row, out| {
                let is_meant = |(id, ..): &&(i8, &str, Put<'a>)| *id == union.type_id(row);
                let (_, name, write) =
                    members.iter().find(is_meant).ok_or("a union of a member it does not have")?;
                out.put_u8(b'{');
                string(out, name)?;
                out.put_u8(b':');
                write(union.value_offset(row), out)?;
                out.put_u8(b'}');
                Ok(())
            })
        }
        A::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            if dictionary.values().is_empty() {
                return Ok(Box::new(|_, _| Err(NO_TEXT)));
            }
            let (keys, write) = (dictionary.normalized_keys(), value(dictionary.values().as_ref())?);
            Box::new(move |row, out| write(keys[row], out))
        }
        _ => {
            let text = formatter(array)?;
            Box::new(move |row, out| {
                out.put_u8(b'"');
                write!(out, "{}", text.value(row)).map_err(|_| NO_TEXT)?;
                out.put_u8(b'"');
                Ok(())
            })
        }
    })
}

fn formatter(array: &dyn Array) -> Result<ArrayFormatter<'_>> {
    Ok(ArrayFormatter::try_new(array, &OPTIONS)?)
}

fn real<'a>(value: impl Fn(usize) -> f64 + 'a) -> Put<'a> {
    Box::new(move |row, out| {
        let value = value(row);
        number(value, out, format_args!("{value:?}"))
    })
}

fn number(value: f64, out: &mut BytesMut, text: std::fmt::Arguments<'_>) -> Result<(), Why> {
    match value {
        value if !value.is_finite() => Err("NaN or an infinity in it, which JSON has no number for"),
        0.0 if value.is_sign_negative() => Err("-0.0 in it, whose sign jsonb drops"),
        _ => out.write_fmt(text).map_err(|_| NO_TEXT),
    }
}

fn base64<'a>(value: impl Fn(usize) -> &'a [u8] + 'a) -> Put<'a> {
    Box::new(move |row, out| {
        out.put_u8(b'"');
        out.put_slice(BASE64_STANDARD.encode(value(row)).as_bytes());
        out.put_u8(b'"');
        Ok(())
    })
}

fn items<'a>(values: &'a ArrayRef, bounds: impl Fn(usize) -> (usize, usize) + 'a) -> Result<Put<'a>> {
    let write = value(values.as_ref())?;
    Ok(Box::new(move |row, out| {
        let (first, last) = bounds(row);
        out.put_u8(b'[');
        for (at, item) in (first..last).enumerate() {
            comma(out, at);
            write(item, out)?;
        }
        out.put_u8(b']');
        Ok(())
    }))
}

/// An object where the keys are text, otherwise a list of pairs.
fn map(map: &MapArray) -> Result<Put<'_>> {
    let (keys, ends) = (map.keys(), map.value_offsets());
    let is_text = matches!(keys.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let (write_key, write_value) = (value(keys.as_ref())?, value(map.values().as_ref())?);
    Ok(Box::new(move |row, out| {
        let mut seen = HashSet::new();
        out.put_u8(if is_text { b'{' } else { b'[' });
        for (at, entry) in (ends[row] as usize..ends[row + 1] as usize).enumerate() {
            comma(out, at);
            let start = out.len();
            if !is_text {
                out.put_u8(b'[');
            }
            write_key(entry, out)?;
            if is_text && !seen.insert(out[start..].to_vec()) {
                return Err("a map with two equal keys, which one JSON object cannot hold");
            }
            out.put_u8(if is_text { b':' } else { b',' });
            write_value(entry, out)?;
            if !is_text {
                out.put_u8(b']');
            }
        }
        out.put_u8(if is_text { b'}' } else { b']' });
        Ok(())
    }))
}

fn comma(out: &mut BytesMut, at: usize) {
    if at > 0 {
        out.put_u8(b',');
    }
}

fn string(out: &mut BytesMut, text: &str) -> Result<(), Why> {
    if text.contains('\0') {
        return Err("it holds NUL, which the server's JSON cannot");
    }
    let quoted = serde_json::to_string(text).map_err(|_| NO_TEXT)?;
    out.put_slice(quoted.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Field;
    use std::sync::Arc;

    #[test]
    fn nested_values_are_the_json_that_says_them() {
        let numbers = ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(i64::MIN), None]),
            None,
            Some(vec![]),
        ]);
        let days = Date32Array::from(vec![Some(0), None, Some(19_782)]);
        let totals =
            Decimal128Array::from(vec![Some(1250), None, Some(-1)]).with_precision_and_scale(9, 2).unwrap();
        let words = StringArray::from(vec![Some("a\"\n\u{1}😀"), None, Some("")]);
        let bytes = BinaryArray::from(vec![Some(&b"\x00\xff"[..]), None, Some(b"")]);
        let reals = Float32Array::from(vec![Some(0.1), None, Some(0.0)]);
        let columns: Vec<(Arc<Field>, ArrayRef)> = vec![
            (Arc::new(Field::new("n", numbers.data_type().clone(), true)), Arc::new(numbers)),
            (Arc::new(Field::new("d", DataType::Date32, true)), Arc::new(days)),
            (Arc::new(Field::new("t", DataType::Decimal128(9, 2), true)), Arc::new(totals)),
            (Arc::new(Field::new("w \"", DataType::Utf8, true)), Arc::new(words)),
            (Arc::new(Field::new("b", DataType::Binary, true)), Arc::new(bytes)),
            (Arc::new(Field::new("r", DataType::Float32, true)), Arc::new(reals)),
        ];
        let rows = StructArray::from(columns);
        let put = document(&rows, &Form::Jsonb).unwrap();
        let texts: Vec<String> = (0..3)
            .map(|row| {
                let mut out = BytesMut::new();
                put(row, &mut out).unwrap();
                assert_eq!(out[..4], (out.len() as i32 - 4).to_be_bytes());
                assert_eq!(out[4], 1);
                String::from_utf8(out[5..].to_vec()).unwrap()
            })
            .collect();
        assert_eq!(
            texts,
            [
                r#"{"n":[-9223372036854775808,null],"d":"1970-01-01","t":"12.50","w \"":"a\"\n\u0001😀","b":"AP8=","r":0.1}"#,
                r#"{"n":null,"d":null,"t":null,"w \"":null,"b":null,"r":null}"#,
                r#"{"n":[],"d":"2024-02-29","t":"-0.01","w \"":"","b":"","r":0.0}"#,
            ]
        );
    }

    #[test]
    fn what_json_cannot_say_is_refused() {
        let put = |array: &dyn Array| {
            let list = ListArray::new(
                Arc::new(Field::new("item", array.data_type().clone(), true)),
                arrow::buffer::OffsetBuffer::from_lengths([array.len()]),
                make_array(array.to_data()),
                None,
            );
            document(&list, &Form::Jsonb).unwrap()(0, &mut BytesMut::new())
        };
        assert!(put(&Float64Array::from(vec![f64::NAN])).is_err());
        assert!(put(&Float32Array::from(vec![f32::INFINITY])).is_err());
        assert!(put(&Float32Array::from(vec![-0.0])).is_err());
        assert!(put(&StringArray::from(vec!["a\0"])).is_err());
        // A year beyond those of the formatter.
        assert!(put(&Date32Array::from(vec![i32::MAX])).is_err());
        assert!(put(&Float64Array::from(vec![1e300])).is_ok());
    }
}
