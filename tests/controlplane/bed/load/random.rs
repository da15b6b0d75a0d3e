//! Repeatable randomness: the same seed gives the same fleet on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to vary test data.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence for one object of a seeded fleet.
    pub fn new(seed: u64, object: usize) -> Self {
        let mut random = Self(seed ^ (object as u64).wrapping_mul(0xA076_1D64_78BD_642F));
        random.next();
        random
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which must not be 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or(0)
    }

    /// True this many times in a hundred.
    pub fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    /// One of some.
    pub fn pick<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        among[self.below(among.len())]
    }

    /// Lower-case hexadecimal digits, as in image digests.
    pub fn hex(&mut self, digits: usize) -> String {
        let mut text: Vec<String> = Vec::new();
        text.resize_with(digits.div_ceil(16), || format!("{:016x}", self.next()));
        let mut text = text.concat();
        text.truncate(digits);
        text
    }

    /// A suffix as Kubernetes generates them.
    pub fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..5).map(|_| char::from(LETTERS[self.below(LETTERS.len())])).collect()
    }
}
