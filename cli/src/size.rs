//! `512MiB` as bytes.

/// Reads a number of bytes: plain, or with `k`, `M`, `G`, `T` (powers of 1000) or `Ki`, `Mi`, `Gi`, `Ti` (of 1024),
/// each with or without `B`.
///
/// # Errors
/// One sentence for the user.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let factor: u64 = match unit.strip_suffix('b').unwrap_or(&unit) {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "t" => 1_000_000_000_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        "ti" => 1 << 40,
        _ => return Err(format!("`{text}` has no unit of size: write it as in `512MiB`")),
    };
    let number: u64 = number.parse().map_err(|_| format!("`{text}` is no size: write it as in `512MiB`"))?;
    number.checked_mul(factor).ok_or_else(|| format!("`{text}` is more than any machine has"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(bytes("512MiB"), Ok(512 << 20));
        assert_eq!(bytes("1 g"), Ok(1_000_000_000));
        assert_eq!(bytes("64Ki"), Ok(65536));
        assert_eq!(bytes("4096"), Ok(4096));
        for wrong in ["", "MiB", "1.5GiB", "10 parsecs", "99999999999TiB", "-1"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
