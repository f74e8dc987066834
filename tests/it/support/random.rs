//! Random numbers that a printed seed repeats.

/// xorshift64*.
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// From an environment variable: a number, or `new` for one that nobody tried. Without it always the same, so that
    /// a change is judged by what it changed.
    pub fn seeded(variable: &str) -> Self {
        let clock = || {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(1, |now| now.subsec_nanos().into())
        };
        let seed = match std::env::var(variable).as_deref() {
            Ok("new") => clock(),
            given => given.ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_121),
        };
        Self { seed, state: seed | 1 << 40 }
    }

    /// Repeats this run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// From 0 up to, but not including, the bound.
    pub fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let number = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16;
        usize::try_from(number).unwrap_or_default() % bound.max(1)
    }
}
