//! A library that is shorter than its own headers say kills the process within `dlopen` (SIGBUS): nothing is loaded
//! whose headers claim bytes that are not there.

use dstream_abi::{Error, Result};

use super::image::Image;

/// Every range that the headers claim lies inside of a file of `bytes` bytes.
///
/// # Errors
/// `Config`: the file is cut, or its headers cannot be followed.
pub(crate) fn check_whole(image: &Image, bytes: u64) -> Result<()> {
    let damaged =
        |error: Error| error.hint("the file is damaged or was copied in part: install the plugin again");
    for claim in &image.claims {
        // An end past 2^64 is as far outside as one past the end of the file.
        if claim.offset.checked_add(claim.size).is_none_or(|end| end > bytes) {
            return Err(damaged(Error::config(format!(
                "the file is cut: it has {bytes} bytes, and its {} ends at byte {}",
                claim.what,
                claim.offset.saturating_add(claim.size)
            ))));
        }
    }
    match image.broken {
        None => Ok(()),
        Some(why) => {
            Err(damaged(Error::config(format!("the headers of the file cannot be followed: {why}"))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::fixtures;
    use dstream_abi::ErrorKind;

    #[test]
    fn whole_files_of_every_format_pass() {
        for (name, bytes) in fixtures::libraries("{}") {
            let image = Image::parse(&bytes[..]).expect(name);
            check_whole(&image, bytes.len() as u64).expect(name);
        }
    }

    #[test]
    fn a_file_cut_anywhere_before_its_last_claim_is_refused() {
        for (name, bytes) in fixtures::libraries("{}") {
            let image = Image::parse(&bytes[..]).expect(name);
            let end = image.claims.iter().map(|claim| claim.offset + claim.size).max().expect("has claims")
                as usize;
            assert!(end <= bytes.len(), "{name}");
            for cut in 0..end {
                let cut = &bytes[..cut];
                let outcome = Image::parse(cut).and_then(|image| check_whole(&image, cut.len() as u64));
                assert_eq!(outcome.expect_err(name).kind(), ErrorKind::Config, "{name} cut at {}", cut.len());
            }
        }
    }

    #[test]
    fn any_single_damaged_byte_ends_in_an_answer_and_not_in_a_panic() {
        for (_, bytes) in fixtures::libraries("{}") {
            for at in 0..bytes.len().min(2048) {
                for value in [0x00, 0x7f, 0xff] {
                    let mut bytes = bytes.clone();
                    bytes[at] = value;
                    if let Ok(image) = Image::parse(&bytes[..]) {
                        let _ = check_whole(&image, bytes.len() as u64);
                    }
                }
            }
        }
    }
}
