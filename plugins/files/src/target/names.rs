//! Names of tables and pipelines as names of files.

use sha2::{Digest, Sha256};

/// The longest name that every file system takes, less what endings add to it.
const LONGEST: usize = 200;

/// The name of a table as the name of a file or folder: letters, digits and a few marks stay, every other byte becomes
/// `%XX`. Different tables have different names, also where the file system does not tell upper from lower case: there the
/// manifest says that names do not tell case, and the host looks for doubles.
pub(crate) fn encoded(table: &str) -> String {
    let is_plain = |at: usize, byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => true,
        // Neither hidden nor `..`, and nothing that readers of folders pass over.
        b'.' | b'_' => at > 0,
        _ => false,
    };
    let mut name = String::new();
    for (at, byte) in table.bytes().enumerate() {
        match is_plain(at, byte) {
            true => name.push(char::from(byte)),
            false => name.push_str(&format!("%{byte:02X}")),
        }
    }
    // Windows drops a dot at the end, and has devices of these names.
    if name.ends_with('.') {
        name.truncate(name.len() - 1);
        name.push_str("%2E");
    }
    if is_device(&name) {
        name.replace_range(..1, &format!("%{:02X}", name.as_bytes()[0]));
    }
    if name.len() > LONGEST {
        // Cut between escapes, and told apart by a hash.
        let mut end = LONGEST - 17;
        end -= name[..end].bytes().rev().take(2).position(|byte| byte == b'%').map_or(0, |back| back + 1);
        name.truncate(end);
        name.push('~');
        name.push_str(&hash(table, 8));
    }
    name
}

/// `CON`, `NUL`, `COM1`, also with an ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" => true,
        _ => {
            let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
            number.is_some_and(|number| number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()))
        }
    }
}

/// So many bytes of SHA-256, in hexadecimal digits.
pub(crate) fn hash(text: &str, bytes: usize) -> String {
    Sha256::digest(text.as_bytes())[..bytes].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The folder of what a pipeline notes.
pub(crate) fn notes_of(pipeline: &str) -> String {
    let readable: String =
        pipeline.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    format!("_dstreams/{}-{}", readable.get(..40).unwrap_or(&readable), hash(pipeline, 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_stays_what_it_is() {
        for name in ["orders", "Orders-2024", "a.b_c"] {
            assert_eq!(encoded(name), name);
        }
    }

    #[test]
    fn no_name_leads_elsewhere_or_hides() {
        let names = [
            "",
            "..",
            ".",
            "../../etc/cron.d/x",
            "/etc/passwd",
            "C:\\x",
            ".hidden",
            "_dstreams",
            "a/b",
            "a\0b",
            "con",
            "NUL.csv",
            "com7",
            "x.",
            "Ä",
        ];
        for name in names {
            let encoded = encoded(name);
            assert!(!encoded.contains(['/', '\\', ':', '\0']), "{encoded}");
            assert!(!encoded.starts_with(['.', '_']) && !encoded.ends_with('.'), "{encoded}");
            assert!(!is_device(&encoded), "{encoded}");
        }
        assert_eq!(encoded("con"), "%63on");
        assert_eq!(encoded("x."), "x%2E");
    }

    #[test]
    fn long_names_are_cut_and_stay_different() {
        let (one, other) = ("ä".repeat(300) + "1", "ä".repeat(300) + "2");
        assert!(encoded(&one).len() <= LONGEST);
        assert_ne!(encoded(&one), encoded(&other));
        assert_ne!(encoded("a%2Fb"), encoded("a/b"));
    }
}
