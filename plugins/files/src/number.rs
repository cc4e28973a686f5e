//! Numbers in text, taken exactly or not at all.

use std::io::Write;

/// A number as its significant digits and a power of ten: `-12.50` is -125 * 10^-1.
#[derive(Debug, PartialEq)]
struct Decimal {
    negative: bool,
    /// Without zeros at either end; only the first 19 of `digits`.
    mantissa: u64,
    digits: u32,
    exponent: i64,
}

/// Reads `-?(0|[1-9][0-9]*)?(\.[0-9]+)?([eE][+-]?[0-9]+)?`; a zero before other digits is the mark of an identifier, so
/// that is no number.
fn decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if whole > 1 && digits[0] == b'0' {
        return None;
    }
    let mut number = Decimal { negative, mantissa: 0, digits: 0, exponent: 0 };
    let mut zeros = 0;
    let mut take = |digits: &[u8], number: &mut Decimal| {
        for digit in digits {
            if *digit == b'0' {
                zeros += u32::from(number.digits > 0);
                continue;
            }
            for _ in 0..zeros {
                number.push(0);
            }
            zeros = 0;
            number.push(u64::from(digit - b'0'));
        }
        zeros
    };
    let mut trailing = take(&digits[..whole], &mut number);
    let mut rest = &digits[whole..];
    if let [b'.', after @ ..] = rest {
        let count = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        trailing = take(&after[..count], &mut number);
        number.exponent -= count as i64;
        rest = &after[count..];
    } else if whole == 0 {
        return None;
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let text = std::str::from_utf8(after).ok()?;
        // More digits than an i32 holds are beyond any float.
        number.exponent += i64::from(text.parse::<i32>().ok()?);
    } else if !rest.is_empty() {
        return None;
    }
    number.exponent += i64::from(trailing);
    Some(number)
}

impl Decimal {
    fn push(&mut self, digit: u64) {
        if self.digits < 19 {
            self.mantissa = self.mantissa * 10 + digit;
        }
        self.digits += 1;
    }
}

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

const WHOLE_POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// The float that gives the number back: written with as many digits as `text` has, it has the same ones. `None`: not a
/// number, or a float would alter it.
pub(crate) fn exact_f64(text: &[u8]) -> Option<f64> {
    let number = decimal(text)?;
    // Fifteen digits survive a float always (within its normal range); and where digits and power of ten are both
    // exact floats, one multiplication or division rounds once, which is what parsing means.
    if number.digits <= 15 && (-22..=22).contains(&number.exponent) {
        let mantissa = number.mantissa as f64;
        let power = POWERS[number.exponent.unsigned_abs() as usize];
        let value = if number.exponent < 0 { mantissa / power } else { mantissa * power };
        return Some(if number.negative { -value } else { value });
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number.digits == 0 || number.digits <= 17 && gives_back(&number, value)).then_some(value)
}

/// As `exact_f64`, for 32 bits.
pub(crate) fn exact_f32(text: &[u8]) -> Option<f32> {
    let number = decimal(text)?;
    let value: f32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number.digits == 0 || number.digits <= 9 && gives_back(&number, value)).then_some(value)
}

/// Whether a float, written with the number of digits of `number`, such as `-1.25e1`, has these digits.
fn gives_back(number: &Decimal, value: impl std::fmt::LowerExp) -> bool {
    let mut buffer = [0; 32];
    let mut free = &mut buffer[..];
    if write!(free, "{value:.*e}", number.digits as usize - 1).is_err() {
        return false;
    }
    let left = free.len();
    let written = buffer.len() - left;
    decimal(&buffer[..written]).as_ref() == Some(number)
}

/// A whole number that is written as one: no plus, no zeros before it, no minus before zero.
pub(crate) fn exact_i64(text: &[u8]) -> Option<i64> {
    let (negative, magnitude) = magnitude(text)?;
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// As `exact_i64`, without sign.
pub(crate) fn exact_u64(text: &[u8]) -> Option<u64> {
    magnitude(text).and_then(|(negative, magnitude)| (!negative).then_some(magnitude))
}

fn magnitude(text: &[u8]) -> Option<(bool, u64)> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 20 || (digits[0] == b'0' && (negative || digits.len() > 1)) {
        return None;
    }
    let mut value = 0_u64;
    for byte in &digits[..digits.len().min(19)] {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Nineteen digits fit.
        value = value * 10 + u64::from(digit);
    }
    if let Some(byte) = digits.get(19) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some((negative, value))
}

/// A number of at most `precision` digits, `scale` of them behind the point, as a whole number of units of the last
/// place. Zeros before the number are taken where `lenient`.
pub(crate) fn exact_decimal(text: &[u8], precision: u8, scale: i8, lenient: bool) -> Option<i128> {
    short_decimal(text, precision, scale).or_else(|| long_decimal(text, precision, scale, lenient))
}

/// What nearly all numbers are: at most 18 digits, no more of them behind the point than `scale`, written plainly. `None`:
/// it is not one of those, whatever else it is.
#[inline]
fn short_decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    // A zero before other digits is left to the longer way, and so is a point at either end.
    if digits.len() > 19 || !matches!(digits, [b'1'..=b'9', ..] | [b'0', b'.', _, ..]) {
        return None;
    }
    let (mut value, mut whole) = (0_u64, digits.len());
    for (at, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            // Nineteen digits fit.
            value = value * 10 + u64::from(digit);
        } else if *byte == b'.' && whole == digits.len() {
            whole = at;
        } else {
            return None;
        }
    }
    let fraction = digits.len().saturating_sub(whole + 1);
    let missing = usize::try_from(scale).ok()?.checked_sub(fraction)?;
    if (whole + 1 == digits.len()) || (negative && value == 0) {
        return None;
    }
    let value = value.checked_mul(*WHOLE_POWERS.get(missing)?)?;
    let fits = WHOLE_POWERS.get(usize::from(precision)).is_none_or(|bound| value < *bound);
    let value = i128::from(value);
    fits.then_some(if negative { -value } else { value })
}

fn long_decimal(text: &[u8], precision: u8, scale: i8, lenient: bool) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] if lenient => (false, rest),
        _ => (false, text),
    };
    let point = memchr::memchr(b'.', digits).unwrap_or(digits.len());
    let (whole, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
    if whole.is_empty() && fraction.is_empty() || point < digits.len() && fraction.is_empty() {
        return None;
    }
    if !lenient && whole.len() > 1 && whole[0] == b'0' {
        return None;
    }
    let scale = usize::try_from(scale).ok()?;
    let (kept, beyond) = fraction.split_at(fraction.len().min(scale));
    if beyond.iter().any(|byte| *byte != b'0') {
        return None;
    }
    let mut value = 0_i128;
    for byte in whole.iter().chain(kept) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    for _ in kept.len()..scale {
        value = value.checked_mul(10)?;
    }
    // Minus zero is a float's.
    if value >= 10_i128.checked_pow(u32::from(precision))? || (negative && value == 0 && !lenient) {
        return None;
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn the_short_way_to_a_decimal_leads_where_the_long_one_does() {
        let mut random = Random::new();
        let parts = ["0", "1", "9", "12", "00", "9999999", ".", "-", "+", "e", "123456789"];
        let mut found = 0;
        for _ in 0..200_000 {
            let text: String = (0..random.below(7)).map(|_| random.one_of(&parts)).collect();
            let (precision, scale) = (1 + random.below(38) as u8, random.below(12) as i8);
            let Some(short) = short_decimal(text.as_bytes(), precision, scale) else { continue };
            for lenient in [false, true] {
                let long = long_decimal(text.as_bytes(), precision, scale, lenient);
                assert_eq!(Some(short), long, "{text} as decimal({precision},{scale})");
            }
            found += 1;
        }
        assert!(found > 10_000, "{found} comparisons show little");
    }

    #[test]
    fn a_float_has_the_digits_of_its_text() {
        for text in
            ["0.1", "0.10", "-12.5", "1e5", "39.02", "10.357019999999999", "0.30000000000000004", "-0", ".5"]
        {
            let value = exact_f64(text.as_bytes()).unwrap();
            assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
        for text in [
            "1e300",
            "5e-324",
            "1.7976931348623157e308",
            "2.2250738585072014e-308",
            "0e999",
            "9007199254740992",
        ] {
            let value = exact_f64(text.as_bytes()).unwrap();
            assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
    }

    #[test]
    fn floats_that_were_written_with_seventeen_digits_come_back() {
        // As R and C write them: 48.0538086 is the same float.
        for text in ["48.053808600000004", "-72.886806000000007", "0.10000000000000001", "3.1400000000000001"]
        {
            assert_eq!(exact_f64(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for text in ["48.053808600000005", "0.10000000000000002", "9007199254740993.0"] {
            assert_eq!(exact_f64(text.as_bytes()).is_some(), text == "0.10000000000000002", "{text}");
        }
    }

    #[test]
    fn a_float_that_would_alter_the_number_is_refused() {
        for text in
            ["12345678901234567890.123", "9007199254740993", "1e400", "1e-400", "0.299999999999999988"]
        {
            assert_eq!(exact_f64(text.as_bytes()), None, "{text}");
        }
        for text in [
            "", "-", ".", "5.", "1e", "e5", "NaN", "inf", "+1", "007", "00.5", "1_000", "1,5", " 1", "0x10",
            "--1",
        ] {
            assert_eq!(exact_f64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_quick_way_gives_the_bits_of_the_standard_library() {
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let text = format!("{}.{:03}", (seed >> 20) as u32, seed % 1000);
            let value = exact_f64(text.as_bytes()).unwrap();
            assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
    }

    #[test]
    fn an_integer_is_written_as_one_and_fits() {
        for text in ["0", "7", "-7", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(exact_i64(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for text in [
            "",
            "-",
            "-0",
            "007",
            "+1",
            "1 ",
            "9223372036854775808",
            "-9223372036854775809",
            "1.0",
            "99999999999999999999",
        ] {
            assert_eq!(exact_i64(text.as_bytes()), None, "{text}");
        }
        assert_eq!(exact_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(exact_u64(b"18446744073709551616"), None);
    }

    #[test]
    fn a_decimal_keeps_every_digit() {
        assert_eq!(exact_decimal(b"12.5", 12, 2, false), Some(1250));
        assert_eq!(exact_decimal(b"-0.05", 12, 2, false), Some(-5));
        assert_eq!(exact_decimal(b"12.500", 12, 2, false), Some(1250));
        assert_eq!(exact_decimal(b"12.505", 12, 2, false), None);
        assert_eq!(exact_decimal(b"007", 12, 0, false), None);
        assert_eq!(exact_decimal(b"007", 12, 0, true), Some(7));
        assert_eq!(exact_decimal("9".repeat(38).as_bytes(), 38, 0, false), Some(10_i128.pow(38) - 1));
        assert_eq!(exact_decimal("9".repeat(39).as_bytes(), 38, 0, false), None);
        for text in ["", "-", ".", "1.", "1e5", "1.-5"] {
            assert_eq!(exact_decimal(text.as_bytes(), 12, 2, false), None, "{text}");
        }
    }
}
