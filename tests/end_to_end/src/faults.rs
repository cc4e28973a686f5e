//! Libraries that are broken on purpose, made of one that is not.

use std::fs;
use std::path::Path;

/// Leaves the first half of a file.
pub fn cut(path: &Path) {
    let file = fs::File::options().write(true).open(path).expect("the library is there");
    let whole = file.metadata().expect("the length of a file").len();
    file.set_len(whole / 2).expect("a file can be cut");
}

/// Says of an ELF file that it is for another processor: the machine stands in bytes 18 and 19 of its header.
pub fn for_another_machine(path: &Path) {
    let mut bytes = fs::read(path).expect("the library is there");
    assert!(bytes.starts_with(b"\x7fELF"), "made for ELF");
    let s390x = 22_u16;
    bytes[18..20].copy_from_slice(&s390x.to_le_bytes());
    fs::write(path, bytes).expect("the library can be written");
}

/// Gives the section that holds the manifest another name.
pub fn without_manifest(path: &Path) {
    let mut bytes = fs::read(path).expect("the library is there");
    let name = b".dstream_manifest\0";
    let at = bytes.windows(name.len()).position(|window| window == name).expect("the name of the section");
    bytes[at..at + 4].copy_from_slice(b".xxx");
    fs::write(path, bytes).expect("the library can be written");
}
