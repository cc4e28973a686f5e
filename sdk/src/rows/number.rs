//! Numbers that fit a type exactly, or not at all.

use arrow::datatypes::i256;

/// A number on its way into a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
    Decimal(Decimal),
}

/// `unscaled / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Decimal {
    pub(crate) unscaled: i256,
    pub(crate) scale: i32,
}

/// Up to here every integer is a float of its own; beyond, a float may stand for a neighbour.
const FLOAT_WHOLE: f64 = 9_007_199_254_740_992.0;

impl Number {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Number::Int(_) => "an integer",
            Number::Float(_) => "a float",
            Number::Decimal(_) => "a decimal",
        }
    }

    /// The integer it is.
    pub(crate) fn int(&self) -> Option<i128> {
        match self {
            Number::Int(value) => Some(*value),
            Number::Float(value) => {
                (value.fract() == 0.0 && value.abs() <= FLOAT_WHOLE).then_some(*value as i128)
            }
            Number::Decimal(decimal) => decimal.at_scale(0)?.to_i128(),
        }
    }

    /// The float it is. A decimal is none: most have no float that is equal.
    pub(crate) fn float(&self) -> Option<f64> {
        match self {
            Number::Int(value) => {
                let float = *value as f64;
                (float as i128 == *value).then_some(float)
            }
            Number::Float(value) => Some(*value),
            Number::Decimal(_) => None,
        }
    }

    /// The decimal it is, as the unscaled number. A float is the decimal that it is written as, up to the 15 digits
    /// that survive being a float.
    pub(crate) fn decimal(&self, precision: u8, scale: i8) -> Option<i256> {
        let decimal = match self {
            Number::Int(value) => Decimal { unscaled: i256::from_i128(*value), scale: 0 },
            Number::Float(value) => {
                let text = value.to_string();
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                if digits > 15 {
                    return None;
                }
                Decimal::parse(&text)?
            }
            Number::Decimal(decimal) => *decimal,
        };
        let unscaled = decimal.at_scale(scale.into())?;
        let limit = power_of_ten(precision.into())?;
        (unscaled < limit && unscaled > limit.checked_neg()?).then_some(unscaled)
    }
}

impl Decimal {
    /// Reads `-12.50`, also with an exponent.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.as_bytes() {
            [b'-', ..] => (true, &mantissa[1..]),
            [b'+', ..] => (false, &mantissa[1..]),
            _ => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut unscaled = i256::ZERO;
        for digit in whole.bytes().chain(fraction.bytes()) {
            if !digit.is_ascii_digit() {
                return None;
            }
            unscaled = unscaled
                .checked_mul(i256::from_i128(10))?
                .checked_add(i256::from_i128((digit - b'0').into()))?;
        }
        if negative {
            unscaled = unscaled.checked_neg()?;
        }
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        Some(Decimal { unscaled, scale })
    }

    /// The unscaled number of the same decimal at another scale, if there is one.
    pub(crate) fn at_scale(&self, scale: i32) -> Option<i256> {
        if self.unscaled == i256::ZERO {
            return Some(i256::ZERO);
        }
        let power = power_of_ten(scale.abs_diff(self.scale))?;
        if scale >= self.scale {
            return self.unscaled.checked_mul(power);
        }
        match self.unscaled.checked_rem(power)? {
            i256::ZERO => self.unscaled.checked_div(power),
            _ => None,
        }
    }
}

fn power_of_ten(exponent: u32) -> Option<i256> {
    if exponent > 76 {
        return None;
    }
    i256::from_i128(10).checked_pow(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
        Number::Decimal(Decimal::parse(text)?).decimal(precision, scale)?.to_i128()
    }

    #[test]
    fn a_decimal_keeps_every_digit_or_is_refused() {
        assert_eq!(decimal("12.50", 4, 2), Some(1250));
        assert_eq!(decimal("-0.07", 4, 2), Some(-7));
        assert_eq!(decimal("1.2e3", 6, 0), Some(1200));
        assert_eq!(decimal("1500", 2, -2), Some(15));
        assert_eq!(decimal("1.230", 4, 2), Some(123));
        for wrong in ["1.234", "123.45", "", "-", ".", "1,5", "abc", "1e", "0x1", "1_0", "1e999999999999"] {
            assert_eq!(decimal(wrong, 4, 2), None, "{wrong}");
        }
        assert_eq!(decimal("0e99999", 4, 2), Some(0));
    }

    #[test]
    fn a_float_is_a_decimal_only_within_its_digits() {
        assert_eq!(Number::Float(12.34).decimal(10, 2), Some(i256::from_i128(1234)));
        assert_eq!(Number::Float(0.1 + 0.2).decimal(38, 20), None);
        assert_eq!(Number::Float(f64::NAN).decimal(38, 2), None);
    }

    #[test]
    fn a_float_is_an_integer_only_where_it_is_whole_and_exact() {
        assert_eq!(Number::Float(3.0).int(), Some(3));
        assert_eq!(Number::Float(3.5).int(), None);
        assert_eq!(Number::Float(1e17).int(), None);
        assert_eq!(Number::Int((1 << 60) + 1).float(), None);
        assert_eq!(Number::Int(-5).float(), Some(-5.0));
    }
}
