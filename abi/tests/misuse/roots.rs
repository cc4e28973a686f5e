//! What the entry answers: tables that are short, missing or of another time, and a manifest that says otherwise.

use dstream_abi::ErrorKind::{Bug, NotFound, Unsupported};
use dstream_abi::raw::*;

use crate::crude::{self, connector, enter, keep, root, root_with, short, tap_table, target_table};
use crate::{given, says};

fn whole() -> PluginV1 {
    root_with(keep(tap_table()), keep(target_table()))
}

#[test]
fn no_root_is_named() {
    says(enter(std::ptr::null()), Bug, "plugin `crude` gave no root table");
    says(enter(std::ptr::without_provenance(1)), Bug, "gave no root table");
}

#[test]
fn a_table_that_is_too_short_is_named_with_both_sizes() {
    let at_most = size_of::<PluginV1>() - 1;
    for bytes in [4, 8, at_most] {
        let words = format!("the root table of plugin `crude` has {bytes} bytes, ABI 1.0 has 64");
        let error = says(enter(short(&whole(), bytes)), Unsupported, &words);
        assert!(error.hint_text().unwrap().contains("rebuild"), "{error}");
    }
    let tap = short(&tap_table(), size_of::<TapV1>() - 8);
    says(
        enter(keep(root_with(tap, keep(target_table())))),
        Unsupported,
        "the tap table of plugin `crude` has 64 bytes, ABI 1.0 has 72",
    );
    let target = short(&target_table(), size_of::<TargetV1>() - 8);
    says(
        enter(keep(root_with(keep(tap_table()), target))),
        Unsupported,
        "the target table of plugin `crude` has 80 bytes, ABI 1.0 has 88",
    );
    let short_connector = short(&connector(Str::new("crude"), keep(tap_table()), std::ptr::null()), 8);
    says(
        enter(keep(root(vec![short_connector]))),
        Unsupported,
        "the connector table of plugin `crude` has 8 bytes, ABI 1.0 has 40",
    );
}

#[test]
fn a_table_that_is_longer_than_known_is_taken() {
    #[repr(C)]
    struct Longer<T>(T, [u64; 4]);
    let tap = TapV1 { struct_size: size_of::<Longer<TapV1>>() as u32, ..tap_table() };
    let target = TargetV1 { struct_size: size_of::<Longer<TargetV1>>() as u32, ..target_table() };
    let tap = keep(Longer(tap, [u64::MAX; 4]));
    let target = keep(Longer(target, [u64::MAX; 4]));
    let root = PluginV1 { struct_size: size_of::<Longer<PluginV1>>() as u32, ..root_with(&tap.0, &target.0) };
    let plugin = enter(&keep(Longer(root, [u64::MAX; 4])).0).expect("a newer minor version");
    plugin.tap("crude", given::context(), &given::config()).expect("opens").check().expect("works");
    plugin.target("crude", given::context(), &given::config()).expect("opens").check().expect("works");
}

#[test]
fn another_draft_and_another_major_are_refused_with_both_numbers() {
    let root = PluginV1 { abi_draft: 2, ..whole() };
    says(enter(keep(root)), Unsupported, "built for draft 2 of the ABI, this host has 1");
    let major = crude::MANIFEST.replace(r#""major":1"#, r#""major":2"#);
    let root = PluginV1 { manifest_json: Str::new(keep(major)), ..whole() };
    says(enter(keep(root)), Unsupported, "the manifest of plugin `crude` is for ABI 2, this host has 1");
    let draft = crude::MANIFEST.replace(r#""draft":1"#, r#""draft":7"#);
    let root = PluginV1 { manifest_json: Str::new(keep(draft)), ..whole() };
    says(enter(keep(root)), Bug, "names draft 7 of the ABI, its tables have 1");
}

#[test]
fn a_manifest_that_cannot_be_read_is_named() {
    let cases: [(Str, &str); 5] = [
        (Str::NONE, "EOF"),
        (Str { ptr: std::ptr::null(), len: 100 }, "EOF"),
        (Str { ptr: std::ptr::dangling(), len: usize::MAX }, "EOF"),
        (Str::new("{ \"id\": 1 }"), "invalid type"),
        (Str { ptr: b"\"\xff\xfe\"".as_ptr(), len: 4 }, "invalid"),
    ];
    for (manifest_json, words) in cases {
        let error = says(
            enter(keep(PluginV1 { manifest_json, ..whole() })),
            Bug,
            "the manifest of plugin `crude` cannot be read: ",
        );
        assert!(error.message().contains(words), "{error}");
    }
}

#[test]
fn a_manifest_that_disagrees_with_the_tables_is_refused() {
    let (tap, target) = (keep(tap_table()), keep(target_table()));
    let (no_tap, no_target) = (std::ptr::null(), std::ptr::null());
    let cases = [
        (root_with(no_tap, target), "names the tap `crude`, its tables have none"),
        (root_with(tap, no_target), "names the target `crude`, its tables have none"),
        (root(vec![]), "names the tap `crude`, its tables have none"),
        (
            root(vec![
                keep(connector(Str::new("crude"), tap, target)),
                keep(connector(Str::new("more"), tap, no_target)),
            ]),
            "names nothing of `more`, its tables have it",
        ),
    ];
    for (root, words) in cases {
        says(enter(keep(root)), Bug, words);
    }
    let without = crude::MANIFEST.replace(r#""tap":{"options":{}},"#, "");
    let root = PluginV1 { manifest_json: Str::new(keep(without)), ..whole() };
    says(enter(keep(root)), Bug, "names no tap `crude`, its tables have one");
}

#[test]
fn a_list_of_connectors_that_cannot_be_walked_is_refused() {
    let missing = PluginV1 { connectors: std::ptr::null(), n_connectors: 1, ..whole() };
    says(enter(keep(missing)), Bug, "plugin `crude` lists 1 connectors");
    let huge = PluginV1 { n_connectors: usize::MAX, ..whole() };
    says(enter(keep(huge)), Bug, &format!("lists {} connectors", usize::MAX));
    says(enter(keep(root(vec![std::ptr::null()]))), Bug, "gave no connector table");
    says(enter(keep(root(vec![std::ptr::without_provenance(3)]))), Bug, "gave no connector table");
    let misaligned: *const TapV1 = std::ptr::without_provenance(4);
    says(enter(keep(root_with(misaligned, std::ptr::null()))), Bug, "gave no tap table");
}

#[test]
fn the_type_of_a_connector_is_text_and_stands_once() {
    let (tap, target) = (keep(tap_table()), keep(target_table()));
    let one = |type_name| -> *const ConnectorV1 { keep(connector(type_name, tap, target)) };
    says(enter(keep(root(vec![one(Str::NONE)]))), Bug, "lists a connector without a type");
    says(
        enter(keep(root(vec![one(Str { ptr: std::ptr::null(), len: 5 })]))),
        Bug,
        "lists a connector without a type",
    );
    let garbled = Str { ptr: b"cr\xffde".as_ptr(), len: 5 };
    says(enter(keep(root(vec![one(garbled)]))), Bug, "lists a type that is not UTF-8");
    let twice = root(vec![one(Str::new("crude")), one(Str::new("crude"))]);
    says(enter(keep(twice)), Bug, "lists the type `crude` twice");
}

#[test]
fn a_connector_that_is_not_there_is_named() {
    let plugin = enter(keep(whole())).expect("enters");
    let tap = plugin.tap("other", given::context(), &given::config());
    says(tap, NotFound, "plugin `crude` has no tap `other`");
    let target = plugin.target("", given::context(), &given::config());
    says(target, NotFound, "plugin `crude` has no target ``");
    // A shutdown that is not implemented is none.
    plugin.shutdown(std::time::Duration::MAX);
}
