//! From samples to files like them: the quick profile, which needs no compiler that counts what is covered.

/// Files of CSV; the first four bytes are options.
pub const SAMPLES_OF_CSV: &[&[u8]] = &[
    b"\x00\x00\x10\x00n,text,at\n1,\"a\nb\",2013-01-01\n2,\"x\"\"y\",2013-01-02\n3,,\n",
    b"\x01\x00\x05\x01a;b\r\n1;\"\r\n;\"\r\n;2\r\n",
    b"\x10\x03\x20\x022,\"a\\\"b\"\n3,\"c\\\\\"\n",
    b"\xc0\x00\x08\x04a,b\n# no, record\n007,1e5\n-0,9223372036854775808\n",
    b"\x08\x00\x07\x05a,b\r1,2\r3,4\r",
    b"\x00\x14\x40\x00\xff\xfea\x00,\x00b\x00\n\x001\x00,\x00\x3d\xd8\x00\xde\n\x00",
    b"\x00\x00\x01\x0f\xef\xbb\xbfa\n1\n\n2\n",
];

/// Files of JSON; the first four bytes are options.
pub const SAMPLES_OF_JSON: &[&[u8]] = &[
    b"\x00\x00\x10\x00{\"a\":1,\"b\":\"x\\n\\u00e4\"}\n{\"a\":2.5,\"b\":null,\"c\":[1,2]}\n",
    b"\x00\x00\x05\x05[{\"a\":{\"b\":[{\"c\":true}]}},{\"a\":{\"b\":[]}}]",
    b"\x00\x02\x07\x01{\n \"a\": 1\n}\n{\n \"a\": \"\\ud83d\\ude00\"\n}\n",
    b"\x00\x00\x30\x02{\"at\":\"2013-01-01T00:00:00Z\",\"d\":1.10}\r\n\r\n{\"at\":\"x\",\"d\":12345678901234567890}",
    b"\x00\x00\x01\x0f\xef\xbb\xbf{\"a\":{}}\n{\"a\":[]}\n{}\n",
];

/// Entries of a log.
pub const SAMPLES_OF_ENTRIES: &[&[u8]] = &[
    br#"{"version":1,"pipeline":"p","number":1,"content":{"state":{}},"steps":[{"move":{"from":"a","to":"b"}}]}"#,
    br#"{"version":1,"pipeline":"p","number":2,"previous":"00","content":{"change":{}}}"#,
];

/// Changes of samples. The seed is all that they depend on.
pub struct Mutation(u64);

/// What often matters.
const TOKENS: &[&[u8]] = &[
    b"\"",
    b"\"\"",
    b"\n",
    b"\r",
    b"\r\n",
    b",",
    b";",
    b"\\",
    b"#",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"null",
    b"-0",
    b"1e400",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\x00",
    b"\\u0000",
    b"\\ud800",
    b"'",
    b" ",
    b"\t",
    b"99999999999999999999",
];

impl Mutation {
    /// Changes that follow from a seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Mutation {
        Mutation(seed)
    }

    fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }

    /// Another file: a sample with some changes.
    pub fn next(&mut self, samples: &[&[u8]]) -> Vec<u8> {
        let mut file = samples[self.below(samples.len())].to_vec();
        for _ in 0..1 + self.below(6) {
            let (at, count) = (self.below(file.len() + 1), self.below(12));
            let end = (at + count).min(file.len());
            match self.below(5) {
                0 => drop(file.drain(at..end)),
                1 => {
                    let again = file[at..end].to_vec();
                    drop(file.splice(at..at, again));
                }
                2 if at < file.len() => file[at] ^= 1 << self.below(8),
                _ => {
                    let token = TOKENS[self.below(TOKENS.len())];
                    drop(file.splice(at..at, token.iter().copied()));
                }
            }
        }
        file
    }
}
