//! The known name that a mistyped one most likely means.

/// The candidate nearest to `wanted`; none where nothing comes close.
///
/// ```
/// use dstream_core::config::nearest;
/// assert_eq!(nearest("conection", ["connection", "auth"]), Some("connection"));
/// assert_eq!(nearest("colour", ["connection", "auth"]), None);
/// ```
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let limit = (wanted.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The hint of an error about an unknown name: the nearest known one, or all of them.
pub fn hint_for<'a>(what: &str, wanted: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(wanted, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let names = list(known);
    if names.is_empty() { format!("there are no {what}") } else { format!("known {what}: {names}") }
}

/// Names in backticks, with commas; after twenty, the number of those left out.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 20;
    let names: Vec<&str> = names.into_iter().collect();
    let mut text = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

fn distance(a: &str, b: &str) -> usize {
    // A long name may be cut: `pub` for `public`, `orders` for `public.orders`.
    if a.len() >= 3 && (b.starts_with(a) || b.ends_with(a)) {
        return 1;
    }
    strsim::damerau_levenshtein(a, b)
}
