//! Other bytes in place of some, wherever a read has split them.

/// Replaces `find` by `with`, which is as long.
#[derive(Debug)]
pub(crate) struct Replacer {
    find: Vec<u8>,
    with: Vec<u8>,
    /// What could be the beginning of `find`.
    held: Vec<u8>,
}

impl Replacer {
    pub(crate) fn new(find: Vec<u8>, with: Vec<u8>) -> Replacer {
        Replacer { find, with, held: Vec::new() }
    }

    /// What can be passed on now.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let mut at = 0;
        while at < all.len() {
            let rest = &all[at..];
            if rest.starts_with(&self.find) {
                all[at..at + self.find.len()].copy_from_slice(&self.with);
                at += self.find.len();
            } else if self.find.starts_with(rest) {
                self.held = all.split_off(at);
            } else {
                at += 1;
            }
        }
        all
    }

    /// What is held back, as it came.
    pub(crate) fn flush(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_replaced_wherever_reads_split_them() {
        let text = b"aab 15.1 aaab 15.1aab";
        for size in 1..=text.len() {
            let mut replacer = Replacer::new(b"aab".to_vec(), b"xyz".to_vec());
            let mut out = Vec::new();
            for piece in text.chunks(size) {
                out.extend(replacer.push(piece));
            }
            out.extend(replacer.flush());
            assert_eq!(out, b"xyz 15.1 axyz 15.1xyz", "pieces of {size}");
        }
    }

    #[test]
    fn a_beginning_that_does_not_go_on_is_passed_as_it_came() {
        let mut replacer = Replacer::new(b"15.18".to_vec(), b"09.18".to_vec());
        assert_eq!(replacer.push(b"version 15."), b"version ");
        assert_eq!(replacer.flush(), b"15.");
        assert_eq!(replacer.push(b"18"), b"18");
    }
}
