//! Names of tables: what a user's may be, and what those are called that are built aside.

use dstream_sdk::{Error, Result};

use crate::quote::MAX_NAME_BYTES;

/// Prefix of the tables that belong to this connector.
pub(crate) const OWN_PREFIX: &str = "_dstreams_";
/// Prefix of the tables in which a generation is built aside.
const ASIDE_PREFIX: &str = "_dstreams_new_";
/// The same for names that would become too long: cut, with a number that depends on the whole name.
const CUT_PREFIX: &str = "_dstreams_newcut_";

/// Checks that a user's table may have this name.
///
/// # Errors
/// `Config`: empty, with NUL, too long, or reserved.
pub(crate) fn check_table_name(table: &str) -> Result<()> {
    let wrong = match table {
        "" => "is empty".to_owned(),
        name if name.contains('\0') => "holds NUL".to_owned(),
        name if name.len() > MAX_NAME_BYTES => {
            format!("has {} bytes, and the server keeps {MAX_NAME_BYTES} of a name", name.len())
        }
        name if name.get(..OWN_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN_PREFIX)) => {
            "starts with `_dstreams_`, which is kept for the control tables".to_owned()
        }
        _ => return Ok(()),
    };
    Err(Error::config(format!("the table name `{}` {wrong}", table.escape_debug()))
        .hint("choose another name with the option `table`"))
}

/// The table in which the next generation of `table` is built.
pub(crate) fn aside_of(table: &str) -> String {
    if ASIDE_PREFIX.len() + table.len() <= MAX_NAME_BYTES {
        return format!("{ASIDE_PREFIX}{table}");
    }
    let mut cut = MAX_NAME_BYTES - CUT_PREFIX.len() - 17;
    while !table.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{CUT_PREFIX}{}_{:016x}", &table[..cut], fnv(table.as_bytes()))
}

/// FNV-1a: the same number in every build, for what another version goes on with.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_and_impossible_names_are_refused() {
        let long = "é".repeat(32);
        for name in ["_dstreams_state", "_DSTREAMS_new_x", "", "a\0b", &long] {
            assert!(check_table_name(name).is_err(), "{name}");
        }
        for name in ["dstreams", "é_dstreams_", "_dstream", &"x".repeat(63)] {
            check_table_name(name).unwrap();
        }
    }

    #[test]
    fn every_table_has_its_own_place_aside() {
        let mut asides = std::collections::HashSet::new();
        for length in 1..=63 {
            for end in ["a", "b"] {
                let aside = aside_of(&format!("{}{end}", "x".repeat(length - 1)));
                assert!(aside.len() <= MAX_NAME_BYTES && asides.insert(aside));
            }
        }
        assert_eq!(aside_of("orders"), "_dstreams_new_orders");
        assert!(aside_of(&"😀".repeat(15)).starts_with("_dstreams_newcut_😀"));
    }
}
