//! How a value lies in a binary COPY: one name for each layout, for reading and writing alike.

/// The layout of a value in a binary COPY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `boolean`: one byte.
    Bool,
    /// `smallint`.
    Int2,
    /// `integer`.
    Int4,
    /// `bigint`.
    Int8,
    /// `oid`: a number without sign.
    Oid,
    /// `real`.
    Float4,
    /// `double precision`.
    Float8,
    /// `numeric` as an Arrow decimal of this precision and scale.
    Decimal {
        /// Digits.
        precision: u8,
        /// Of these, behind the point.
        scale: i8,
    },
    /// `numeric` as its text: all its digits, `NaN`, `Infinity`.
    NumericText,
    /// Text as it is: every type whose binary form is its text.
    Text,
    /// Text of so many characters at most: what is longer is refused here, for the server would cut spaces off.
    Varchar(u32),
    /// `jsonb`: a version and the text.
    Jsonb,
    /// `bytea`.
    Bytes,
    /// `date`: days since 2000.
    Date,
    /// `time`: microseconds.
    Time,
    /// `timestamp` and `timestamptz`: microseconds since 2000.
    Timestamp,
    /// `interval`: microseconds, days, months.
    Interval,
    /// `uuid`: 16 bytes.
    Uuid,
    /// An enum: its label. Read, it becomes a place in this list.
    Enum(Vec<String>),
    /// An array.
    Array {
        /// The number of the type of its elements.
        element: u32,
        /// How these lie.
        form: Box<Form>,
        /// How many lists are in one another.
        dimensions: u8,
    },
    /// A composite.
    Composite(Vec<(u32, Form)>),
}
