//! Numbers without loss: decimal text to and from integers of a scale, and whether a float holds what was written.

use arrow::datatypes::i256;

/// The sign, digits and exponent of a number as JSON writes it: `digits` × 10^`exponent`.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Parts<'a> {
    /// `None`: the text is no decimal number.
    fn parse(text: &'a str) -> Option<Parts<'a>> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            // An exponent beyond i64 shifts every digit out of reach, whichever number stands for it.
            Some(at) => (&text[..at], text[at + 1..].parse::<i64>().or_else(|_| far(&text[at + 1..])).ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
            return None;
        }
        Some(Parts { negative, whole: whole.as_bytes(), fraction: fraction.as_bytes(), exponent })
    }

    fn len(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    fn digit(&self, at: usize) -> u8 {
        let digit = self.whole.get(at).or_else(|| self.fraction.get(at.wrapping_sub(self.whole.len())));
        digit.map_or(0, |digit| digit - b'0')
    }

    /// The digits without zeros at either end.
    fn significant(&self) -> impl Iterator<Item = u8> {
        let first = (0..self.len()).find(|&at| self.digit(at) != 0).unwrap_or(self.len());
        let end = (first..self.len()).rfind(|&at| self.digit(at) != 0).map_or(first, |last| last + 1);
        (first..end).map(|at| self.digit(at))
    }
}

fn far(exponent: &str) -> Result<i64, ()> {
    let digits = exponent.trim_start_matches(['-', '+']);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(());
    }
    Ok(if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 })
}

/// An integer that decimals are kept in.
pub(crate) trait Unscaled: Sized + Copy {
    const ZERO: Self;
    /// The same number, if it fits.
    fn of(value: i64) -> Option<Self>;
    /// `self` × 10 + `digit`.
    fn push(self, digit: u8) -> Option<Self>;
    fn negate(self) -> Self;
}

macro_rules! unscaled {
    ($($int:ty),*) => {$(
        impl Unscaled for $int {
            const ZERO: $int = 0;
            fn of(value: i64) -> Option<$int> {
                <$int>::try_from(value).ok()
            }
            fn push(self, digit: u8) -> Option<$int> {
                self.checked_mul(10)?.checked_add(<$int>::from(digit as i8))
            }
            fn negate(self) -> $int {
                -self
            }
        }
    )*};
}

unscaled!(i32, i64, i128);

impl Unscaled for i256 {
    const ZERO: i256 = i256::ZERO;
    fn of(value: i64) -> Option<i256> {
        Some(i256::from(value))
    }
    fn push(self, digit: u8) -> Option<i256> {
        self.checked_mul(i256::from(10))?.checked_add(i256::from(i64::from(digit)))
    }
    fn negate(self) -> i256 {
        self.wrapping_neg()
    }
}

/// Why a decimal does not fit.
#[derive(Debug, PartialEq)]
pub(crate) enum NoDecimal {
    NoNumber,
    TooManyDigits,
    TooFine,
}

/// Digits that a 64 bit integer surely holds.
const SHORT_DIGITS: usize = 18;

/// The number in units of 10^-`scale`, where it is written plainly, with few digits and exactly that scale: as most
/// are. `None`: it may still be one.
fn parse_short<T: Unscaled>(text: &str, precision: u8, scale: i8) -> Option<T> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let fraction = usize::try_from(scale).ok()?;
    let point = usize::from(fraction > 0);
    let whole = digits.len().checked_sub(fraction + point).filter(|&whole| whole > 0)?;
    if whole + fraction > SHORT_DIGITS.min(precision.into()) || (point == 1 && digits[whole] != b'.') {
        return None;
    }
    let mut value = 0i64;
    for &digit in digits[..whole].iter().chain(&digits[whole + point..]) {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    T::of(if negative { -value } else { value })
}

/// The number in units of 10^-`scale`, exactly.
pub(crate) fn parse_decimal<T: Unscaled>(text: &str, precision: u8, scale: i8) -> Result<T, NoDecimal> {
    if let Some(value) = parse_short(text, precision, scale) {
        return Ok(value);
    }
    let parts = Parts::parse(text).ok_or(NoDecimal::NoNumber)?;
    let len = i64::try_from(parts.len()).unwrap_or(i64::MAX);
    let whole = i64::try_from(parts.whole.len()).unwrap_or(i64::MAX);
    let wanted = whole.saturating_add(parts.exponent).saturating_add(i64::from(scale));
    let kept = wanted.clamp(0, len);
    if (kept..len).any(|at| parts.digit(at as usize) != 0) {
        return Err(NoDecimal::TooFine);
    }
    let (mut value, mut count) = (T::ZERO, 0u32);
    let mut push = |digit: u8| {
        if count > 0 || digit != 0 {
            count += 1;
            if count > u32::from(precision) {
                return Err(NoDecimal::TooManyDigits);
            }
            value = value.push(digit).ok_or(NoDecimal::TooManyDigits)?;
        }
        Ok(count)
    };
    for at in 0..kept {
        push(parts.digit(at as usize))?;
    }
    for _ in kept..wanted {
        if push(0)? == 0 {
            break;
        }
    }
    Ok(if parts.negative { value.negate() } else { value })
}

/// Writes `unscaled` × 10^-`scale` as plain text with exactly `scale` digits after the point. `digits`: the decimal text
/// of the integer.
pub(crate) fn write_decimal(digits: &str, scale: i8, out: &mut Vec<u8>) {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    out.extend_from_slice(sign.as_bytes());
    let shift = usize::from(scale.unsigned_abs());
    if scale <= 0 {
        out.extend_from_slice(digits.as_bytes());
        if digits != "0" {
            out.resize(out.len() + shift, b'0');
        }
        return;
    }
    if digits.len() <= shift {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + shift - digits.len(), b'0');
        out.extend_from_slice(digits.as_bytes());
    } else {
        let (whole, fraction) = digits.split_at(digits.len() - shift);
        out.extend_from_slice(whole.as_bytes());
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
    }
}

/// The float that is meant by a JSON number, if it holds it.
///
/// It does where the float, printed with as many digits as were written, gives these digits: `0.1` and
/// `0.10000000000000000555` are the same float64, `0.1000000000000000001` is none.
pub(crate) fn exact_f64(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let holds = is_short(text, F64_DIGITS, value == 0.0, value.is_normal())
        || (value.is_finite() && zmij::Buffer::new().format_finite(value) == text)
        || holds(text, F64_DIGITS, value.is_normal(), |digits| format!("{value:.digits$e}"));
    (value.is_finite() && holds).then_some(value)
}

/// As [`exact_f64`], for float32.
pub(crate) fn exact_f32(text: &str) -> Option<f32> {
    let value: f32 = text.parse().ok()?;
    let holds = is_short(text, F32_DIGITS, value == 0.0, value.is_normal())
        || (value.is_finite() && zmij::Buffer::new().format_finite(value) == text)
        || holds(text, F32_DIGITS, value.is_normal(), |digits| format!("{value:.digits$e}"));
    (value.is_finite() && holds).then_some(value)
}

/// Every decimal of so few digits has a float of its own, which prints as that decimal.
const F64_DIGITS: usize = 15;
const F32_DIGITS: usize = 6;

/// So few digits that nothing has to be compared.
fn is_short(text: &str, limit: usize, is_zero: bool, is_normal: bool) -> bool {
    text.len() <= limit && (is_normal || is_zero) && !text.contains(['e', 'E'])
}

fn holds(text: &str, limit: usize, is_normal: bool, print: impl Fn(usize) -> String) -> bool {
    let Some(written) = Parts::parse(text) else { return false };
    let count = written.significant().count();
    // The longest float64 has 767 digits: what is longer is none.
    if count == 0 || count > 800 {
        return count == 0;
    }
    if count <= limit && is_normal {
        return true;
    }
    let printed = print(count - 1);
    Parts::parse(&printed).is_some_and(|printed| printed.significant().eq(written.significant()))
}

/// The integer that is meant by a JSON number: `5`, and also `5.0` and `5e0`, which are integers to JSON Schema.
pub(crate) fn exact_integer(text: &str) -> Result<i128, NoDecimal> {
    match text.parse() {
        Ok(integer) => Ok(integer),
        Err(_) => parse_decimal(text, 38, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_float_holds_what_it_prints_and_nothing_beside() {
        for held in [
            "0",
            "-0.0",
            "0.1",
            "0.10",
            "1e23",
            "1E+2",
            "123456789012345678",
            "0.10000000000000000555",
            "5e-324",
            "0.10000000000000001",
            "1.7976931348623157e308",
            "9007199254740993.0e0",
        ] {
            let exact = exact_f64(held).is_some();
            assert_eq!(
                exact,
                !held.starts_with("9007199254740993") && !held.starts_with("123456789012345678"),
                "{held}"
            );
        }
        for lost in ["1e400", "1e-400", "0.10000000000000000001", "9007199254740993", "5.1e-324"] {
            assert_eq!(exact_f64(lost), None, "{lost}");
        }
        assert_eq!(exact_f64("123456789012345680"), Some(123456789012345680.0));
        assert_eq!(exact_f32("0.1"), Some(0.1));
        assert_eq!(exact_f32("16777217"), None);
    }

    #[test]
    fn a_decimal_is_refused_where_digits_would_be_lost() {
        assert_eq!(parse_decimal::<i128>("1.50", 12, 2), Ok(150));
        assert_eq!(parse_decimal::<i128>("-1.5e1", 12, 2), Ok(-1500));
        assert_eq!(parse_decimal::<i128>("1.505", 12, 2), Err(NoDecimal::TooFine));
        assert_eq!(parse_decimal::<i128>("1.500", 12, 2), Ok(150));
        assert_eq!(parse_decimal::<i128>("12345", 5, 1), Err(NoDecimal::TooManyDigits));
        assert_eq!(parse_decimal::<i128>("1200", 2, -2), Ok(12));
        assert_eq!(parse_decimal::<i128>("1e999999999999999999999", 38, 0), Err(NoDecimal::TooManyDigits));
        assert_eq!(parse_decimal::<i128>("0e999999999999999999999", 38, 0), Ok(0));
        assert_eq!(parse_decimal::<i128>("1e-999999999999999999999", 38, 0), Err(NoDecimal::TooFine));
        assert_eq!(parse_decimal::<i128>("NaN", 38, 0), Err(NoDecimal::NoNumber));
    }

    proptest! {
        #[test]
        fn every_float_is_held_by_its_shortest_text(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let mut buffer = zmij::Buffer::new();
            let read = exact_f64(buffer.format_finite(value));
            prop_assert_eq!(read.map(f64::to_bits), Some(bits));
            let long = format!("{value:.16e}");
            prop_assert_eq!(exact_f64(&long).map(f64::to_bits), Some(bits));
        }

        #[test]
        fn a_decimal_comes_back_from_its_text(value in any::<i128>(), scale in -20i8..=38) {
            let value = value / 2;
            prop_assume!(value.unsigned_abs() < 10u128.pow(38));
            let mut out = Vec::new();
            write_decimal(&value.to_string(), scale, &mut out);
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(parse_decimal::<i128>(&text, 38, scale), Ok(value), "{}", text);
        }
    }
}
