//! Every case.

mod both; // of every connector
mod tap;
mod target;

use crate::case::{Case, Need};
use crate::subject::Role;

const NONE: &[Need] = &[];
const CONFIG: &[Need] = &[Need::Config];

/// The cases of a role.
pub fn cases(role: Role) -> impl Iterator<Item = &'static Case> {
    let of_role = match role {
        Role::Tap => tap::CASES,
        Role::Target => target::CASES,
    };
    both::CASES.iter().chain(of_role)
}

/// The case of this name.
pub fn find_case(role: Role, name: &str) -> Option<&'static Case> {
    cases(role).find(|case| case.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_name_stands_for_one_case() {
        for role in [Role::Tap, Role::Target] {
            let names: HashSet<_> = cases(role).map(|case| case.name).collect();
            assert_eq!(names.len(), cases(role).count());
        }
    }

    #[test]
    fn the_readme_lists_every_case_with_its_promise() {
        let readme = include_str!("../../README.md");
        for role in [Role::Tap, Role::Target] {
            for case in cases(role) {
                let row = format!("| `{}` | {} |", case.name, case.promise);
                assert!(readme.contains(&row), "add to README.md:\n{row}");
            }
        }
    }
}
