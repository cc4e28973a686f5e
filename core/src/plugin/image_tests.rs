use super::*;
use crate::plugin::fixtures;

#[test]
fn every_format_tells_its_system_its_machine_and_its_manifest() {
    let seen: Vec<_> = fixtures::libraries("{}")
        .into_iter()
        .map(|(name, bytes)| {
            let image = Image::parse(&bytes[..]).expect(name);
            assert!(image.is_library, "{name}");
            assert_eq!(image.manifests.len(), 1, "{name}");
            assert!(image.broken.is_none(), "{name}: {:?}", image.broken);
            (name, image.system, image.machine)
        })
        .collect();
    let arch = std::env::consts::ARCH;
    let expected = [
        ("elf", "Linux", "x86_64"),
        ("elf-arm", "Linux", "aarch64"),
        ("macho", "macOS", "aarch64"),
        ("macho-x86", "macOS", "x86_64"),
        ("fat", "macOS", if arch == "x86_64" { "x86_64" } else { "aarch64" }),
        ("pe", "Windows", "x86_64"),
    ];
    assert_eq!(seen, expected.map(|(name, system, machine)| (name, system, machine.to_owned())));
}

#[test]
fn the_wrong_platform_names_what_was_found_and_what_is_needed() {
    let bytes = fixtures::elf(object::Architecture::S390x, "{}");
    let error = check_platform(&Image::parse(&bytes[..]).expect("parses")).expect_err("wrong machine");
    assert_eq!(
        error.message(),
        format!(
            "the library is for Linux on s390x, this program needs {} on {}",
            host_system(),
            std::env::consts::ARCH
        )
    );
}

#[test]
fn a_script_and_a_text_file_are_no_libraries() {
    for text in ["#!/bin/sh\necho plugin of the month\n", "a", "GROUP ( /lib/libc.so.6 )\n\n"] {
        let error = Image::parse(text.as_bytes()).expect_err("no library");
        assert_eq!(error.message(), "the file is not a shared library of any known system");
    }
}
