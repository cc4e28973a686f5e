//! Types drawn at random: every one that the target stores.

use arrow::datatypes::*;
use std::sync::Arc;

/// Numbers that follow from a seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(super) fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    pub(super) fn of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }

    /// A number, often at an edge of some type.
    pub(super) fn int(&mut self) -> i64 {
        let edges = [0, 1, -1, 127, -128, 255, 32_767, -32_768, i64::from(i32::MAX), i64::MAX, i64::MIN];
        match self.chance(3) {
            true => self.of(&edges),
            false => (self.next() as i64) >> self.below(64),
        }
    }

    pub(super) fn between(&mut self, first: i64, last: i64) -> i64 {
        match self.chance(4) {
            true => self.of(&[first, last]),
            false => {
                (i128::from(first) + i128::from(self.next()) % (i128::from(last) - i128::from(first) + 1))
                    as i64
            }
        }
    }

    pub(super) fn text(&mut self) -> String {
        let parts = [
            "",
            "a",
            "\0",
            "\"",
            "\\",
            "\u{1f}",
            "é",
            "😀",
            "\n",
            "null",
            "'",
            "{}",
            "1",
            "long enough not to be inlined",
        ];
        (0..self.below(4)).map(|_| self.of(&parts)).collect()
    }

    pub(super) fn unit(&mut self) -> TimeUnit {
        self.of(&[TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond])
    }

    /// A type; nested ones at most so deep.
    pub(super) fn data_type(&mut self, depth: usize) -> DataType {
        use DataType as A;
        match self.below(if depth > 0 { 48 } else { 37 }) {
            0 => A::Boolean,
            1 => A::Int8,
            2 => A::Int16,
            3 => A::Int32,
            4 => A::Int64,
            5 => A::UInt8,
            6 => A::UInt16,
            7 => A::UInt32,
            8 => A::UInt64,
            9 => A::Float16,
            10 => A::Float32,
            11 => A::Float64,
            12 => A::Utf8,
            13 => A::LargeUtf8,
            14 => A::Utf8View,
            15 => A::Binary,
            16 => A::LargeBinary,
            17 => A::BinaryView,
            18 => A::FixedSizeBinary(self.below(5) as i32),
            19 => A::Decimal32(9, self.between(-3, 9) as i8),
            20 => A::Decimal64(18, self.between(-3, 18) as i8),
            21 => A::Decimal128(38, self.between(-3, 38) as i8),
            22 => A::Decimal256(76, self.between(-3, 76) as i8),
            23 => A::Date32,
            24 => A::Date64,
            25 => A::Time32(self.of(&[TimeUnit::Second, TimeUnit::Millisecond])),
            26 => A::Time64(self.of(&[TimeUnit::Microsecond, TimeUnit::Nanosecond])),
            27 => A::Timestamp(self.unit(), None),
            28 => A::Timestamp(self.unit(), Some(self.of(&["UTC", "Europe/Prague", "+02:00"]).into())),
            29 => A::Duration(self.unit()),
            30 => A::Interval(IntervalUnit::YearMonth),
            31 => A::Interval(IntervalUnit::DayTime),
            32 => A::Interval(IntervalUnit::MonthDayNano),
            33 => A::Null,
            34 => A::Utf8,
            35 | 36 => {
                let keys = self.of(&[A::Int8, A::UInt8, A::Int16, A::Int32, A::UInt32, A::Int64]);
                let values =
                    self.of(&[A::Utf8, A::Int64, A::Binary, A::Date32, A::Decimal128(20, 2), A::LargeUtf8]);
                A::Dictionary(Box::new(keys), Box::new(values))
            }
            37 => A::List(self.field("item", depth - 1)),
            38 => A::LargeList(self.field("item", depth - 1)),
            39 => A::FixedSizeList(self.field("item", depth - 1), self.below(4) as i32),
            40 => A::ListView(self.field("item", depth - 1)),
            41 => A::LargeListView(self.field("item", depth - 1)),
            42..=44 => {
                let names = ["a", "", "x\"y", "é\n"];
                let count = 1 + self.below(4);
                A::Struct(names[..count].iter().map(|name| self.field(name, depth - 1)).collect())
            }
            45 => {
                let keys = self.of(&[A::Utf8, A::LargeUtf8, A::Int32, A::Date32]);
                let fields = vec![Arc::new(Field::new("keys", keys, false)), self.field("values", depth - 1)];
                A::Map(Arc::new(Field::new("entries", A::Struct(fields.into()), false)), false)
            }
            46 => {
                let mode = self.of(&[UnionMode::Dense, UnionMode::Sparse]);
                let fields = [self.field("n", depth - 1), self.field("m", 0)];
                A::Union(UnionFields::try_new([3, 7], fields).unwrap(), mode)
            }
            _ => {
                let ends = self.of(&[A::Int16, A::Int32, A::Int64]);
                let values = self.of(&[A::Utf8, A::Int64, A::Boolean]);
                A::RunEndEncoded(
                    Arc::new(Field::new("run_ends", ends, false)),
                    Arc::new(Field::new("values", values, true)),
                )
            }
        }
    }

    fn field(&mut self, name: &str, depth: usize) -> FieldRef {
        let theirs = self.data_type(depth);
        let is_nullable = self.chance(2) || matches!(theirs, DataType::Null | DataType::RunEndEncoded(..));
        Arc::new(Field::new(name, theirs, is_nullable))
    }
}
