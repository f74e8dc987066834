//! Prime numbers for keys, from a stream of bytes that is the same during a session.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use crate::render::template::Context;
use crate::render::template::function::FnError;

/// Bytes that look random, all from one seed.
pub(super) struct Stream {
    seed: [u8; 32],
    block: u64,
    left: Vec<u8>,
}

impl Stream {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { seed, block: 0, left: Vec::new() }
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.left.len() < count {
            let mut hash = Sha256::new();
            hash.update(self.seed);
            hash.update(self.block.to_le_bytes());
            self.left.extend_from_slice(&hash.finalize());
            self.block += 1;
        }
        self.left.drain(..count).collect()
    }

    /// A number of exactly so many bits (a multiple of eight), the two highest of them set.
    fn number(&mut self, bits: usize) -> BigUint {
        let mut bytes = self.bytes(bits / 8);
        if let Some(first) = bytes.first_mut() {
            *first |= 0xc0;
        }
        BigUint::from_bytes_be(&bytes)
    }

    /// A number below a bound, and not zero.
    pub(super) fn below(&mut self, bound: &BigUint) -> BigUint {
        let one = BigUint::from(1_u8);
        let bytes = self.bytes(bound.to_bytes_be().len() + 8);
        BigUint::from_bytes_be(&bytes) % (bound - &one) + one
    }
}

fn sieve() -> Vec<u32> {
    let mut primes: Vec<u32> = vec![3];
    let mut candidate = 5;
    while candidate < 8_000 {
        if primes.iter().take_while(|prime| *prime * *prime <= candidate).all(|prime| candidate % prime != 0)
        {
            primes.push(candidate);
        }
        candidate += 2;
    }
    primes
}

/// A prime of so many bits that is `residue` modulo `step` (even steps: an odd residue).
///
/// # Errors
/// The rendering takes too long.
fn prime_in_steps(
    context: &mut Context,
    stream: &mut Stream,
    bits: usize,
    step: &BigUint,
) -> Result<BigUint, FnError> {
    let one = BigUint::from(1_u8);
    let small = sieve();
    let residue = |n: &BigUint, prime: u32| u32::try_from(n % prime).unwrap_or_default();
    loop {
        let start = stream.number(bits);
        let start = &start - &start % step + &one;
        let of_start: Vec<(u32, u32, u32)> =
            small.iter().map(|prime| (*prime, residue(&start, *prime), residue(step, *prime))).collect();
        for index in 0..4_096_u32 {
            let divides = |(prime, start, step): &(u32, u32, u32)| {
                (u64::from(*start) + u64::from(*step) * u64::from(index)) % u64::from(*prime) == 0
            };
            if of_start.iter().any(divides) {
                continue;
            }
            context.in_time()?;
            let candidate = &start + step * index;
            if candidate.bits() == bits as u64 && is_prime(&candidate, stream) {
                return Ok(candidate);
            }
        }
    }
}

/// A prime of so many bits.
///
/// # Errors
/// The rendering takes too long.
pub(super) fn prime(context: &mut Context, stream: &mut Stream, bits: usize) -> Result<BigUint, FnError> {
    prime_in_steps(context, stream, bits, &BigUint::from(2_u8))
}

/// A prime of so many bits that is one more than a multiple of another prime.
///
/// # Errors
/// The rendering takes too long.
pub(super) fn prime_over(
    context: &mut Context,
    stream: &mut Stream,
    bits: usize,
    divisor: &BigUint,
) -> Result<BigUint, FnError> {
    prime_in_steps(context, stream, bits, &(divisor * 2_u8))
}

/// Miller and Rabin's test; for numbers drawn at random a few rounds are plenty.
fn is_prime(n: &BigUint, stream: &mut Stream) -> bool {
    let one = BigUint::from(1_u8);
    let less = n - &one;
    let twos = less.trailing_zeros().unwrap_or(0);
    let odd = &less >> twos;
    let holds = |base: &BigUint| {
        let mut power = base.modpow(&odd, n);
        if power == one || power == less {
            return true;
        }
        for _ in 1..twos {
            power = power.modpow(&BigUint::from(2_u8), n);
            if power == less {
                return true;
            }
        }
        false
    };
    holds(&BigUint::from(2_u8)) && (0..5).all(|_| holds(&stream.below(&less)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_told_from_products() {
        let mut stream = Stream::new([7; 32]);
        let number = |text: &str| text.parse::<BigUint>().unwrap_or_default();
        for prime in ["65537", "170141183460469231731687303715884105727", "9223372036854775783"] {
            assert!(is_prime(&number(prime), &mut stream), "{prime}");
        }
        // Carmichael numbers, a square of a prime, a product of two.
        for product in ["561", "41041", "825265", "4295098369", "170141183460469231731687303715884105729"] {
            assert!(!is_prime(&number(product), &mut stream), "{product}");
        }
    }
}
