//! The columns of an Arrow file, and what each of them is made of.
//!
//! The library has the same conversion, but panics on what it does not know.

use arrow::datatypes::{
    DECIMAL32_MAX_PRECISION, DECIMAL64_MAX_PRECISION, DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION,
};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit, UnionFields, UnionMode};
use arrow::ipc;
use std::collections::HashMap;
use std::sync::Arc;

use super::fault::{Fault, Told};

/// A column, or what is inside of one.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) field: FieldRef,
    /// Of the dictionary that has its values.
    pub(super) dictionary: Option<i64>,
    /// What is inside; of a dictionary, what is inside of its values.
    pub(super) children: Vec<Layout>,
}

impl Layout {
    /// The values of its dictionary.
    fn values(&self) -> Layout {
        let data_type = match self.field.data_type() {
            DataType::Dictionary(_, values) => values.as_ref().clone(),
            other => other.clone(),
        };
        Layout {
            field: Arc::new(Field::new("", data_type, true)),
            dictionary: None,
            children: self.children.clone(),
        }
    }

    /// The dictionaries of it and of what is inside.
    pub(super) fn dictionaries(&self, each: &mut dyn FnMut(i64)) {
        self.dictionary.into_iter().for_each(&mut *each);
        self.children.iter().for_each(|child| child.dictionaries(each));
    }

    fn values_by_id(&self, found: &mut HashMap<i64, Layout>) -> Told<()> {
        if let Some(id) = self.dictionary {
            let values = self.values();
            if let Some(other) = found.get(&id)
                && other.field.data_type() != values.field.data_type()
            {
                return Err(Fault::damaged(format!("dictionary {id} has values of two types")));
            }
            found.insert(id, values);
        }
        self.children.iter().try_for_each(|child| child.values_by_id(found))
    }
}

/// The columns.
pub(super) fn columns(schema: ipc::Schema<'_>) -> Told<Vec<Layout>> {
    if schema.endianness() != ipc::Endianness::Little {
        return Err(Fault::unsupported("its numbers are big-endian"));
    }
    let fields = schema.fields().ok_or_else(|| Fault::damaged("its schema has no columns"))?;
    fields.iter().map(layout).collect()
}

/// Of every dictionary, what its values are.
pub(super) fn dictionary_values(columns: &[Layout]) -> Told<HashMap<i64, Layout>> {
    let mut found = HashMap::new();
    columns.iter().try_for_each(|column| column.values_by_id(&mut found))?;
    Ok(found)
}

fn layout(field: ipc::Field<'_>) -> Told<Layout> {
    let children: Vec<Layout> = match field.children() {
        Some(children) => children.iter().map(layout).collect::<Told<_>>()?,
        None => Vec::new(),
    };
    let name = field.name().unwrap_or_default();
    let mut data_type = data_type(field, &children)?;
    let mut is_ordered = false;
    let dictionary = field.dictionary();
    if let Some(dictionary) = dictionary {
        let keys = match dictionary.indexType() {
            Some(keys) => integer(keys)?,
            None => DataType::Int32,
        };
        data_type = DataType::Dictionary(Box::new(keys), Box::new(data_type));
        is_ordered = dictionary.isOrdered();
    }
    let metadata: HashMap<String, String> = match field.custom_metadata() {
        Some(pairs) => {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            pairs.iter().map(|pair| (text(pair.key()), text(pair.value()))).collect()
        }
        None => HashMap::new(),
    };
    let field = Field::new(name, data_type, field.nullable())
        .with_dict_is_ordered(is_ordered)
        .with_metadata(metadata);
    Ok(Layout { field: Arc::new(field), dictionary: dictionary.map(|dictionary| dictionary.id()), children })
}

/// The type of a field's values.
fn data_type(field: ipc::Field<'_>, children: &[Layout]) -> Told<DataType> {
    let broken =
        || Fault::damaged(format!("column `{}` has no whole type", field.name().unwrap_or_default()));
    let unknown =
        || Fault::unsupported(format!("column `{}` has an unknown type", field.name().unwrap_or_default()));
    let child = || match children {
        [child] => Ok(child.field.clone()),
        _ => Err(broken()),
    };
    let size = |size: i32| if size >= 0 { Ok(size) } else { Err(broken()) };
    let count = children.len();
    let leaf = |leaf: DataType| if count == 0 { Ok(leaf) } else { Err(broken()) };
    use ipc::Type;
    match field.type_type() {
        Type::Null => leaf(DataType::Null),
        Type::Bool => leaf(DataType::Boolean),
        Type::Int => leaf(integer(field.type_as_int().ok_or_else(broken)?)?),
        Type::Binary => leaf(DataType::Binary),
        Type::LargeBinary => leaf(DataType::LargeBinary),
        Type::BinaryView => leaf(DataType::BinaryView),
        Type::Utf8 => leaf(DataType::Utf8),
        Type::LargeUtf8 => leaf(DataType::LargeUtf8),
        Type::Utf8View => leaf(DataType::Utf8View),
        Type::FixedSizeBinary => leaf(DataType::FixedSizeBinary(size(
            field.type_as_fixed_size_binary().ok_or_else(broken)?.byteWidth(),
        )?)),
        Type::FloatingPoint => leaf(match field.type_as_floating_point().ok_or_else(broken)?.precision() {
            ipc::Precision::HALF => DataType::Float16,
            ipc::Precision::SINGLE => DataType::Float32,
            ipc::Precision::DOUBLE => DataType::Float64,
            _ => return Err(unknown()),
        }),
        Type::Date => leaf(match field.type_as_date().ok_or_else(broken)?.unit() {
            ipc::DateUnit::DAY => DataType::Date32,
            ipc::DateUnit::MILLISECOND => DataType::Date64,
            _ => return Err(unknown()),
        }),
        Type::Time => {
            let time = field.type_as_time().ok_or_else(broken)?;
            leaf(match (time.bitWidth(), unit(time.unit())?) {
                (32, unit @ (TimeUnit::Second | TimeUnit::Millisecond)) => DataType::Time32(unit),
                (64, unit @ (TimeUnit::Microsecond | TimeUnit::Nanosecond)) => DataType::Time64(unit),
                _ => return Err(broken()),
            })
        }
        Type::Timestamp => {
            let timestamp = field.type_as_timestamp().ok_or_else(broken)?;
            leaf(DataType::Timestamp(unit(timestamp.unit())?, timestamp.timezone().map(Into::into)))
        }
        Type::Duration => {
            leaf(DataType::Duration(unit(field.type_as_duration().ok_or_else(broken)?.unit())?))
        }
        Type::Interval => {
            leaf(DataType::Interval(match field.type_as_interval().ok_or_else(broken)?.unit() {
                ipc::IntervalUnit::YEAR_MONTH => IntervalUnit::YearMonth,
                ipc::IntervalUnit::DAY_TIME => IntervalUnit::DayTime,
                ipc::IntervalUnit::MONTH_DAY_NANO => IntervalUnit::MonthDayNano,
                _ => return Err(unknown()),
            }))
        }
        Type::Decimal => leaf(decimal(field.type_as_decimal().ok_or_else(broken)?).ok_or_else(broken)?),
        Type::List => Ok(DataType::List(child()?)),
        Type::LargeList => Ok(DataType::LargeList(child()?)),
        Type::ListView => Ok(DataType::ListView(child()?)),
        Type::LargeListView => Ok(DataType::LargeListView(child()?)),
        Type::FixedSizeList => {
            let list = field.type_as_fixed_size_list().ok_or_else(broken)?;
            Ok(DataType::FixedSizeList(child()?, size(list.listSize())?))
        }
        Type::Struct_ => Ok(DataType::Struct(fields_of(children))),
        Type::Map => {
            let entries = child()?;
            match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 && !entries.is_nullable() => {}
                _ => return Err(broken()),
            }
            Ok(DataType::Map(entries, field.type_as_map().ok_or_else(broken)?.keysSorted()))
        }
        Type::RunEndEncoded => match children {
            [ends, values]
                if matches!(ends.field.data_type(), DataType::Int16 | DataType::Int32 | DataType::Int64)
                    && ends.dictionary.is_none() =>
            {
                Ok(DataType::RunEndEncoded(ends.field.clone(), values.field.clone()))
            }
            _ => Err(broken()),
        },
        Type::Union => union(field.type_as_union().ok_or_else(broken)?, children).ok_or_else(broken),
        _ => Err(unknown()),
    }
}

fn fields_of(children: &[Layout]) -> Fields {
    children.iter().map(|child| child.field.clone()).collect()
}

fn integer(int: ipc::Int<'_>) -> Told<DataType> {
    Ok(match (int.bitWidth(), int.is_signed()) {
        (8, true) => DataType::Int8,
        (8, false) => DataType::UInt8,
        (16, true) => DataType::Int16,
        (16, false) => DataType::UInt16,
        (32, true) => DataType::Int32,
        (32, false) => DataType::UInt32,
        (64, true) => DataType::Int64,
        (64, false) => DataType::UInt64,
        (bits, _) => return Err(Fault::damaged(format!("it has integers of {bits} bits"))),
    })
}

fn unit(unit: ipc::TimeUnit) -> Told<TimeUnit> {
    Ok(match unit {
        ipc::TimeUnit::SECOND => TimeUnit::Second,
        ipc::TimeUnit::MILLISECOND => TimeUnit::Millisecond,
        ipc::TimeUnit::MICROSECOND => TimeUnit::Microsecond,
        ipc::TimeUnit::NANOSECOND => TimeUnit::Nanosecond,
        _ => return Err(Fault::unsupported("it has an unknown unit of time")),
    })
}

fn decimal(decimal: ipc::Decimal<'_>) -> Option<DataType> {
    let precision = u8::try_from(decimal.precision()).ok()?;
    let scale = i8::try_from(decimal.scale()).ok()?;
    let (most, data_type) = match decimal.bitWidth() {
        32 => (DECIMAL32_MAX_PRECISION, DataType::Decimal32(precision, scale)),
        64 => (DECIMAL64_MAX_PRECISION, DataType::Decimal64(precision, scale)),
        128 => (DECIMAL128_MAX_PRECISION, DataType::Decimal128(precision, scale)),
        256 => (DECIMAL256_MAX_PRECISION, DataType::Decimal256(precision, scale)),
        _ => return None,
    };
    ((1..=most).contains(&precision) && i16::from(scale) <= i16::from(precision)).then_some(data_type)
}

fn union(union: ipc::Union<'_>, children: &[Layout]) -> Option<DataType> {
    let mode = match union.mode() {
        ipc::UnionMode::Dense => UnionMode::Dense,
        ipc::UnionMode::Sparse => UnionMode::Sparse,
        _ => return None,
    };
    let ids: Vec<i8> = match union.typeIds() {
        Some(ids) => {
            ids.iter().map(|id| i8::try_from(id).ok().filter(|id| *id >= 0)).collect::<Option<_>>()?
        }
        None => (0..children.len()).map(|id| i8::try_from(id).ok()).collect::<Option<_>>()?,
    };
    if ids.len() != children.len() {
        return None;
    }
    let fields: Vec<FieldRef> = children.iter().map(|child| child.field.clone()).collect();
    let fields = UnionFields::try_new(ids, fields).ok()?;
    Some(DataType::Union(fields, mode))
}
