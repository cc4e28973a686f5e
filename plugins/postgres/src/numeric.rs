//! The server's `numeric`: groups of four decimal digits, to and from Arrow's decimals and from and to text.

use arrow::datatypes::i256;
use bytes::{BufMut, BytesMut};

/// Why a value cannot be taken.
pub(crate) type Why = &'static str;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// Digits of the server in one group.
const GROUP: i32 = 4;

/// A value as it lies in a COPY: `digits` are groups of four, the first one stands for 10000^weight.
struct Parts<'a> {
    weight: i32,
    sign: u16,
    scale: u16,
    digits: &'a [[u8; 2]],
}

fn parts(bytes: &[u8]) -> Result<Parts<'_>, Why> {
    const BROKEN: Why = "a numeric that is not whole";
    let (head, rest) = bytes.split_at_checked(8).ok_or(BROKEN)?;
    let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let (digits, []) = rest.as_chunks::<2>() else { return Err(BROKEN) };
    match digits.len() == word(0) as usize {
        true => Ok(Parts { weight: i32::from(word(2) as i16), sign: word(4), scale: word(6), digits }),
        false => Err(BROKEN),
    }
}

fn check_finite(sign: u16) -> Result<bool, Why> {
    match sign {
        POSITIVE => Ok(false),
        NEGATIVE => Ok(true),
        NAN => Err("NaN, which a decimal cannot be"),
        INFINITY | MINUS_INFINITY => Err("an infinity, which a decimal cannot be"),
        _ => Err("a numeric with an unknown sign"),
    }
}

const TOO_LARGE: Why = "a number with more digits than its decimal has";
const TOO_FINE: Why = "a number with more digits behind the point than its decimal has";

/// Where the last group stands: how many zeros its value still needs, or how many of its digits are filling.
fn exponent(parts: &Parts<'_>, scale: i8) -> i32 {
    GROUP * (parts.weight - (parts.digits.len() as i32 - 1)) + i32::from(scale)
}

fn group(bytes: [u8; 2]) -> u16 {
    u16::from_be_bytes(bytes)
}

/// The digits of the last group that count, where it is filled up with zeros behind the point: how many, and their value.
fn cut(last: u16, filling: i32) -> Result<(u32, u16), Why> {
    // A whole group of zeros is not sent.
    let filling = u32::try_from(filling).ok().filter(|filling| *filling < 4).ok_or(TOO_FINE)?;
    let power = 10u16.pow(filling);
    match last % power {
        0 => Ok((4 - filling, last / power)),
        _ => Err(TOO_FINE),
    }
}

/// The value, times 10^scale.
pub(crate) fn decode_i128(bytes: &[u8], precision: u8, scale: i8) -> Result<i128, Why> {
    let parts = parts(bytes)?;
    let is_negative = check_finite(parts.sign)?;
    let Some((last, before)) = parts.digits.split_last() else { return Ok(0) };
    let mut value: i128 = match before {
        // Up to four groups, which is most of what there is, fit into a word of the machine.
        [..] if before.len() <= 4 => {
            i128::from(before.iter().fold(0u64, |sum, digits| sum * 10_000 + u64::from(group(*digits))))
        }
        _ => before
            .iter()
            .try_fold(0i128, |sum, digits| sum.checked_mul(10_000)?.checked_add(i128::from(group(*digits))))
            .ok_or(TOO_LARGE)?,
    };
    let exponent = exponent(&parts, scale);
    let (digits, last) = if exponent < 0 { cut(group(*last), -exponent)? } else { (4, group(*last)) };
    value = value
        .checked_mul(10i128.pow(digits))
        .and_then(|value| value.checked_add(i128::from(last)))
        .ok_or(TOO_LARGE)?;
    if exponent > 0 && value != 0 {
        let power = 10i128.checked_pow(exponent.unsigned_abs());
        value = power.and_then(|power| value.checked_mul(power)).ok_or(TOO_LARGE)?;
    }
    // 10^38 is the largest power that fits.
    match 10i128.checked_pow(u32::from(precision)) {
        Some(limit) if value >= limit => Err(TOO_LARGE),
        _ => Ok(if is_negative { -value } else { value }),
    }
}

/// The value, times 10^scale.
pub(crate) fn decode_i256(bytes: &[u8], precision: u8, scale: i8) -> Result<i256, Why> {
    let parts = parts(bytes)?;
    let is_negative = check_finite(parts.sign)?;
    let Some((last, before)) = parts.digits.split_last() else { return Ok(i256::ZERO) };
    let wide = |value: u16| i256::from_i128(i128::from(value));
    let ten = i256::from_i128(10);
    let mut value = before
        .iter()
        .try_fold(i256::ZERO, |sum, digits| sum.checked_mul(wide(10_000))?.checked_add(wide(group(*digits))))
        .ok_or(TOO_LARGE)?;
    let exponent = exponent(&parts, scale);
    let (digits, last) = if exponent < 0 { cut(group(*last), -exponent)? } else { (4, group(*last)) };
    value = ten
        .checked_pow(digits)
        .and_then(|power| value.checked_mul(power))
        .and_then(|value| value.checked_add(wide(last)))
        .ok_or(TOO_LARGE)?;
    if exponent > 0 && value != i256::ZERO {
        let power = ten.checked_pow(exponent.unsigned_abs());
        value = power.and_then(|power| value.checked_mul(power)).ok_or(TOO_LARGE)?;
    }
    match ten.checked_pow(u32::from(precision)) {
        Some(limit) if value >= limit => Err(TOO_LARGE),
        _ => Ok(if is_negative { -value } else { value }),
    }
}

/// Appends the text that the server would write.
pub(crate) fn decode_text(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Why> {
    let parts = parts(bytes)?;
    match parts.sign {
        NAN => out.extend(b"NaN"),
        INFINITY => out.extend(b"Infinity"),
        MINUS_INFINITY => out.extend(b"-Infinity"),
        POSITIVE | NEGATIVE => {
            if parts.sign == NEGATIVE {
                out.push(b'-');
            }
            let group = |at: i32| {
                let group = usize::try_from(at).ok().and_then(|at| parts.digits.get(at));
                group.map_or(0, |group| u16::from_be_bytes(*group))
            };
            let start = out.len();
            for at in 0..=parts.weight {
                let text = format_group(group(at));
                let skip = if out.len() == start {
                    text.iter().take(3).take_while(|d| **d == b'0').count()
                } else {
                    0
                };
                // Leading groups of nothing but zeros do not come from the server; one digit is written in any case.
                out.extend(&text[skip..]);
            }
            if out.len() == start {
                out.push(b'0');
            }
            if parts.scale > 0 {
                out.push(b'.');
                let end = out.len() + usize::from(parts.scale);
                // Groups of zeros before the first one that is sent are not there; `group` knows.
                let mut at = parts.weight + 1;
                while out.len() < end {
                    out.extend(format_group(group(at)));
                    at += 1;
                }
                out.truncate(end);
            }
        }
        _ => return Err("a numeric with an unknown sign"),
    }
    Ok(())
}

fn format_group(group: u16) -> [u8; 4] {
    let digit = |power: u16| b'0' + (group / power % 10) as u8;
    [digit(1000), digit(100), digit(10), digit(1)]
}

/// Appends a number that is `value` times 10^-scale, with its length before it.
pub(crate) fn encode_i128(value: i128, scale: i8, out: &mut BytesMut) {
    if let (Ok(small), 0..=18) = (u64::try_from(value.unsigned_abs()), scale) {
        return encode_small(small, value < 0, scale as u32, out);
    }
    encode_digits(value.unsigned_abs().to_string().as_bytes(), value < 0, scale, out);
}

/// As [`encode_i128`].
pub(crate) fn encode_i256(value: i256, scale: i8, out: &mut BytesMut) {
    match value.to_i128() {
        Some(value) => encode_i128(value, scale, out),
        None => {
            let text = value.to_string();
            let is_negative = text.starts_with('-');
            encode_digits(text.trim_start_matches('-').as_bytes(), is_negative, scale, out);
        }
    }
}

const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < 20 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// No allocation, no division of wide numbers: most values take this way.
fn encode_small(value: u64, is_negative: bool, scale: u32, out: &mut BytesMut) {
    let (mut whole, fraction) = (value / POWERS[scale as usize], value % POWERS[scale as usize]);
    // Groups from the point to the right; 5 are 20 digits, and 18 at most are there.
    let mut groups = [0u16; 10];
    let fraction_groups = scale.div_ceil(4) as usize;
    let mut left = u128::from(fraction) * u128::from(POWERS[(fraction_groups as u32 * 4 - scale) as usize]);
    let mut first = 5;
    for at in (0..fraction_groups).rev() {
        groups[5 + at] = (left % 10_000) as u16;
        left /= 10_000;
    }
    while whole > 0 {
        first -= 1;
        groups[first] = (whole % 10_000) as u16;
        whole /= 10_000;
    }
    let mut last = 5 + fraction_groups;
    while last > first && groups[last - 1] == 0 {
        last -= 1;
    }
    let mut start = first;
    while start < last && groups[start] == 0 {
        start += 1;
    }
    put(out, &groups[start..last], 4 - start as i32, is_negative, scale);
}

/// Any number of digits.
fn encode_digits(digits: &[u8], is_negative: bool, scale: i8, out: &mut BytesMut) {
    // A negative scale stands for zeros before the point.
    let zeros = usize::from((-i32::from(scale)).max(0) as u8);
    let scale = usize::from(scale.max(0) as u8);
    let mut all = vec![b'0'; (scale + 1).saturating_sub(digits.len() + zeros)];
    all.extend(digits);
    all.resize(all.len() + zeros, b'0');
    let (whole, fraction) = all.split_at(all.len() - scale);
    put_text(whole, fraction, is_negative, out);
}

/// Digits before and behind the point.
fn put_text(whole: &[u8], fraction: &[u8], is_negative: bool, out: &mut BytesMut) {
    let mut padded = vec![b'0'; (4 - whole.len() % 4) % 4];
    padded.extend(whole);
    let weight = padded.len() as i32 / 4 - 1;
    padded.extend(fraction);
    padded.resize(padded.len().next_multiple_of(4), b'0');
    let number = |group: &[u8]| group.iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let groups: Vec<u16> = padded.chunks(4).map(number).collect();
    let start = groups.iter().take_while(|group| **group == 0).count();
    let end = groups.len() - groups[start..].iter().rev().take_while(|group| **group == 0).count();
    put(out, &groups[start..end], weight - start as i32, is_negative, fraction.len() as u32);
}

fn put(out: &mut BytesMut, groups: &[u16], weight: i32, is_negative: bool, scale: u32) {
    let is_zero = groups.is_empty();
    out.put_i32(8 + 2 * groups.len() as i32);
    out.put_u16(groups.len() as u16);
    out.put_i16(if is_zero { 0 } else { weight as i16 });
    out.put_u16(if is_negative && !is_zero { NEGATIVE } else { POSITIVE });
    out.put_u16(scale as u16);
    for group in groups {
        out.put_u16(*group);
    }
}

/// Appends the number that a text of [`decode_text`] says, with its length before it.
pub(crate) fn encode_text(text: &str, out: &mut BytesMut) -> Result<(), Why> {
    let special = match text {
        "NaN" => Some(NAN),
        "Infinity" => Some(INFINITY),
        "-Infinity" => Some(MINUS_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        out.put_i32(8);
        out.put_slice(&[0; 4]);
        out.put_u16(sign);
        out.put_u16(0);
        return Ok(());
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || digits.ends_with('.') {
        return Err("text that is no number");
    }
    // What the server itself can hold.
    if whole.len() > 131_072 || fraction.len() > 16_383 {
        return Err("a number with more digits than the server's numeric has");
    }
    put_text(whole.as_bytes(), fraction.as_bytes(), text.starts_with('-'), out);
    Ok(())
}

#[cfg(test)]
mod tests;
