use super::*;
use crate::plugin::fixtures::{self, HOST};
use dstream_abi::ErrorKind;
use serde_json::json;

fn read(bytes: &[u8]) -> Result<String> {
    read_text(&Image::parse(bytes)?, bytes).map(str::to_owned)
}

fn of_section(section: Vec<u8>) -> Result<String> {
    read(&fixtures::elf_of_sections(HOST, &[section]))
}

#[test]
fn the_text_comes_out_of_every_format_as_it_went_in() {
    let json = fixtures::manifest("csv");
    for (name, bytes) in fixtures::libraries(&json) {
        assert_eq!(read(&bytes).expect(name), json, "{name}");
    }
    read_manifest(&json).expect("a manifest");
}

#[test]
fn a_library_without_a_manifest_is_no_plugin() {
    let error = read(&fixtures::elf_of_sections(HOST, &[])).expect_err("no manifest");
    assert_eq!(error.message(), "the file is not a DStream plugin: it has no manifest");
}

#[test]
fn padding_of_a_linker_is_taken_off() {
    let mut section = fixtures::section("{}");
    section.extend([0; 40]);
    assert_eq!(of_section(section).expect("padded"), "{}");
}

#[test]
fn a_damaged_frame_is_refused_with_its_own_sentence() {
    let good = fixtures::section(r#"{"a":1}"#);
    let patched = |at: usize, bytes: &[u8]| {
        let mut section = good.clone();
        section[at..at + bytes.len()].copy_from_slice(bytes);
        section
    };
    let huge = fixtures::section(&" ".repeat(MAX_BYTES + 1));
    let twice = [good.clone(), good.clone()].concat();
    let tail = [&good[..], b"x"].concat();
    for (section, sentence) in [
        (good[..23].to_vec(), "has only 23 bytes"),
        (patched(0, b"X"), "does not start with `DSTREAM-MANIFEST`"),
        (patched(20, &100_u32.to_le_bytes()), "has 7 bytes and says that it has 100"),
        (patched(20, &u32::MAX.to_le_bytes()), "the limit is 1048576"),
        (patched(26, b"\xff"), "is not UTF-8"),
        (huge, "has 1048577 bytes, the limit is 1048576"),
        (vec![0; MAX_BYTES * 2], "the limit is 1048576"),
        (twice, "2 manifests in one section"),
        (tail, "something stands behind its manifest"),
    ] {
        let error = of_section(section).expect_err(sentence);
        assert!(error.message().contains(sentence), "{error}");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.hint_text().is_some());
    }
    let newer = of_section(patched(16, &2_u32.to_le_bytes())).expect_err("newer frame");
    assert_eq!(newer.kind(), ErrorKind::Unsupported);
}

#[test]
fn two_sections_are_refused() {
    let section = fixtures::section("{}");
    let error =
        read(&fixtures::elf_of_sections(HOST, &[section.clone(), section])).expect_err("two sections");
    assert!(error.message().contains("it has 2 manifests"), "{error}");
}

#[test]
fn another_major_and_another_draft_are_refused_in_one_sentence() {
    let check = |major, draft| check_abi(&AbiVersion { major, minor: 7, draft });
    check(ABI_MAJOR, ABI_DRAFT).expect("any minor");
    let newer = check(ABI_MAJOR + 1, 0).expect_err("newer major");
    assert_eq!(
        newer.message(),
        format!("the plugin speaks ABI {}, this program speaks ABI {ABI_MAJOR}", ABI_MAJOR + 1)
    );
    assert!(newer.hint_text().expect("hint").contains("newer `dstreams`"));
    let older = check(ABI_MAJOR - 1, 0).expect_err("older major");
    assert!(older.hint_text().expect("hint").contains("newer version of the plugin"));
    let draft = check(ABI_MAJOR, ABI_DRAFT + 1).expect_err("other draft");
    assert!(draft.message().contains(&format!("draft {} of ABI {ABI_MAJOR}", ABI_DRAFT + 1)), "{draft}");
}

#[test]
fn the_abi_is_known_of_a_manifest_that_is_otherwise_strange() {
    let text = json!({ "abi": { "major": 9, "minor": 0 }, "connectors": "in another form" }).to_string();
    assert_eq!(read_abi(&text).expect("abi").major, 9);
}

#[test]
fn a_manifest_that_claims_nonsense_is_refused() {
    let tap = json!({ "options": {} });
    let long = "x".repeat(40);
    for (keys, sentence) in [
        (json!({ "id": "" }), "no usable `id`"),
        (json!({ "version": "1\u{1b}[31m" }), "no usable `version`"),
        (json!({ "connectors": [] }), "names no connector"),
        (json!({ "connectors": [{ "type": "../../x", "tap": tap }] }), "a connector `../../x`"),
        (json!({ "connectors": [{ "type": "", "tap": tap }] }), "a connector ``"),
        (json!({ "connectors": [{ "type": "\u{441}sv", "tap": tap }] }), "letters, digits"),
        (json!({ "connectors": [{ "type": "a", "tap": tap }, { "type": "A", "tap": tap }] }), "`A` twice"),
        (json!({ "connectors": [{ "type": long }] }), "neither a tap nor a target"),
        (json!({ "connectors": [{ "tap": tap }] }), "missing field `type`"),
    ] {
        let error = read_manifest(&fixtures::manifest_with(keys)).expect_err(sentence);
        assert!(error.message().contains(sentence), "{error}");
    }
    let twice = r#"{ "abi": { "major": 1, "minor": 0 }, "abi": { "major": 2, "minor": 0 } }"#;
    assert!(read_abi(twice).expect_err("duplicate key").message().contains("duplicate field"));
    read_abi("{").expect_err("not JSON");
}
