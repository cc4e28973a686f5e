//! Batches that are malformed in one way each: one column `c` in a struct, with the honest size of every buffer, where
//! the case is not about those. A size is wrong only of a pointer to nowhere, which has none.

use std::ffi::CStr;

use crate::arrays::{Bytes, Node, Type, bytes, i32s};

/// What each case does, by number. The first is well formed.
pub const CASES: [&str; 40] = [
    "utf8, well formed",
    "utf8 offsets fall",
    "utf8 last offset 100 MB past a buffer of 3 bytes",
    "utf8 last offset 61 bytes past a buffer of 3 bytes",
    "utf8 last offset below zero",
    "utf8 without offsets",
    "utf8 with 2 buffers",
    "utf8 without buffers",
    "utf8 that is no UTF-8",
    "int32 without values",
    "int32 of length -1",
    "int32 of length 2^61",
    "int32 of length 1,000,000 over 4 bytes",
    "int32 with nulls and a null count of 0",
    "int32 with 1 null and a null count of 3",
    "utf8 declared, int32 delivered",
    "int64 declared, int32 delivered",
    "a format that does not exist",
    "no format",
    "a struct without the child it declares",
    "a struct with a null pointer for a child",
    "a struct with a child that is too short",
    "a dictionary key without a value",
    "a column that is released already",
    "values at an address that nobody owns",
    "decimal128 of precision 40",
    "offset -1",
    "length and offset that overflow",
    "a batch that is released already",
    "no sizes of buffers",
    "one size too few",
    "one size too many",
    "a size below zero",
    "nulls at the top of the batch",
    "a column more than declared",
    "a view past the end of its buffer",
    "a list whose last offset is past its child",
    "a dense union with an offset past its child",
    "runs that do not rise",
    "a fixed-size list with too short a child",
];

/// One case.
pub(crate) struct Case {
    pub(crate) columns: Vec<Type>,
    pub(crate) batch: Node,
    /// What is done to the sizes of the buffers.
    pub(crate) sizes: Sizes,
}

/// What is done to the sizes of the buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sizes {
    Honest,
    Missing,
    OneLess,
    OneMore,
    BelowZero,
}

const NO: Bytes = Bytes::Null;

fn text(text: &[u8]) -> Bytes {
    Bytes::Some(text.to_vec())
}

fn ints(length: i64, numbers: &[i32]) -> (Type, Node) {
    (Type::new(c"i"), Node::new(length, 0, vec![NO, i32s(numbers)]))
}

fn utf8(offsets: &[i32], values: &[u8]) -> (Type, Node) {
    let length = offsets.len() as i64 - 1;
    (Type::new(c"u"), Node::new(length, 0, vec![NO, i32s(offsets), text(values)]))
}

fn nested(format: &'static CStr, child: Type, node: Node, children: Vec<Option<Node>>) -> (Type, Node) {
    (Type { children: vec![child], ..Type::new(format) }, Node { children, ..node })
}

/// The column of case `number`.
fn column(number: usize) -> (Type, Node) {
    let four = [1, 2, 3, 4];
    match number {
        1 => utf8(&[0, 3, 1, 3], b"abc"),
        2 => utf8(&[0, 1, 100_000_000], b"abc"),
        3 => utf8(&[0, 1, 64], b"abc"),
        4 => utf8(&[0, 1, -5], b"abc"),
        5 => (Type::new(c"u"), Node::new(2, 0, vec![NO, NO, text(b"abc")])),
        6 => (Type::new(c"u"), Node::new(2, 0, vec![NO, i32s(&[0, 1, 3])])),
        7 => (Type::new(c"u"), Node::new(2, 0, vec![])),
        8 => utf8(&[0, 2], b"\xff\xfe"),
        9 => (Type::new(c"i"), Node::new(4, 0, vec![NO, NO])),
        10 => ints(-1, &[1]),
        11 => ints(1 << 61, &[1]),
        12 => ints(1_000_000, &[1]),
        13 => (Type::new(c"i"), Node::new(4, 0, vec![Bytes::Some(vec![0b0101]), i32s(&four)])),
        14 => (Type::new(c"i"), Node::new(4, 3, vec![Bytes::Some(vec![0b0111]), i32s(&four)])),
        15 => (Type::new(c"u"), ints(4, &four).1),
        16 => (Type::new(c"l"), ints(4, &four).1),
        17 => (Type::new(c"Zq9"), ints(1, &[1]).1),
        18 => (Type { format: None, ..Type::new(c"i") }, ints(1, &[1]).1),
        19 => nested(c"+s", Type::new(c"i"), Node::new(1, 0, vec![NO]), vec![]),
        20 => nested(c"+s", Type::new(c"i"), Node::new(1, 0, vec![NO]), vec![None]),
        21 => nested(c"+s", Type::new(c"i"), Node::new(4, 0, vec![NO]), vec![Some(ints(1, &[1]).1)]),
        22 => {
            let (values_type, values) = utf8(&[0, 1], b"a");
            let keys = Node { dictionary: Some(values.into()), ..ints(2, &[0, 99]).1 };
            (Type { dictionary: Some(values_type.into()), ..Type::new(c"i") }, keys)
        }
        23 => (Type::new(c"i"), Node { released: true, ..ints(1, &[1]).1 }),
        24 => (Type::new(c"i"), Node::new(4, 0, vec![NO, Bytes::At(0x10, 16)])),
        25 => (Type::new(c"d:40,2"), Node::new(1, 0, vec![NO, bytes(&[1_i128], i128::to_le_bytes)])),
        26 => (Type::new(c"i"), Node { offset: -1, ..ints(1, &[1, 2]).1 }),
        27 => (Type::new(c"i"), Node { offset: i64::MAX, ..ints(i64::MAX, &[1, 2]).1 }),
        35 => {
            // A view of 20 bytes at byte 100 of a buffer of 20.
            let mut view = 20_i32.to_le_bytes().to_vec();
            view.extend(b"abcd");
            view.extend([0_i32.to_le_bytes(), 100_i32.to_le_bytes()].concat());
            let lengths = bytes(&[20_i64], i64::to_le_bytes);
            let buffers = vec![NO, Bytes::Some(view), text(b"abcdefghijklmnopqrst"), lengths];
            (Type::new(c"vu"), Node::new(1, 0, buffers))
        }
        36 => {
            let lists = Node::new(2, 0, vec![NO, i32s(&[0, 1, 9])]);
            nested(c"+l", Type::new(c"i"), lists, vec![Some(ints(2, &[1, 2]).1)])
        }
        37 => {
            let union = Node::new(2, 0, vec![Bytes::Some(vec![0, 0]), i32s(&[0, 7])]);
            nested(c"+ud:0", Type::new(c"i"), union, vec![Some(ints(2, &[1, 2]).1)])
        }
        38 => {
            let (ends_type, ends) = ints(3, &[2, 1, 4]);
            let (values_type, values) = ints(3, &[7, 8, 9]);
            let ends_type = Type { name: c"run_ends", ..ends_type };
            let values_type = Type { name: c"values", ..values_type };
            let runs = Node { children: vec![Some(ends), Some(values)], ..Node::new(4, 0, vec![]) };
            (Type { children: vec![ends_type, values_type], ..Type::new(c"+r") }, runs)
        }
        39 => nested(
            c"+w:3",
            Type::new(c"i"),
            Node::new(2, 0, vec![NO]),
            vec![Some(ints(5, &[1, 2, 3, 4, 5]).1)],
        ),
        28..=34 => ints(4, &four),
        _ => utf8(&[0, 1, 3], b"abc"),
    }
}

impl Case {
    /// Case `number` of [`CASES`].
    pub(crate) fn new(number: usize) -> Case {
        let (column_type, column) = column(number);
        let mut batch = Node::new(column.length, 0, vec![NO]);
        let mut columns = vec![column_type];
        batch.children.push(Some(column));
        let mut sizes = Sizes::Honest;
        match number {
            28 => batch.released = true,
            29 => sizes = Sizes::Missing,
            30 => sizes = Sizes::OneLess,
            31 => sizes = Sizes::OneMore,
            32 => sizes = Sizes::BelowZero,
            33 => (batch.null_count, batch.buffers) = (1, vec![Bytes::Some(vec![0b0111])]),
            34 => batch.children.push(Some(ints(4, &[5, 6, 7, 8]).1)),
            // The column is too long for the batch to be as long.
            10 | 11 | 27 => batch.length = 1,
            _ => {}
        }
        columns.truncate(1);
        Case { columns, batch, sizes }
    }

    /// A batch of four numbers, well formed.
    pub(crate) fn numbers() -> Case {
        Case {
            columns: vec![Type::new(c"i")],
            batch: Node { children: vec![Some(ints(4, &[1, 2, 3, 4]).1)], ..Node::new(4, 0, vec![NO]) },
            sizes: Sizes::Honest,
        }
    }

    /// The column's format where arrow-rs knows it, for the catalog.
    pub(crate) fn catalog_column(number: usize) -> serde_json::Value {
        fn json(of: &Type) -> Option<serde_json::Value> {
            let format = of.format?.to_str().ok()?;
            let children = of.children.iter().map(json).collect::<Option<Vec<_>>>()?;
            let dictionary = of.dictionary.as_ref().map(|values| json(values));
            let mut column = serde_json::json!({
                "name": of.name.to_str().ok()?, "format": format, "children": children
            });
            if let Some(dictionary) = dictionary {
                column["dictionary"] = dictionary?;
            }
            Some(column)
        }
        let known = !matches!(number, 17 | 18 | 25);
        let column = known.then(|| json(&column(number).0)).flatten();
        column.unwrap_or_else(|| serde_json::json!({ "name": "c", "format": "i" }))
    }
}
