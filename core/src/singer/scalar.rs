//! Columns of single values, built from JSON.

use arrow::array::*;
use dstream_abi::Result;
use std::sync::Arc;

use super::builder::Append;
use super::json::{Cursor, Fault, Parsed};
use super::parse::Scratch;
use super::text::{read_base64, read_uuid};

/// One value, at most: two of them stay below the 2 GiB that a column with 32 bit offsets can hold.
const VALUE_BYTES: usize = 1 << 30;

pub(crate) struct Nulls(pub(crate) usize);

impl Append for Nulls {
    fn value(&mut self, cursor: &mut Cursor<'_>, _: &mut Scratch) -> Parsed<()> {
        Err(cursor.wrong("null"))
    }

    fn null(&mut self) {
        self.0 += 1;
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(NullArray::new(std::mem::take(&mut self.0))))
    }
}

pub(crate) struct Booleans(pub(crate) BooleanBuilder);

impl Append for Booleans {
    fn value(&mut self, cursor: &mut Cursor<'_>, _: &mut Scratch) -> Parsed<()> {
        self.0.append_value(cursor.boolean()?);
        Ok(())
    }

    fn null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// Values of a fixed width, by what their text means.
pub(crate) struct Primitive<T: ArrowPrimitiveType, F> {
    pub(crate) builder: PrimitiveBuilder<T>,
    pub(crate) parse: F,
}

impl<T, F> Append for Primitive<T, F>
where
    T: ArrowPrimitiveType,
    F: Fn(&mut Cursor<'_>, &mut Scratch) -> Parsed<T::Native> + Send,
    PrimitiveBuilder<T>: Send,
{
    #[inline]
    fn value(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        self.builder.append_value((self.parse)(cursor, scratch)?);
        Ok(())
    }

    fn null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.builder.finish()))
    }
}

/// The builders of text have no trait in common.
pub(crate) trait TextBuilder: Send {
    fn append(&mut self, text: &str);
    fn append_null(&mut self);
    fn finish_array(&mut self) -> ArrayRef;
}

/// The builders of bytes have no trait in common.
pub(crate) trait BytesBuilder: Send {
    fn append(&mut self, bytes: &[u8]);
    fn append_null(&mut self);
    fn finish_array(&mut self) -> ArrayRef;
}

macro_rules! builders {
    ($role:ident, $value:ty: $($builder:ty),*) => {$(
        impl $role for $builder {
            fn append(&mut self, value: &$value) {
                self.append_value(value);
            }
            fn append_null(&mut self) {
                <$builder>::append_null(self);
            }
            fn finish_array(&mut self) -> ArrayRef {
                Arc::new(self.finish())
            }
        }
    )*};
}

builders!(TextBuilder, str: StringBuilder, LargeStringBuilder, StringViewBuilder);
builders!(BytesBuilder, [u8]: BinaryBuilder, LargeBinaryBuilder, BinaryViewBuilder);

fn check_size(at: usize, bytes: usize) -> Parsed<()> {
    if bytes > VALUE_BYTES {
        return Err(Fault::value(
            at,
            format!("a value of {bytes} bytes is more than the 1 GiB that one may have"),
        ));
    }
    Ok(())
}

pub(crate) struct Strings<B>(pub(crate) B);

impl<B: TextBuilder> Append for Strings<B> {
    #[inline]
    fn value(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        let at = cursor.position();
        let text = cursor.string(&mut scratch.text)?;
        check_size(at, text.len())?;
        self.0.append(text);
        Ok(())
    }

    fn null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(self.0.finish_array())
    }
}

/// Text that keeps any JSON value as it was written.
pub(crate) struct JsonText<B>(pub(crate) Strings<B>);

impl<B: TextBuilder> Append for JsonText<B> {
    fn value(&mut self, cursor: &mut Cursor<'_>, _: &mut Scratch) -> Parsed<()> {
        let at = cursor.position();
        let text = cursor.skip()?;
        check_size(at, text.len())?;
        self.0.0.append(text);
        Ok(())
    }

    fn null(&mut self) {
        self.0.null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        self.0.finish()
    }
}

pub(crate) struct Bytes<B>(pub(crate) B);

impl<B: BytesBuilder> Append for Bytes<B> {
    fn value(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        base64(cursor, scratch)?;
        self.0.append(&scratch.bytes);
        Ok(())
    }

    fn null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(self.0.finish_array())
    }
}

pub(crate) struct FixedBytes {
    pub(crate) builder: FixedSizeBinaryBuilder,
    pub(crate) size: i32,
    pub(crate) is_uuid: bool,
}

impl Append for FixedBytes {
    fn value(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        let at = cursor.position();
        if self.is_uuid {
            let uuid = read_uuid(cursor.string(&mut scratch.text)?)
                .ok_or_else(|| Fault::value(at, "the text is no UUID"))?;
            return self.builder.append_value(uuid).map_err(|error| Fault::value(at, error.to_string()));
        }
        base64(cursor, scratch)?;
        self.builder.append_value(&scratch.bytes).map_err(|_| {
            Fault::value(at, format!("{} bytes stand where {} must be", scratch.bytes.len(), self.size))
        })
    }

    fn null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.builder.finish()))
    }
}

fn base64(cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
    let at = cursor.position();
    scratch.bytes.clear();
    let text = cursor.string(&mut scratch.text)?;
    check_size(at, text.len())?;
    match read_base64(text, &mut scratch.bytes) {
        true => Ok(()),
        false => Err(Fault::value(at, "the text is no base64")),
    }
}
