//! Number → value, for every type. A row's number is all that a value depends on.

/// The number behind a value: a pure function of the seed, the stream, the column and the row.
///
/// ```
/// assert_eq!(dstream_synthetic::bits(7, "orders", "total", 12), dstream_synthetic::bits(7, "orders", "total", 12));
/// ```
pub fn bits(seed: u64, stream: &str, column: &str, row: u64) -> u64 {
    at(base(seed, stream, column), row)
}

/// What is the same for every row of a column.
pub(crate) fn base(seed: u64, stream: &str, column: &str) -> u64 {
    let text = |hash: u64, text: &str| {
        text.bytes().fold(mix(hash ^ text.len() as u64), |hash, byte| mix(hash ^ u64::from(byte)))
    };
    text(text(mix(seed), stream), column)
}

/// The number of one row.
#[inline]
pub(crate) fn at(base: u64, row: u64) -> u64 {
    mix(base.wrapping_add(row.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// The `n`th number that follows from `bits`.
#[inline]
pub(crate) fn next(bits: u64, n: u64) -> u64 {
    mix(bits ^ (n + 1).wrapping_mul(0xD1B5_4A32_D192_ED03))
}

/// SplitMix64.
#[inline]
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Whether the value is null, where `share` of all are: `share` of 2^64.
#[inline]
pub(crate) fn is_null(bits: u64, share: u64) -> bool {
    share > 0 && next(bits, u64::MAX - 1) <= share
}

pub(crate) fn int32(bits: u64) -> i32 {
    (bits >> 32) as i32
}

/// 53 bits with 20 of them after the point: written as text and read again it is the same float.
pub(crate) fn float64(bits: u64) -> f64 {
    (bits as i64 >> 11) as f64 / 1_048_576.0
}

pub(crate) fn decimal(bits: u64) -> i128 {
    (bits as i64 % 1_000_000_000_000_000_000).into()
}

pub(crate) fn date(bits: u64) -> i32 {
    (bits % 73_049) as i32 - 36_524
}

pub(crate) fn timestamp(bits: u64) -> i64 {
    const CENTURIES: u64 = 73_049 * 86_400_000_000;
    (bits % CENTURIES) as i64 - 25_567 * 86_400_000_000
}

pub(crate) const CATEGORIES: u64 = 64;

pub(crate) fn category(bits: u64) -> i32 {
    (bits % CATEGORIES) as i32
}

pub(crate) fn utf8(bits: u64, out: &mut Vec<u8>) {
    letters(bits, 4 + (bits % 17) as usize, out);
}

pub(crate) fn text(bits: u64, out: &mut Vec<u8>) {
    letters(bits, 200 + (bits % 1801) as usize, out);
}

pub(crate) const HARD: [&str; 16] = [
    "",
    " ",
    "a,b;c\td",
    "say \"hi\"",
    "two\nlines",
    "two\r\nlines",
    "ä€漢😀",
    "back\\slash",
    "it's; --",
    "null",
    "NULL",
    "0012",
    "1e5",
    "true",
    "{\"k\": [1]}",
    " both ends ",
];

pub(crate) fn hard_text(bits: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(HARD[(bits % 16) as usize].as_bytes());
    if bits & 16 != 0 {
        letters(bits, 3, out);
    }
}

pub(crate) fn binary(bits: u64, out: &mut Vec<u8>) {
    let end = out.len() + (bits % 33) as usize;
    let mut n = 0;
    while out.len() < end {
        out.extend_from_slice(&next(bits, n).to_le_bytes());
        n += 1;
    }
    out.truncate(end);
}

pub(crate) fn list_len(bits: u64) -> u64 {
    bits % 5
}

pub(crate) fn list_item(bits: u64, index: u64) -> i64 {
    next(bits, index) as i64
}

/// Letters from `a` to `p`, 16 of them from one number.
fn letters(bits: u64, len: usize, out: &mut Vec<u8>) {
    let end = out.len() + len;
    let mut n = 0;
    while out.len() < end {
        let word = next(bits, n);
        out.extend_from_slice(&eight_letters(word as u32));
        out.extend_from_slice(&eight_letters((word >> 32) as u32));
        n += 1;
    }
    out.truncate(end);
}

/// A letter for each of the eight nibbles.
#[inline]
fn eight_letters(nibbles: u32) -> [u8; 8] {
    let x = u64::from(nibbles);
    let x = (x | x << 16) & 0x0000_FFFF_0000_FFFF;
    let x = (x | x << 8) & 0x00FF_00FF_00FF_00FF;
    let x = (x | x << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    (x + 0x6161_6161_6161_6161).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_what_they_are() {
        assert_eq!(bits(1, "s", "c", 2), 9_648_321_936_995_947_070);
    }

    #[test]
    fn numbers_depend_on_every_part() {
        let one = bits(1, "s", "c", 2);
        for other in [
            bits(2, "s", "c", 2),
            bits(1, "t", "c", 2),
            bits(1, "s", "d", 2),
            bits(1, "s", "c", 3),
            bits(1, "sc", "", 2),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn days_and_times_stay_in_their_range() {
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for row in 0..100_000 {
            let bits = at(1, row);
            assert!((-36_524..=36_524).contains(&date(bits)));
            first = first.min(timestamp(bits));
            last = last.max(timestamp(bits));
        }
        // 1900-01-01 and 2100-01-01.
        assert!(first >= -2_208_988_800_000_000 && last < 4_102_444_800_000_000, "{first} {last}");
    }

    #[test]
    fn letters_are_letters() {
        let mut out = Vec::new();
        text(at(3, 4), &mut out);
        assert!(out.len() >= 200 && out.iter().all(|byte| (b'a'..=b'p').contains(byte)));
    }
}
