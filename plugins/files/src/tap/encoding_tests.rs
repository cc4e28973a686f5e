//! Characters of every encoding, and bytes that are none.

use super::*;

/// The text of bytes that come in parts of any size.
fn text(encoding: Encoding, bytes: &[u8]) -> Result<String, NoCharacter> {
    let mut found = None;
    for size in [1, 2, 3, 7, 1000] {
        let mut transcoder = Transcoder::new(encoding).unwrap();
        let mut text = Vec::new();
        let mut add = |part: &[u8], is_last| {
            transcoder.add(part, is_last).map(|()| {
                let mut buffer = vec![0; 5000];
                let count = transcoder.give(&mut buffer);
                text.extend_from_slice(&buffer[..count]);
            })
        };
        let outcome = bytes.chunks(size).try_for_each(|part| add(part, false)).and_then(|()| add(b"", true));
        let outcome = outcome.map(|()| String::from_utf8(text).unwrap());
        assert!(found.as_ref().is_none_or(|found| *found == outcome), "{outcome:?} in parts of {size}");
        found = Some(outcome);
    }
    found.unwrap()
}

fn units(text: &str, is_big: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() })
        .collect()
}

#[test]
fn latin_1_has_the_character_of_every_byte() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(text(Encoding::Latin1, &bytes).unwrap(), (0..=255_u8).map(char::from).collect::<String>());
}

#[test]
fn windows_1252_has_its_own_characters_and_five_bytes_that_are_none() {
    assert_eq!(text(Encoding::Windows1252, b"a\x80\x8e\x9f\xe4\xff").unwrap(), "a€ŽŸäÿ");
    for byte in [0x81, 0x8d, 0x8f, 0x90, 0x9d] {
        let error = text(Encoding::Windows1252, &[b'a', byte]).unwrap_err();
        assert_eq!((error.at, error.what), (1, format!("0x{byte:02x} is no character of windows-1252")));
    }
}

#[test]
fn utf_16_is_read_in_both_orders() {
    let content = "a,ä\n\u{1f600}\u{10ffff}\0\u{ffff}";
    for (is_big, encoding) in [(false, Encoding::Utf16Le), (true, Encoding::Utf16Be)] {
        assert_eq!(text(encoding, &units(content, is_big)).unwrap(), content);
        let marked = "\u{feff}".to_owned() + content;
        assert_eq!(text(encoding, &units(&marked, is_big)).unwrap(), marked);
        assert_eq!(text(Encoding::Utf16, &units(&marked, is_big)).unwrap(), marked);
        let other = if is_big { Encoding::Utf16Le } else { Encoding::Utf16Be };
        assert_eq!(
            text(other, &units(&marked, is_big)).unwrap_err().hint,
            Some("set `encoding` to `utf-16`")
        );
        assert!(
            text(Encoding::Utf16, &units(content, is_big)).unwrap_err().hint.unwrap().contains("`utf-16le`")
        );
    }
    assert_eq!(text(Encoding::Utf16, b"").unwrap(), "");
}

#[test]
fn halves_of_characters_are_errors_with_their_place() {
    for (bytes, at) in [
        (&b"a\0\0\xd8b\0"[..], 2),
        (b"a\0\0\xdcb\0", 2),
        (b"a\0\0\xd8", 2),
        (b"a\0b", 2),
        (b"a\0\0\xd8\0\xd8\0\xdc", 2),
        (b"a", 0),
    ] {
        assert_eq!(text(Encoding::Utf16Le, bytes).unwrap_err().at, at, "{bytes:?}");
    }
}
