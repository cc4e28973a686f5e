//! The types, and how a value of each is drawn.

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;

/// Where values go and come back from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// From PostgreSQL to PostgreSQL.
    Direct,
    /// By way of an SQLite file.
    BySqlite,
}

/// A value: as SQL, and why a route refuses it, as the error says it.
#[derive(Clone, Debug)]
pub struct Value {
    /// An expression that the server takes for the type.
    pub sql: String,
    /// Refused by the tap on its way into Arrow.
    pub refused_by_arrow: Option<&'static str>,
    /// Refused by SQLite on its way into its file.
    pub refused_by_sqlite: Option<&'static str>,
}

impl Value {
    fn good(sql: impl Into<String>) -> Value {
        Value { sql: sql.into(), refused_by_arrow: None, refused_by_sqlite: None }
    }

    fn not_in_arrow(self, why: &'static str) -> Value {
        Value { refused_by_arrow: Some(why), ..self }
    }

    fn not_in_sqlite(self, why: &'static str) -> Value {
        Value { refused_by_sqlite: Some(why), ..self }
    }

    /// Why this route refuses it.
    pub fn refusal(&self, route: Route) -> Option<&'static str> {
        match route {
            Route::Direct => self.refused_by_arrow,
            Route::BySqlite => self.refused_by_arrow.or(self.refused_by_sqlite),
        }
    }
}

/// A type: as SQL, and its values.
pub struct Kind {
    /// The type, with its modifier.
    pub sql: &'static str,
    /// Its values.
    pub draw: fn() -> BoxedStrategy<Value>,
}

fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn quoted(value: impl std::fmt::Display) -> Value {
    Value::good(format!("'{value}'"))
}

fn number<T: Arbitrary + std::fmt::Display + 'static>(ends: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop_oneof![1 => prop::sample::select(ends).prop_map(quoted), 3 => any::<T>().prop_map(quoted)].boxed()
}

/// Letters that hurt: of several bytes, of several units, combining, unprintable, quotes.
fn letters() -> BoxedStrategy<String> {
    let one = prop_oneof![
        4 => prop::char::range('a', 'z'),
        2 => prop::sample::select(vec![' ', '\'', '"', '\\', ',', '{', '}', '(', ')', '\n', '\r', '\t', '\u{1}', '\u{7f}', ':', '%']),
        1 => prop::sample::select(vec!['é', 'ž', '漢', '😀', '\u{301}', '\u{feff}', '\u{202e}', '\u{fffd}', 'ß', 'İ']),
        1 => any::<char>().prop_filter("the server's text has no NUL", |c| *c != '\0'),
    ];
    prop::collection::vec(one, 0..12).prop_map(|all| all.into_iter().collect()).boxed()
}

fn text() -> BoxedStrategy<Value> {
    prop_oneof![
        6 => letters().prop_map(|text| Value::good(literal(&text))),
        1 => prop::sample::select(vec!["''", "'NULL'", "'null'", "'\\N'", "'0'", "'007'", "repeat('x', 3000)"]).prop_map(Value::good),
    ]
    .boxed()
}

fn digits(before: u32, behind: u32) -> BoxedStrategy<Value> {
    let whole = prop::collection::vec(0u8..10, 1..=before.max(1) as usize);
    let fraction = prop::collection::vec(0u8..10, behind as usize);
    let text = |digits: Vec<u8>| digits.iter().map(|digit| char::from(b'0' + digit)).collect::<String>();
    (any::<bool>(), whole, fraction)
        .prop_map(move |(is_negative, whole, fraction)| {
            let sign = if is_negative { "-" } else { "" };
            let whole = if before == 0 { "0".to_owned() } else { text(whole) };
            match fraction.is_empty() {
                true => Value::good(format!("{sign}{whole}")),
                false => Value::good(format!("{sign}{whole}.{}", text(fraction))),
            }
        })
        .boxed()
}

const NO_DECIMAL: &str = "NaN, which a decimal cannot be";

fn decimal(before: u32, behind: u32) -> BoxedStrategy<Value> {
    let nan = Just(quoted("NaN").not_in_arrow(NO_DECIMAL));
    prop_oneof![200 => digits(before, behind), 1 => nan].boxed()
}

fn float<T: Arbitrary + std::fmt::Debug + Copy + 'static>(
    show: fn(T) -> String,
    ends: &'static [&'static str],
) -> BoxedStrategy<Value> {
    let good = |text: String| match text.as_str() {
        "NaN" => quoted("NaN").not_in_sqlite("NaN, which SQLite would store as NULL"),
        "inf" => quoted("Infinity"),
        "-inf" => quoted("-Infinity"),
        _ => quoted(text),
    };
    prop_oneof![
        6 => any::<T>().prop_map(move |value| good(show(value))),
        2 => prop::sample::select(ends).prop_map(quoted),
    ]
    .boxed()
}

const FAR_DATE: &str = "outside of the years 0001 to 9999";

/// A day between the ends of the server, as its text.
fn day() -> BoxedStrategy<(String, bool)> {
    let near = (1i32..=9999, 1u32..=12, 1u32..=28)
        .prop_map(|(year, month, day)| (format!("{year:04}-{month:02}-{day:02}"), true));
    let far =
        (10_000i32..=290_000, 1u32..=12).prop_map(|(year, month)| (format!("{year}-{month:02}-28"), false));
    let before =
        (1i32..=4712, 1u32..=12).prop_map(|(year, month)| (format!("{year:04}-{month:02}-01 BC"), false));
    prop_oneof![60 => near, 1 => far, 1 => before].boxed()
}

fn date() -> BoxedStrategy<Value> {
    let infinite = prop::sample::select(vec!["infinity", "-infinity"])
        .prop_map(|text| quoted(text).not_in_arrow("which Arrow has no value for"));
    let day = day().prop_map(|(text, is_near)| match is_near {
        true => quoted(text),
        false => quoted(text).not_in_sqlite(FAR_DATE),
    });
    prop_oneof![200 => day, 1 => infinite].boxed()
}

fn moment(zone: &'static str) -> BoxedStrategy<Value> {
    let infinite = prop::sample::select(vec!["infinity", "-infinity"])
        .prop_map(|text| quoted(text).not_in_arrow("which Arrow has no value for"));
    let moment = (day(), 0u32..86_400, 0u32..1_000_000).prop_map(move |((day, is_near), second, micro)| {
        let (day, era) = day.split_once(' ').unwrap_or((&day, ""));
        let time = format!("{:02}:{:02}:{:02}.{micro:06}", second / 3600, second / 60 % 60, second % 60);
        let value = quoted(format!("{day} {time}{zone} {era}"));
        if is_near { value } else { value.not_in_sqlite(FAR_DATE) }
    });
    prop_oneof![200 => moment, 1 => infinite].boxed()
}

fn time() -> BoxedStrategy<Value> {
    let time = (0u32..86_400, 0u32..1_000_000).prop_map(|(second, micro)| {
        quoted(format!("{:02}:{:02}:{:02}.{micro:06}", second / 3600, second / 60 % 60, second % 60))
    });
    let midnight = Just(quoted("24:00:00").not_in_sqlite("a time of day outside of 00:00 to 24:00"));
    prop_oneof![60 => time, 1 => midnight].boxed()
}

fn interval() -> BoxedStrategy<Value> {
    let usual = (any::<i16>(), any::<i32>(), -9_000_000_000_000_000i64..9_000_000_000_000_000)
        .prop_map(|(months, days, micros)| quoted(format!("{months} mon {days} day {micros} microsecond")));
    let long = Just(quoted("2600000 hours").not_in_arrow("more than 292 years"));
    prop_oneof![200 => usual, 1 => long].boxed()
}

fn json_text() -> BoxedStrategy<String> {
    let string = letters().prop_map(|text| {
        let escaped: String = text
            .chars()
            .map(|c| match c {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                c if c < ' ' => format!("\\u{:04x}", c as u32),
                c => c.to_string(),
            })
            .collect();
        format!("\"{escaped}\"")
    });
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        prop::sample::select(vec!["1.10", "1e400", "-0", "0.0", "123456789012345678901234567890"])
            .prop_map(str::to_owned),
        string.clone(),
    ];
    let nested = leaf.prop_recursive(3, 16, 4, move |inner| {
        let pair = (string.clone(), inner.clone()).prop_map(|(key, value)| format!("{key}:{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(pair, 0..4).prop_map(|pairs| format!("{{{}}}", pairs.join(","))),
        ]
    });
    nested.boxed()
}

fn json() -> BoxedStrategy<Value> {
    json_text().prop_map(|text| Value::good(literal(&text))).boxed()
}

fn bytes() -> BoxedStrategy<Value> {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    prop::collection::vec(any::<u8>(), 0..20)
        .prop_map(move |bytes| Value::good(format!("'\\x{}'", hex(bytes))))
        .boxed()
}

fn uuid() -> BoxedStrategy<Value> {
    any::<u128>()
        .prop_map(|bits| {
            let hex = format!("{bits:032x}");
            quoted(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
        })
        .boxed()
}

fn chosen(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop::sample::select(values).prop_map(Value::good).boxed()
}

/// An array of one or, where `depth` says so, two dimensions; refused is what one of its items is refused for.
fn array(items: BoxedStrategy<Value>, of: &'static str, depth: usize) -> BoxedStrategy<Value> {
    let item = prop_oneof![6 => items, 1 => Just(Value::good("NULL"))];
    let join = move |items: &[Value]| {
        let list: Vec<&str> = items.iter().map(|item| item.sql.as_str()).collect();
        format!("ARRAY[{}]", list.join(", "))
    };
    let rows = prop::collection::vec(prop::collection::vec(item, 3), 1..4);
    (rows, 0usize..=3)
        .prop_map(move |(mut rows, width)| {
            rows.iter_mut().for_each(|row| row.truncate(width));
            rows.truncate(if depth == 1 { 1 } else { 3 });
            let sql = match (width, depth) {
                (0, _) => "'{}'".to_owned(),
                (_, 1) => format!("{}::{of}[]", join(&rows[0])),
                _ => format!(
                    "ARRAY[{}]::{of}[]",
                    rows.iter().map(|row| join(row)).collect::<Vec<_>>().join(", ")
                ),
            };
            let find = |get: fn(&Value) -> Option<&'static str>| rows.iter().flatten().find_map(get);
            Value {
                sql,
                refused_by_arrow: find(|value| value.refused_by_arrow),
                refused_by_sqlite: find(|value| value.refused_by_sqlite),
            }
        })
        .boxed()
}

/// The types. Their order is part of what a seed means.
pub const KINDS: &[Kind] = &[
    Kind { sql: "boolean", draw: || chosen(&["true", "false"]) },
    Kind { sql: "smallint", draw: || number::<i16>(&["-32768", "32767", "0"]) },
    Kind { sql: "integer", draw: || number::<i32>(&["-2147483648", "2147483647", "0"]) },
    Kind { sql: "bigint", draw: || number::<i64>(&["-9223372036854775808", "9223372036854775807"]) },
    Kind { sql: "oid", draw: || number::<u32>(&["0", "4294967295"]) },
    Kind {
        sql: "real",
        draw: || float::<f32>(|value| format!("{value:?}"), &["-0", "1e-45", "3.4028235e38"]),
    },
    Kind {
        sql: "double precision",
        draw: || float::<f64>(|value| format!("{value:?}"), &["-0", "5e-324", "0.1"]),
    },
    Kind { sql: "numeric(12,2)", draw: || decimal(10, 2) },
    Kind { sql: "numeric(38,10)", draw: || decimal(28, 10) },
    Kind { sql: "numeric(38,38)", draw: || decimal(0, 38) },
    Kind { sql: "numeric(76,0)", draw: || decimal(76, 0) },
    Kind { sql: "numeric(60,30)", draw: || decimal(30, 30) },
    Kind { sql: "numeric(90,3)", draw: || digits(80, 3) },
    Kind {
        sql: "numeric",
        draw: || {
            prop_oneof![
                digits(50, 0),
                digits(3, 40),
                chosen(&["'NaN'", "'Infinity'", "'-Infinity'", "1e300", "0.00"])
            ]
            .boxed()
        },
    },
    Kind { sql: "text", draw: text },
    Kind { sql: "varchar(4000)", draw: text },
    Kind { sql: "character(6)", draw: || chosen(&["''", "'a'", "'ab  '", "'čšřžýá'"]) },
    Kind { sql: "name", draw: || chosen(&["''", "'a'", "'ž'"]) },
    Kind { sql: "\"char\"", draw: || chosen(&["''", "'a'", "'\\377'"]) },
    Kind { sql: "bytea", draw: bytes },
    Kind { sql: "date", draw: date },
    Kind { sql: "time", draw: time },
    Kind { sql: "time(2)", draw: time },
    Kind { sql: "timetz", draw: || chosen(&["'00:00+14'", "'23:59:59.999999-12:00:30'"]) },
    Kind { sql: "timestamp", draw: || moment("") },
    Kind { sql: "timestamptz", draw: || moment("+02:30") },
    Kind { sql: "timestamp(0)", draw: || moment("") },
    Kind { sql: "interval", draw: interval },
    Kind { sql: "uuid", draw: uuid },
    Kind { sql: "json", draw: json },
    Kind { sql: "jsonb", draw: json },
    Kind { sql: "mood", draw: || chosen(&["'sad'", "'it''s \"fine\"'", "'happy'"]) },
    Kind { sql: "positive", draw: || (1i32..).prop_map(quoted).boxed() },
    Kind { sql: "point2", draw: || chosen(&["ROW(1, 'a,\"b')", "ROW(NULL, '')", "ROW(NULL, NULL)"]) },
    Kind { sql: "integer[]", draw: || array(number::<i32>(&["0"]), "integer", 1) },
    Kind { sql: "integer[][]", draw: || array(number::<i32>(&["0"]), "integer", 2) },
    Kind { sql: "text[]", draw: || array(text(), "text", 1) },
    Kind { sql: "numeric(12,2)[]", draw: || array(decimal(10, 2), "numeric(12,2)", 1) },
    Kind { sql: "timestamptz[]", draw: || array(moment("+00"), "timestamptz", 1) },
    Kind { sql: "mood[]", draw: || array(chosen(&["'sad'", "'happy'"]), "mood", 1) },
    Kind { sql: "bytea[]", draw: || array(bytes(), "bytea", 1) },
    Kind { sql: "int4range", draw: || chosen(&["'[1,5)'", "'empty'", "'(,)'"]) },
    Kind { sql: "nummultirange", draw: || chosen(&["'{[1.0,2.50),[5,7]}'", "'{}'"]) },
    Kind { sql: "bit(5)", draw: || chosen(&["B'10101'", "B'00000'"]) },
    Kind { sql: "bit varying", draw: || chosen(&["B''", "B'1'"]) },
    Kind { sql: "inet", draw: || chosen(&["'192.168.1.5/24'", "'::1'"]) },
    Kind { sql: "cidr", draw: || chosen(&["'10.0.0.0/8'", "'::/0'"]) },
    Kind { sql: "macaddr", draw: || chosen(&["'08:00:2b:01:02:03'"]) },
    Kind { sql: "hstore", draw: || chosen(&["'a=>1, b=>NULL'", "'\"x \\\"y\"=>\"\"'", "''"]) },
    Kind { sql: "money", draw: || chosen(&["'1234.56'", "'-0.01'"]) },
    Kind { sql: "xml", draw: || chosen(&["'<a>č</a>'", "'t'"]) },
    Kind { sql: "citext", draw: text },
    Kind { sql: "point", draw: || chosen(&["'(1.5,-0)'", "'(1e300,NaN)'"]) },
    Kind { sql: "tsvector", draw: || chosen(&["'a:1 b:2A'", "''"]) },
];
