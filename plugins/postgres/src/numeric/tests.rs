use super::*;
use proptest::prelude::*;

fn encoded(text: &str) -> BytesMut {
    let mut out = BytesMut::new();
    encode_text(text, &mut out).unwrap();
    out
}

fn text_of(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    decode_text(&bytes[4..], &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn texts_come_back_digit_by_digit() {
    for text in [
        "0",
        "0.00",
        "1",
        "-1",
        "10000",
        "123456789012345678901234567890.000100",
        "0.0001",
        "0.00001",
        "0.000000001200",
        "-0.5",
        "9999.9999",
        "10000.0001",
        "NaN",
        "Infinity",
        "-Infinity",
        "1000000000000",
        "100000000.0",
    ] {
        assert_eq!(text_of(&encoded(text)), text, "{text}");
    }
    for wrong in ["", "-", "1.", ".5", "1e5", "1,5", " 1", "+1", "0x1", "nan"] {
        assert!(encode_text(wrong, &mut BytesMut::new()).is_err(), "{wrong}");
    }
}

#[test]
fn what_a_decimal_cannot_hold_is_told() {
    for (text, precision, scale, why) in [
        ("NaN", 10, 2, "NaN"),
        ("Infinity", 10, 2, "infinity"),
        ("123.456", 10, 2, "behind the point"),
        ("100000000", 10, 2, "more digits"),
        ("1000000000000000000000000000000000000000", 38, 0, "more digits"),
    ] {
        let found = decode_i128(&encoded(text)[4..], precision, scale).unwrap_err();
        assert!(found.contains(why), "{text}: {found}");
        assert!(decode_i256(&encoded(text)[4..], precision, scale).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn decimals_come_back(value in any::<i128>(), shift in 0u32..127, scale in 0i8..=38) {
        let value = (value >> shift) % 10i128.pow(38);
        let mut out = BytesMut::new();
        encode_i128(value, scale, &mut out);
        prop_assert_eq!(out.len(), 4 + i32::from_be_bytes([out[0], out[1], out[2], out[3]]) as usize);
        prop_assert_eq!(decode_i128(&out[4..], 38, scale).unwrap(), value);
        prop_assert_eq!(decode_i256(&out[4..], 38, scale).unwrap(), i256::from_i128(value));
        // The text is the same number, digit by digit.
        let mut again = BytesMut::new();
        encode_text(&text_of(&out), &mut again).unwrap();
        prop_assert_eq!(again, out);
    }

    #[test]
    fn wide_decimals_come_back(low in any::<u128>(), high in any::<i64>(), scale in 0i8..=76) {
        let value = i256::from_parts(low, i128::from(high));
        let mut out = BytesMut::new();
        encode_i256(value, scale, &mut out);
        prop_assert_eq!(decode_i256(&out[4..], 76, scale).unwrap(), value);
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = decode_i128(&bytes, 38, 10);
        let _ = decode_i256(&bytes, 76, 10);
    }
}
