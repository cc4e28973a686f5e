//! The cases of every connector.

use super::{CONFIG, NONE};
use crate::case::Case;
use crate::{manifest, trace};

pub(super) static CASES: &[Case] = &[
    Case::new(
        "the-manifest-is-well-formed",
        NONE,
        "the manifest names the library and its version, each type in lower-case letters, digits and `-`, and what a target can write",
        manifest::the_manifest_is_well_formed,
    ),
    Case::new(
        "the-schema-of-options-is-valid",
        NONE,
        "the options are described by a JSON Schema, and its defaults fit it",
        manifest::the_schema_of_options_is_valid,
    ),
    Case::new(
        "unknown-options-are-refused",
        NONE,
        "the JSON Schema refuses an option that does not exist",
        manifest::unknown_options_are_refused,
    ),
    Case::new(
        "options-are-explained",
        NONE,
        "every option has a description",
        manifest::options_are_explained,
    ),
    Case::new(
        "secrets-are-marked",
        NONE,
        "an option whose name says that it is a secret is marked as one",
        manifest::secrets_are_marked,
    ),
    Case::new(
        "bad-options-are-refused",
        CONFIG,
        "`open` answers a value of a wrong type with an error of kind `config`",
        manifest::bad_options_are_refused,
    ),
    Case::new(
        "check-passes",
        CONFIG,
        "`check` finds nothing wrong with the config that was given",
        trace::check_passes,
    ),
    Case::new(
        "looking-leaves-no-trace",
        CONFIG,
        "`open`, `check`, `discover` and `plan` make, change and remove no file",
        trace::looking_leaves_no_trace,
    ),
];
