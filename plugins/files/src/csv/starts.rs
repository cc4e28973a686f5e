//! Where lines begin that begin records, found without splitting fields: from quote to quote.

use super::Dialect;
use super::split::closing_quote;
use crate::tap::Start;

/// Looks for the first start of a line, at or behind `wanted`, that is not between quotes. `bytes` begin with such a start.
///
/// Text is the same with and without a search: a quote opens a field where the byte before it ends a field or a record,
/// and is a letter anywhere else. Comments would need another rule; files that have some are not searched.
pub(crate) fn find_start(dialect: &Dialect, bytes: &[u8], wanted: usize, is_last: bool) -> Start {
    debug_assert!(dialect.comment.is_none());
    if wanted == 0 {
        return Start::Found(0);
    }
    let mut last = 0;
    // What is before `plain` is looked at; a quote right there opens a field where it stands behind a quoted one as well:
    // that field is at its end, so it does not.
    let mut plain = 0;
    let mut after_quote = false;
    loop {
        let quote = find_quote(dialect, bytes, plain);
        let end = quote.unwrap_or(bytes.len());
        if wanted <= end
            && let Some(start) = first_line_end(bytes, plain.max(wanted - 1), end, is_last)
        {
            return Start::Found(start);
        }
        if let Some(start) = last_line_end(bytes, plain, end, is_last) {
            last = start;
        }
        let Some(quote) = quote else { return Start::Further(last) };
        let opens = match quote.checked_sub(1).map(|before| bytes[before]) {
            _ if after_quote && quote == plain => false,
            None => true,
            Some(byte) => byte == dialect.delimiter || byte == b'\n' || byte == b'\r',
        };
        if !opens {
            (plain, after_quote) = (quote + 1, false);
            continue;
        }
        match closing_quote(dialect, bytes, quote + 1, is_last) {
            Some((closing, _)) => (plain, after_quote) = (closing + 1, true),
            // It is closed by bytes that are not here.
            None => return Start::Further(last),
        }
    }
}

fn find_quote(dialect: &Dialect, bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr(dialect.quote?, &bytes[from..]).map(|at| from + at)
}

/// The start behind the first line end between `from` and `end`.
fn first_line_end(bytes: &[u8], from: usize, end: usize, is_last: bool) -> Option<usize> {
    let mut at = from;
    while at < end {
        at += memchr::memchr2(b'\n', b'\r', &bytes[at..end])?;
        if let Some(start) = behind(bytes, at, is_last) {
            return Some(start);
        }
        at += 1;
    }
    None
}

/// The start behind the last line end between `from` and `end`.
fn last_line_end(bytes: &[u8], from: usize, mut end: usize, is_last: bool) -> Option<usize> {
    while end > from {
        let at = from + memchr::memrchr2(b'\n', b'\r', &bytes[from..end])?;
        if let Some(start) = behind(bytes, at, is_last) {
            return Some(start);
        }
        end = at;
    }
    None
}

/// Where the line behind this line end begins; `None` for the first half of CRLF, or what may be one.
fn behind(bytes: &[u8], at: usize, is_last: bool) -> Option<usize> {
    match (bytes[at], bytes.get(at + 1)) {
        (b'\r', Some(b'\n')) => None,
        (b'\r', None) if !is_last => None,
        _ => Some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::split::{Chunk, split_one};
    use crate::tap::Stop;
    use crate::testing::Random;

    const DIALECT: Dialect = Dialect { delimiter: b',', quote: Some(b'"'), escape: None, comment: None };

    /// Every start of a line that is not between quotes, by splitting all records.
    fn all_starts(dialect: &Dialect, bytes: &[u8]) -> Option<Vec<usize>> {
        let (mut starts, mut at) = (vec![0], 0);
        let mut chunk = Chunk::default();
        while at < bytes.len() {
            // An empty line is passed by the splitter, and a start all the same.
            if let Some(start) = matches!(bytes[at], b'\n' | b'\r').then(|| behind(bytes, at, true)) {
                at = start.unwrap_or(at + 1);
                starts.extend(start);
                continue;
            }
            match split_one(dialect, &bytes[at..], true, &mut chunk) {
                Ok(Stop::Full) => at += chunk.length,
                _ => return None,
            }
            let is_line_end = at > 0 && matches!(bytes[at - 1], b'\n' | b'\r');
            starts.extend(is_line_end.then_some(at));
        }
        starts.dedup();
        Some(starts)
    }

    #[test]
    fn the_start_at_or_behind_any_place_is_that_of_the_splitter() {
        let mut random = Random::new();
        let mut compared = 0;
        for round in 0..4000 {
            let escape = (round % 3 == 0).then_some(b'\\');
            let dialect = Dialect { escape, ..DIALECT };
            let parts = ["a", "\"", "\"\"", ",", "\n", "\r\n", "\r", "\"x\"", "\\", ",\"\n\","];
            let text: String = (0..random.below(24)).map(|_| random.one_of(&parts)).collect();
            let bytes = text.as_bytes();
            // Where the splitter finds a fault, nobody reads on.
            let Some(starts) = all_starts(&dialect, bytes) else { continue };
            for wanted in 0..=bytes.len() {
                let expected = starts.iter().find(|start| **start >= wanted);
                match find_start(&dialect, bytes, wanted, true) {
                    Start::Found(start) => assert_eq!(Some(&start), expected, "{text:?} from {wanted}"),
                    Start::Further(start) => {
                        assert!(
                            expected.is_none() && starts.contains(&start),
                            "{text:?} from {wanted}: {start}"
                        );
                    }
                }
                // The same, of a file that comes in two parts.
                for cut in 0..bytes.len() {
                    let found = match find_start(&dialect, &bytes[..cut], wanted, false) {
                        Start::Found(start) => Some(start),
                        Start::Further(from) => {
                            assert!(starts.contains(&from), "{text:?} from {wanted}, cut at {cut}: {from}");
                            match find_start(&dialect, &bytes[from..], wanted.saturating_sub(from), true) {
                                Start::Found(start) => Some(from + start),
                                Start::Further(_) => None,
                            }
                        }
                    };
                    assert_eq!(found.as_ref(), expected, "{text:?} from {wanted}, cut at {cut}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 100_000, "{compared} searches show little");
    }
}
