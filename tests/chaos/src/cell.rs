//! One value: as it stands in the file, as the target has to store it.

use rusqlite::types::{Value, ValueRef};

use crate::random::Random;

/// One value of a record.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// The field of the file, with its quotes.
    pub(crate) written: String,
    /// What SQLite has to hold.
    pub(crate) stored: Value,
}

impl Cell {
    fn text(written: impl Into<String>, stored: impl Into<String>) -> Cell {
        Cell { written: written.into(), stored: Value::Text(stored.into()) }
    }

    /// An integer of 64 bits.
    pub(crate) fn integer(value: i64) -> Cell {
        Cell { written: value.to_string(), stored: Value::Integer(value) }
    }

    /// The value is stored to the bit.
    pub(crate) fn is_stored_as(&self, found: ValueRef<'_>) -> bool {
        match (&self.stored, found) {
            (Value::Null, ValueRef::Null) => true,
            (Value::Integer(wanted), ValueRef::Integer(found)) => *wanted == found,
            (Value::Real(wanted), ValueRef::Real(found)) => wanted.to_bits() == found.to_bits(),
            (Value::Text(wanted), ValueRef::Text(found)) => wanted.as_bytes() == found,
            _ => false,
        }
    }
}

type Draw = fn(&mut Random) -> Cell;

/// Every column but `id` and `version`: a name and how a value of it is drawn.
pub(crate) const DRAWN: [(&str, Draw); 16] = [
    ("flag", |random| or_null(random, flag)),
    ("tiny", |random| or_null(random, |random| Cell::integer(random.between(-128, 127)))),
    ("number", |random| or_null(random, |random| Cell::integer(random.next() as i64))),
    ("wide", |random| or_null(random, |random| same(random.next().to_string()))),
    ("huge", |random| or_null(random, huge)),
    ("price", |random| or_null(random, price)),
    ("ratio", |random| or_null(random, ratio)),
    ("single", |random| or_null(random, single)),
    ("day", |random| or_null(random, |random| same(date(random, 1, 9999)))),
    ("moment", |random| or_null(random, moment)),
    ("instant", |random| or_null(random, instant)),
    ("fine_moment", |random| or_null(random, fine_moment)),
    ("fine_instant", |random| or_null(random, fine_instant)),
    ("code", |random| or_null(random, |random| same(format!("{:05}", random.below(20_000))))),
    ("note", note),
    ("word", word),
];

/// The types that no look at the values would find; for the option `types`.
pub(crate) const DECLARED: [(&str, &str); 4] =
    [("tiny", "int8"), ("wide", "uint64"), ("price", "decimal(12,2)"), ("single", "float32")];

fn or_null(random: &mut Random, draw: Draw) -> Cell {
    match random.below(8) {
        0 => null(random),
        _ => draw(random),
    }
}

fn null(random: &mut Random) -> Cell {
    Cell { written: random.choose(&["", "NA"]).to_owned(), stored: Value::Null }
}

/// Stored as it is written.
fn same(text: String) -> Cell {
    Cell::text(text.clone(), text)
}

fn flag(random: &mut Random) -> Cell {
    let written = random.choose(&["true", "false", "True", "False", "TRUE", "FALSE"]);
    Cell { written: written.to_owned(), stored: Value::Integer(written.eq_ignore_ascii_case("true").into()) }
}

/// Up to 38 digits.
fn huge(random: &mut Random) -> Cell {
    let digits = u128::from(random.next()) << 64 | u128::from(random.next());
    let sign = random.choose(&["", "-"]);
    same(format!("{sign}{}", digits % 10u128.pow(38) + 1))
}

fn price(random: &mut Random) -> Cell {
    let cents = random.between(-999_999_999_999, 999_999_999_999);
    let sign = if cents < 0 { "-" } else { "" };
    same(format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100))
}

fn ratio(random: &mut Random) -> Cell {
    let value = random.between(-(1 << 52), 1 << 52) as f64 / 1000.0;
    Cell { written: value.to_string(), stored: Value::Real(value) }
}

fn single(random: &mut Random) -> Cell {
    let value = random.between(-(1 << 23), 1 << 23) as f32 / 256.0;
    Cell { written: value.to_string(), stored: Value::Real(value.into()) }
}

fn date(random: &mut Random, first_year: i64, last_year: i64) -> String {
    let (year, month, day) =
        (random.between(first_year, last_year), random.between(1, 12), random.between(1, 28));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Minutes, seconds and a fraction: as written, and with all `digits`.
fn minutes(random: &mut Random, digits: usize) -> (String, String) {
    let (minute, second) = (random.below(60), random.below(60));
    let fraction = format!("{:0digits$}", random.below(10u64.pow(digits as u32)));
    let shortest = fraction.trim_end_matches('0');
    let dot = if shortest.is_empty() { "" } else { "." };
    (format!("{minute:02}:{second:02}{dot}{shortest}"), format!("{minute:02}:{second:02}.{fraction}"))
}

fn local(random: &mut Random, years: (i64, i64), digits: usize) -> Cell {
    let (date, hour) = (date(random, years.0, years.1), random.below(24));
    let (written, stored) = minutes(random, digits);
    let between = random.choose(&["T", " "]);
    Cell::text(format!("{date}{between}{hour:02}:{written}"), format!("{date}T{hour:02}:{stored}"))
}

/// With an offset that stays within the day.
fn zoned(random: &mut Random, years: (i64, i64), digits: usize) -> Cell {
    let (date, hour) = (date(random, years.0, years.1), random.between(0, 23));
    let (written, stored) = minutes(random, digits);
    let stored = format!("{date}T{hour:02}:{stored}Z");
    if random.percent(50) {
        return Cell::text(format!("{date}T{hour:02}:{written}Z"), stored);
    }
    let offset = random.between((-hour).max(-12), (23 - hour).min(12));
    let sign = if offset < 0 { '-' } else { '+' };
    Cell::text(format!("{date}T{:02}:{written}{sign}{:02}:00", hour + offset, offset.abs()), stored)
}

fn moment(random: &mut Random) -> Cell {
    local(random, (1, 9999), 6)
}

fn instant(random: &mut Random) -> Cell {
    zoned(random, (1, 9999), 6)
}

/// Nanoseconds in 64 bits reach from 1677 to 2262.
fn fine_moment(random: &mut Random) -> Cell {
    local(random, (1700, 2250), 9)
}

fn fine_instant(random: &mut Random) -> Cell {
    zoned(random, (1700, 2250), 9)
}

/// What is hard in CSV: always in quotes, and the empty text is not null.
fn note(random: &mut Random) -> Cell {
    const PIECES: [&str; 19] = [
        "\"", "\"\"", ",", "\n", "\r\n", "\r", "\t", "'", "\\", ";", "NA", "null", "ü", "漢字", "🦀",
        "e\u{301}", " ", "\u{feff}", "text",
    ];
    if random.percent(10) {
        return null(random);
    }
    let pieces = random.below(12);
    let text: String = (0..pieces).map(|_| random.choose(&PIECES)).collect();
    Cell::text(format!("\"{}\"", text.replace('"', "\"\"")), text)
}

/// Without quotes.
fn word(random: &mut Random) -> Cell {
    const WORDS: [&str; 8] = ["a", "Straße", "naïve", "Ελλάδα", "a\"b", " padded ", "x;y", "0x1F"];
    if random.percent(10) {
        return null(random);
    }
    same(random.choose(&WORDS).to_owned())
}
