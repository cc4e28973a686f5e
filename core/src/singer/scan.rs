//! The inside of JSON strings: where plain text ends, and the characters that stand as numbers.

use super::fault::{Fault, Parsed};

/// The character behind `\u` at `at`, and where it ends.
pub(crate) fn unicode(bytes: &[u8], at: usize) -> Parsed<(char, usize)> {
    let unit = |at: usize| -> Option<u32> {
        let digits = bytes.get(at + 2..at + 6)?;
        digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | (digit as char).to_digit(16)?))
    };
    let Some(first) = unit(at) else { return Fault::syntax(at, "`\\u` needs four hexadecimal digits") };
    if let Some(found) = char::from_u32(first) {
        return Ok((found, at + 6));
    }
    let second = if bytes[at + 6..].starts_with(b"\\u") { unit(at + 6) } else { None };
    match (first, second) {
        (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) => {
            let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            Ok((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), at + 12))
        }
        _ => Fault::syntax(at, "a string holds half of a surrogate pair, which is no character"),
    }
}

/// The next byte from `at` that cannot stand in a JSON string as it is: `"`, `\` or a control character.
#[inline]
pub(crate) fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        // A byte below 0x20, or that becomes 0 by the exclusive or, borrows from its high bit; the lowest hit is exact.
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = (word ^ (ONES * 0x22)).wrapping_sub(ONES) & !(word ^ (ONES * 0x22));
        let slash = (word ^ (ONES * 0x5C)).wrapping_sub(ONES) & !(word ^ (ONES * 0x5C));
        let hits = (control | quote | slash) & HIGH;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}
