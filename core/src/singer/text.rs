//! Bytes of JSON: strings, numbers and binary written straight into the output.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::scan::plain_until;

/// Writes a string in double quotes.
#[inline]
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text.as_bytes(), out);
    out.push(b'"');
}

fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let mut start = 0;
    loop {
        let stop = plain_until(bytes, start);
        out.extend_from_slice(&bytes[start..stop]);
        let Some(&byte) = bytes.get(stop) else { return };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => {
                out.extend_from_slice(b"\\u00");
                write_hex(byte, out);
            }
        }
        start = stop + 1;
    }
}

/// Writes an integer.
#[inline]
pub(crate) fn write_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes a finite float in its shortest form that reads back the same.
#[inline]
pub(crate) fn write_float(value: impl zmij::Float, out: &mut Vec<u8>) {
    out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
}

/// Writes bytes as a base64 string.
pub(crate) fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written =
        STANDARD.encode_slice(bytes, &mut out[start..]).expect("the space was measured for these bytes");
    out.truncate(start + written);
    out.push(b'"');
}

/// The bytes behind a base64 string.
pub(crate) fn read_base64(text: &str, out: &mut Vec<u8>) -> bool {
    STANDARD.decode_vec(text, out).is_ok()
}

/// Writes 16 bytes as a UUID in double quotes.
pub(crate) fn write_uuid(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for (at, &byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        write_hex(byte, out);
    }
    out.push(b'"');
}

/// The bytes of a UUID with its four hyphens.
pub(crate) fn read_uuid(text: &str) -> Option<[u8; 16]> {
    let (text, mut bytes) = (text.as_bytes(), [0; 16]);
    if text.len() != 36 || [8, 13, 18, 23].iter().any(|&at| text[at] != b'-') {
        return None;
    }
    let mut digits = text.iter().filter(|&&byte| byte != b'-').map(|&byte| char::from(byte).to_digit(16));
    for byte in &mut bytes {
        *byte = (digits.next()?? << 4 | digits.next()??) as u8;
    }
    Some(bytes)
}

fn write_hex(byte: u8, out: &mut Vec<u8>) {
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
    out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
}
