//! Numbers and values for tests, all of them from one number.

/// Every number from one: splitmix64.
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(super) fn between(&mut self, start: i64, end: i64) -> i64 {
        start + (self.next() % (end.abs_diff(start))) as i64
    }

    /// All bits, with the edges more often than chance has them.
    pub(super) fn bits(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => i64::MAX as u64,
            3 => i64::MIN as u64,
            4 => self.below(100),
            _ => self.next(),
        }
    }

    pub(super) fn text(&mut self) -> String {
        let alphabet: Vec<char> =
            "ab \"\\/\n\r\t\u{8}\u{c}\0\u{1f}\u{7f}äß€\u{2028}😀null{}[],:1".chars().collect();
        let len = self.below(30);
        (0..len).map(|_| alphabet[self.below(alphabet.len() as u64) as usize]).collect()
    }

    pub(super) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    pub(super) fn json(&mut self) -> String {
        match self.below(6) {
            0 => r#"{"a": [1.50, 12345678901234567890123], "a": null}"#.to_owned(),
            1 => "[]".to_owned(),
            2 => "1e400".to_owned(),
            3 => r#""null""#.to_owned(),
            4 => "false".to_owned(),
            _ => serde_json::to_string(&self.text()).unwrap(),
        }
    }
}
