//! A second check for pairs where both sides are Rust: `abi_stable` compares the layout of the tables, field by field and
//! parameter by parameter, when the library is loaded.
//!
//! It is a help for authors whose build went wrong, not what keeps the border safe: that is the name of the entry, the
//! size in every table, the draft, and `tests/layout.rs`.

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::{CheckingGlobals, check_layout_compatibility_with_globals};
use abi_stable::library::AbiHeader;
use abi_stable::type_layout::TypeLayout;

use super::host::HostV1Layout;
use super::tap::TapV1Layout;
use super::target::TargetV1Layout;
use crate::{Error, Result};

/// The id under which a Rust library hands out its layout.
pub const EXTENSION: &str = "dstream.rust_layout/1";

/// The tables as one type; only ever described, never made.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = RootLayout, prefix_fields = RootPrefix)))]
#[sabi(missing_field(panic))]
#[allow(dead_code, missing_docs, missing_debug_implementations)]
pub struct Root {
    pub host: HostV1Layout,
    pub tap: TapV1Layout,
    #[sabi(last_prefix_field)]
    pub target: TargetV1Layout,
}

/// What a library hands out.
#[repr(C)]
#[allow(missing_debug_implementations)]
pub struct LayoutExport {
    header: AbiHeader,
    root: &'static TypeLayout,
}

/// The layout of this build.
pub static LAYOUT: LayoutExport =
    LayoutExport { header: AbiHeader::VALUE, root: <RootLayout as StableAbi>::LAYOUT };

/// Compares a library's layout with that of this build. `Ok(false)`: it was described by another `abi_stable`, so nothing
/// can be said.
///
/// # Errors
/// `Unsupported`: the tables differ.
///
/// # Safety
/// `theirs` is what a library answered for [`EXTENSION`].
pub unsafe fn check(theirs: *const LayoutExport, plugin: &str) -> Result<bool> {
    // SAFETY: the caller's promise; the header of abi_stable is the same in all its versions.
    let header = unsafe { &*theirs.cast::<AbiHeader>() };
    if !header.is_valid() {
        return Ok(false);
    }
    // SAFETY: the header says that it is described by this version of abi_stable.
    let theirs = unsafe { (*theirs).root };
    compare(LAYOUT.root, theirs).map(|()| true).map_err(|why| {
        // The whole text is long; its first lines name the type and the field.
        let why: Vec<&str> = why.lines().map(str::trim).filter(|line| !line.is_empty()).take(6).collect();
        Error::unsupported(format!(
            "the tables of plugin `{plugin}` differ from this host's: {}",
            why.join(" ")
        ))
        .hint("rebuild the plugin with the SDK of this release")
    })
}

/// The process-wide globals of abi_stable remember earlier pairs, and a plain check takes a longer table for a mistake: so
/// fresh globals, and once more with the sides swapped.
fn compare(ours: &'static TypeLayout, theirs: &'static TypeLayout) -> Result<(), String> {
    let first = check_layout_compatibility_with_globals(ours, theirs, &CheckingGlobals::new());
    let Err(error) = first else { return Ok(()) };
    check_layout_compatibility_with_globals(theirs, ours, &CheckingGlobals::new())
        .map_err(|_| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(dead_code, unreachable_pub)]
    use super::*;
    use crate::raw::{Err, Status, Str, TapObject};

    mod first {
        use super::*;
        #[repr(C)]
        #[derive(StableAbi)]
        #[sabi(kind(Prefix(prefix_ref = TableRef, prefix_fields = TablePrefix)))]
        #[sabi(missing_field(panic))]
        pub struct Table {
            pub size: u32,
            #[sabi(last_prefix_field)]
            pub check: Option<unsafe extern "C" fn(*const TapObject, *mut Err) -> Status>,
        }
    }

    mod longer {
        use super::*;
        #[repr(C)]
        #[derive(StableAbi)]
        #[sabi(kind(Prefix(prefix_ref = TableRef, prefix_fields = TablePrefix)))]
        #[sabi(missing_field(panic))]
        pub struct Table {
            pub size: u32,
            #[sabi(last_prefix_field)]
            pub check: Option<unsafe extern "C" fn(*const TapObject, *mut Err) -> Status>,
            pub next: Option<unsafe extern "C" fn(*const TapObject, *mut Err) -> Status>,
        }
    }

    mod inserted {
        use super::*;
        #[repr(C)]
        #[derive(StableAbi)]
        #[sabi(kind(Prefix(prefix_ref = TableRef, prefix_fields = TablePrefix)))]
        #[sabi(missing_field(panic))]
        pub struct Table {
            pub size: u32,
            pub other: Option<unsafe extern "C" fn(*const TapObject, *mut Err) -> Status>,
            #[sabi(last_prefix_field)]
            pub check: Option<unsafe extern "C" fn(*const TapObject, *mut Err) -> Status>,
        }
    }

    mod changed {
        use super::*;
        #[repr(C)]
        #[derive(StableAbi)]
        #[sabi(kind(Prefix(prefix_ref = TableRef, prefix_fields = TablePrefix)))]
        #[sabi(missing_field(panic))]
        pub struct Table {
            pub size: u32,
            #[sabi(last_prefix_field)]
            pub check: Option<unsafe extern "C" fn(*const TapObject, *const Str) -> Status>,
        }
    }

    #[test]
    fn an_appended_field_fits_both_ways_and_any_other_change_does_not() {
        let first = <first::TableRef as StableAbi>::LAYOUT;
        let longer = <longer::TableRef as StableAbi>::LAYOUT;
        assert_eq!(compare(first, first), Ok(()));
        assert_eq!(compare(first, longer), Ok(()), "an older host, a newer plugin");
        assert_eq!(compare(longer, first), Ok(()), "a newer host, an older plugin");
        for other in [<inserted::TableRef as StableAbi>::LAYOUT, <changed::TableRef as StableAbi>::LAYOUT] {
            assert!(compare(first, other).is_err());
            assert!(compare(other, first).is_err());
        }
    }

    #[test]
    fn this_build_fits_itself() {
        // SAFETY: the layout of this very build.
        assert!(unsafe { check(&LAYOUT, "itself") }.unwrap());
    }
}
