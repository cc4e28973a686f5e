//! Values at random, of every type.

use crate::random::Random;
use crate::value::Value;

pub(crate) fn flag(random: &mut Random) -> Value {
    Value::Bool(random.percent(50))
}

/// Up to 38 digits.
pub(crate) fn huge(random: &mut Random) -> Value {
    let digits = u128::from(random.next()) << 64 | u128::from(random.next());
    let sign = random.choose(&["", "-"]);
    Value::Number(format!("{sign}{}", digits % 10u128.pow(38) + 1))
}

/// `decimal(12,2)`.
pub(crate) fn price(random: &mut Random) -> Value {
    let cents = random.between(-999_999_999_999, 999_999_999_999);
    let sign = if cents < 0 { "-" } else { "" };
    Value::Number(format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100))
}

/// A number whose digits nobody has declared.
pub(crate) fn amount(random: &mut Random) -> Value {
    let whole = random.between(-(1 << 60), 1 << 60);
    let digits = random.below(30) as usize;
    match random.below(20) {
        0 => Value::Server("NaN".to_owned()),
        _ if digits == 0 => Value::Number(whole.to_string()),
        _ => Value::Number(format!("{whole}.{:0digits$}", random.below(10u64.pow(digits.min(19) as u32)))),
    }
}

pub(crate) fn ratio(random: &mut Random) -> Value {
    Value::Double(random.between(-(1 << 52), 1 << 52) as f64 / 1000.0)
}

/// Doubles that are easily lost, now and then.
pub(crate) fn edge(random: &mut Random) -> Option<Value> {
    const EDGES: [f64; 6] = [-0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 5e-324];
    random.percent(5).then(|| Value::Double(EDGES[random.below(EDGES.len() as u64) as usize]))
}

pub(crate) fn single(random: &mut Random) -> Value {
    Value::Single(random.between(-(1 << 23), 1 << 23) as f32 / 256.0)
}

fn date(random: &mut Random, first_year: i64, last_year: i64) -> String {
    let (year, month, day) =
        (random.between(first_year, last_year), random.between(1, 12), random.between(1, 28));
    format!("{year:04}-{month:02}-{day:02}")
}

pub(crate) fn day(random: &mut Random) -> Value {
    Value::Day(date(random, 1, 9999))
}

fn at(random: &mut Random, years: (i64, i64), digits: usize, is_utc: bool) -> Value {
    let (date, hour) = (date(random, years.0, years.1), random.below(24));
    let (minute, second) = (random.below(60), random.below(60));
    let fraction = random.below(10u64.pow(digits as u32));
    let text = format!("{date}T{hour:02}:{minute:02}:{second:02}.{fraction:0digits$}");
    Value::Moment { text, is_utc }
}

/// To the microsecond.
pub(crate) fn moment(random: &mut Random, is_utc: bool) -> Value {
    at(random, (1, 9999), 6, is_utc)
}

/// To the nanosecond: 64 bits of them reach from 1677 to 2262.
pub(crate) fn fine_moment(random: &mut Random, is_utc: bool) -> Value {
    at(random, (1700, 2250), 9, is_utc)
}

/// What is hard in files and in statements. The empty text is not null.
pub(crate) fn note(random: &mut Random) -> Value {
    const PIECES: [&str; 20] = [
        "\"", "\"\"", ",", "\n", "\r\n", "\r", "\t", "'", "\\", ";", "NA", "null", "\\N", "ü", "漢字", "🦀",
        "e\u{301}", " ", "\u{feff}", "text",
    ];
    let pieces = random.below(12);
    Value::Text((0..pieces).map(|_| random.choose(&PIECES)).collect())
}

/// What needs no quotes in a file.
pub(crate) fn word(random: &mut Random) -> Value {
    const WORDS: [&str; 8] = ["a", "Straße", "naïve", "Ελλάδα", "a\"b", " padded ", "x;y", "0x1F"];
    Value::Text(random.choose(&WORDS).to_owned())
}

pub(crate) fn body(random: &mut Random) -> Value {
    Value::Bytes((0..random.below(24)).map(|_| random.next() as u8).collect())
}

/// As `jsonb` writes it.
pub(crate) fn tree(random: &mut Random) -> Value {
    let (number, text) = (random.between(-999, 999), random.choose(&["", "a\\\"b", "漢字", "\\n", "{}"]));
    Value::Json(match random.below(4) {
        0 => format!("{number}"),
        1 => format!("[{number}, null, \"{text}\"]"),
        2 => "{}".to_owned(),
        _ => format!("{{\"a\": {number}, \"bc\": {{\"text\": \"{text}\"}}}}"),
    })
}

/// Texts that all need the quotes of an array.
pub(crate) fn tags(random: &mut Random) -> Value {
    const TAGS: [&str; 6] = ["NULL", "\"\"", "\"a b\"", "\"c,d\"", "\"say \\\"hi\\\"\"", "\"back\\\\slash\""];
    let tags: Vec<&str> = (0..random.below(5)).map(|_| random.choose(&TAGS)).collect();
    Value::Server(format!("{{{}}}", tags.join(",")))
}

/// Two dimensions.
pub(crate) fn grid(random: &mut Random) -> Value {
    const ITEMS: [&str; 6] = ["0", "-1.5", "NULL", "NaN", "Infinity", "1e+100"];
    let (rows, columns) = (random.below(3), 1 + random.below(3));
    let row = |random: &mut Random| {
        let items: Vec<&str> = (0..columns).map(|_| random.choose(&ITEMS)).collect();
        format!("{{{}}}", items.join(","))
    };
    let rows: Vec<String> = (0..rows).map(|_| row(random)).collect();
    Value::Server(format!("{{{}}}", rows.join(",")))
}

pub(crate) fn span(random: &mut Random) -> Value {
    let from = random.between(-1000, 1000);
    Value::Server(match random.below(4) {
        0 => "empty".to_owned(),
        1 => format!("[{from},)"),
        2 => format!("(,{from})"),
        _ => format!("[{from},{})", from + random.between(1, 1000)),
    })
}

pub(crate) fn address(random: &mut Random) -> Value {
    let mut byte = || random.below(256);
    let (a, b, c, d) = (byte(), byte(), byte(), byte());
    Value::Server(if d < 128 { format!("{a}.{b}.{c}.{d}") } else { format!("{a}.{b}.{c}.0/24") })
}
