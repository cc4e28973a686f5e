//! What may be seen of a table beside a run, and what not.

use std::collections::{BTreeMap, BTreeSet};

use crate::stream::{Kind, Stream};

/// One row, by `id` and version.
pub(crate) type Row = (i64, i64);
type Rows = BTreeSet<Row>;

/// What may be seen of a table.
pub(crate) enum Allowed {
    /// Some of these, and more each time.
    Growing(Rows),
    /// What there was, then what there is.
    Either(Rows, Rows),
    /// What there was, then that and some of what there is, then some of it and what there is, then what there is.
    Both(Rows, Rows),
}

impl Allowed {
    /// Where `overlaps`, what is new gets its names before what is old loses them.
    pub(crate) fn of(stream: &Stream, overlaps: bool) -> Allowed {
        let rows =
            |versions: &BTreeMap<i64, i64>| versions.iter().map(|(id, version)| (*id, *version)).collect();
        match stream.kind {
            Kind::Appended | Kind::Keyed => Allowed::Growing(stream.history().collect()),
            Kind::Replaced if overlaps => Allowed::Both(rows(&stream.copied), rows(&stream.versions)),
            Kind::Replaced => Allowed::Either(rows(&stream.copied), rows(&stream.versions)),
        }
    }

    /// What is wrong with these rows, in their order, after those of the look before.
    pub(crate) fn find_problem(&self, rows: &[Row], before: Option<&[Row]>) -> Option<String> {
        let all: Rows = rows.iter().copied().collect();
        match self {
            Allowed::Both(old, new) => find_problem_of_both(rows, old, new, before),
            _ if all.len() < rows.len() => Some(format!("had {} rows twice", rows.len() - all.len())),
            Allowed::Growing(known) => {
                let foreign = all.difference(known).next();
                let gone = before.unwrap_or_default().iter().find(|row| !all.contains(row));
                let foreign = foreign.map(|row| format!("had the row {row:?}, which is not in the source"));
                foreign.or_else(|| gone.map(|row| format!("had no row {row:?} any more")))
            }
            Allowed::Either(_, new) if all == *new => None,
            Allowed::Either(_, new) if before.is_some_and(|before| is(before, new)) => {
                Some("was the new one, and is not any more".into())
            }
            Allowed::Either(old, _) if all == *old => None,
            Allowed::Either(old, new) => Some(neither(rows, old, new)),
        }
    }
}

fn find_problem_of_both(rows: &[Row], old: &Rows, new: &Rows, before: Option<&[Row]>) -> Option<String> {
    let is_all_and_some =
        |whole: &Rows, part: &Rows| rest_of(rows, whole).is_some_and(|rest| rest.is_subset(part));
    // A run that was killed behind its copy is followed by one that makes the same copy once more.
    if is_all_and_some(new, new) {
        return None;
    }
    if before.is_some_and(|before| is(before, new)) {
        return Some("was the new one, and is not any more".into());
    }
    let is_between = is_all_and_some(old, new) || is_all_and_some(new, old);
    (!is_between).then(|| neither(rows, old, new))
}

/// What is left of `rows` without all of `whole`; `None` where some of these are not there, or a row is left twice.
fn rest_of(rows: &[Row], whole: &Rows) -> Option<Rows> {
    let (mut found, mut rest) = (Rows::new(), Rows::new());
    let is_single = |row: &Row| match whole.contains(row) && found.insert(*row) {
        true => true,
        false => rest.insert(*row),
    };
    (rows.iter().all(is_single) && found.len() == whole.len()).then_some(rest)
}

fn is(rows: &[Row], all: &Rows) -> bool {
    rows.iter().eq(all)
}

fn neither(rows: &[Row], old: &Rows, new: &Rows) -> String {
    let (count, old, new) = (rows.len(), old.len(), new.len());
    format!("was neither the old one ({old} rows) nor the new one ({new}): {count} rows")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(ids: std::ops::Range<i64>, version: i64) -> Vec<Row> {
        ids.map(|id| (id, version)).collect()
    }

    fn set(rows: &[Row]) -> Rows {
        rows.iter().copied().collect()
    }

    fn joined(one: &[Row], other: &[Row]) -> Vec<Row> {
        let mut both = [one, other].concat();
        both.sort_unstable();
        both
    }

    #[test]
    fn what_grows_may_be_there_in_part_and_never_goes_again() {
        let allowed = Allowed::Growing(set(&rows(0..10, 0)));
        assert_eq!(allowed.find_problem(&rows(0..4, 0), Some(&rows(0..2, 0))), None);
        assert_eq!(allowed.find_problem(&[], None), None);
        let gone = allowed.find_problem(&rows(0..4, 0), Some(&rows(0..5, 0)));
        assert_eq!(gone.as_deref(), Some("had no row (4, 0) any more"));
        assert!(allowed.find_problem(&rows(9..11, 0), None).is_some());
    }

    #[test]
    fn what_is_replaced_is_the_old_one_and_then_the_new_one() {
        let (old, new) = (rows(0..5, 0), rows(0..7, 1));
        let allowed = Allowed::Either(set(&old), set(&new));
        assert_eq!(allowed.find_problem(&old, None), None);
        assert_eq!(allowed.find_problem(&new, Some(&old)), None);
        for wrong in [Vec::new(), rows(0..4, 0), rows(0..6, 1), joined(&old, &new)] {
            assert!(allowed.find_problem(&wrong, Some(&old)).is_some(), "{wrong:?}");
        }
        assert!(allowed.find_problem(&old, Some(&new)).is_some(), "and never the old one again");
    }

    #[test]
    fn of_what_is_replaced_in_a_bucket_one_copy_is_whole() {
        // Rows that did not change are in both.
        let (old, new) = (joined(&rows(0..5, 0), &rows(9..10, 0)), joined(&rows(0..7, 1), &rows(9..10, 0)));
        let allowed = Allowed::Both(set(&old), set(&new));
        let ok = [&old[..], &joined(&old, &new[2..]), &joined(&old, &new), &joined(&old[..2], &new), &new];
        for pair in ok.windows(2) {
            assert_eq!(allowed.find_problem(pair[1], Some(pair[0])), None, "{pair:?}");
        }
        let wrong = [
            &[][..],
            &old[1..],
            &new[1..],
            &joined(&old[1..], &new[1..]),
            &joined(&old, &old),
            &joined(&new, &rows(8..9, 0)),
        ];
        for wrong in wrong {
            assert!(allowed.find_problem(wrong, None).is_some(), "{wrong:?}");
        }
        assert!(allowed.find_problem(&old, Some(&new)).is_some(), "and never the old one again");
        assert!(allowed.find_problem(&joined(&old, &new), Some(&new)).is_some(), "not even beside it");
        assert_eq!(
            allowed.find_problem(&joined(&new, &new), Some(&new)),
            None,
            "but the same copy once more"
        );
        let same = Allowed::Both(set(&old), set(&old));
        for both in [joined(&old, &old), joined(&old[..2], &old), old.clone()] {
            assert_eq!(same.find_problem(&both, Some(&old)), None);
        }
    }
}
