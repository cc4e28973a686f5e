//! Names of streams: `schema.table`, and back.

/// The name of a stream. Its parts are separated by a dot, and ids of partitions have `#`; in a part, these and `%` are
/// written as in a URL.
pub(crate) fn stream_name(schema: &str, table: &str) -> String {
    format!("{}.{}", escape(schema), escape(table))
}

/// Schema and table of a stream.
pub(crate) fn parts_of(stream: &str) -> Option<(String, String)> {
    let (schema, table) = stream.split_once('.')?;
    Some((unescape(schema), unescape(table)))
}

fn escape(part: &str) -> String {
    part.replace('%', "%25").replace('.', "%2E").replace('#', "%23")
}

fn unescape(part: &str) -> String {
    part.replace("%2E", ".").replace("%23", "#").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_names_has_a_stream_of_its_own() {
        let names = ["a", "a.b", "%", "%2E", "%252E", "#", "a#1-of-2", "…", "A b"];
        let mut seen = std::collections::HashSet::new();
        for schema in names {
            for table in names {
                let stream = stream_name(schema, table);
                assert_eq!(parts_of(&stream), Some((schema.into(), table.into())), "{stream}");
                assert_eq!(stream.matches('.').count(), 1);
                assert!(seen.insert(stream));
            }
        }
    }
}
