//! Private keys: made, read from PEM and written, and used to sign.

#![allow(
    clippy::many_single_char_names,
    reason = "the names that the standards give to the numbers of a key"
)]

use num_bigint::BigUint;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use sha2::{Digest as _, Sha256};

use super::der::{self, Reader, bits, number, sequence, small, tagged};
use super::primes::{self, Stream};
use crate::render::template::Context;
use crate::render::template::function::FnError;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const EC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const EC_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Before the digest in an RSA signature: this is one of SHA-256.
const DIGEST_INFO: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// Bytes, an optional object identifier, bytes: what keys are wrapped in.
type Wrapped = (Vec<u8>, Option<Vec<u8>>, Vec<u8>);

/// A private key.
pub(super) enum Key {
    Rsa { n: BigUint, e: BigUint, d: BigUint, p: BigUint, q: BigUint },
    Dsa { p: BigUint, q: BigUint, g: BigUint, y: BigUint, x: BigUint },
    Ec { is_384: bool, private: Vec<u8>, public: Vec<u8> },
    Ed25519 { seed: Vec<u8>, public: Vec<u8> },
}

fn one() -> BigUint {
    BigUint::from(1_u8)
}

impl Key {
    /// An RSA key.
    ///
    /// # Errors
    /// The rendering takes too long.
    pub(super) fn rsa(context: &mut Context, stream: &mut Stream, size: usize) -> Result<Self, FnError> {
        let e = BigUint::from(65_537_u32);
        loop {
            let p = primes::prime(context, stream, size / 2)?;
            let q = primes::prime(context, stream, size / 2)?;
            let (below_p, below_q) = (&p - one(), &q - one());
            let period = &below_p * &below_q / gcd(&below_p, &below_q);
            if p == q {
                continue;
            }
            if let Some(d) = e.modinv(&period) {
                let (p, q) = if p > q { (p, q) } else { (q, p) };
                return Ok(Self::Rsa { n: &p * &q, e, d, p, q });
            }
        }
    }

    /// A DSA key of 2048 bits over 256.
    ///
    /// # Errors
    /// The rendering takes too long.
    pub(super) fn dsa(context: &mut Context, stream: &mut Stream) -> Result<Self, FnError> {
        let q = primes::prime(context, stream, 256)?;
        let p = primes::prime_over(context, stream, 2048, &q)?;
        let cofactor = (&p - one()) / &q;
        let mut base = BigUint::from(2_u8);
        let g = loop {
            let g = base.modpow(&cofactor, &p);
            if g != one() {
                break g;
            }
            base += 1_u8;
        };
        let x = stream.below(&q);
        Ok(Self::Dsa { y: g.modpow(&x, &p), p, q, g, x })
    }

    /// A key on P-256: drawn by the system, so keep it for the session.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub(super) fn ec() -> Result<Self, FnError> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
        let made = made.map_err(|_| FnError::from("failed to generate private key"))?;
        Self::of_pkcs8(made.as_ref())
    }

    pub(super) fn ed25519(stream: &mut Stream) -> Result<Self, FnError> {
        Self::of_seed(stream.bytes(32))
    }

    fn of_seed(seed: Vec<u8>) -> Result<Self, FnError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|_| FnError::from("x509: invalid Ed25519 private key length"))?;
        Ok(Self::Ed25519 { public: pair.public_key().as_ref().to_vec(), seed })
    }

    // ---- reading

    /// sprig's `parsePrivateKeyPEM`.
    ///
    /// # Errors
    /// There is no key, in sprig's words as far as they are its own.
    pub(super) fn of_pem(text: &str) -> Result<Self, FnError> {
        let Some((label, content)) = der::block(text) else { return Err("no PEM data in input".into()) };
        let says = |words: &str, error: FnError| match error {
            FnError::Words(inner) => FnError::Words(format!("{words}: {inner}")),
            other => other,
        };
        match label.as_str() {
            "PRIVATE KEY" => Self::of_pkcs8(&content).map_err(|error| says("decoding PEM as PKCS#8", error)),
            "RSA PRIVATE KEY" => {
                Self::of_pkcs1(&content).map_err(|error| says("parsing RSA private key from PEM", error))
            }
            "EC PRIVATE KEY" => {
                Self::of_sec1(&content, None).map_err(|error| says("parsing EC private key from PEM", error))
            }
            "DSA PRIVATE KEY" => Self::of_dsa(&content)
                .ok_or_else(|| "parsing DSA private key from PEM: asn1: syntax error: data truncated".into()),
            label => Err(if label.ends_with(" PRIVATE KEY") {
                format!("invalid private key type {label}")
            } else {
                format!("no private key data in PEM block of type {label}")
            }
            .into()),
        }
    }

    fn of_pkcs1(content: &[u8]) -> Result<Self, FnError> {
        let read = || -> Option<Vec<BigUint>> {
            let mut inside = Reader::new(content).take(der::SEQUENCE)?.inside();
            (0..6).map(|_| inside.next()?.number()).collect()
        };
        match read().as_deref() {
            Some([_, n, e, d, p, q]) if p * q == *n && *p > one() && *q > one() => {
                Ok(Self::Rsa { n: n.clone(), e: e.clone(), d: d.clone(), p: p.clone(), q: q.clone() })
            }
            Some(_) => Err("crypto/rsa: invalid modulus".into()),
            None => Err("asn1: structure error: tags don't match".into()),
        }
    }

    fn of_dsa(content: &[u8]) -> Option<Self> {
        let mut inside = Reader::new(content).take(der::SEQUENCE)?.inside();
        let numbers: Option<Vec<BigUint>> = (0..6).map(|_| inside.next()?.number()).collect();
        let [_, p, q, g, y, x] = <[BigUint; 6]>::try_from(numbers?).ok()?;
        Some(Self::Dsa { p, q, g, y, x })
    }

    /// `curve` where it stands outside.
    fn of_sec1(content: &[u8], curve: Option<&[u8]>) -> Result<Self, FnError> {
        let read = || -> Option<Wrapped> {
            let mut inside = Reader::new(content).take(der::SEQUENCE)?.inside();
            inside.take(der::INTEGER)?;
            let private = inside.take(der::OCTET_STRING)?.content.to_vec();
            let own = inside.take(0xa0).and_then(|item| Some(item.inside().take(der::OID)?.content.to_vec()));
            let public = inside.take(0xa1)?.inside().take(der::BIT_STRING)?.content.get(1..)?.to_vec();
            Some((private, own, public))
        };
        let Some((private, own, public)) = read() else {
            return Err("x509: failed to parse EC private key".into());
        };
        let is_384 = match own.as_deref().or(curve) {
            Some(curve) if curve == P256 => false,
            Some(curve) if curve == P384 => true,
            _ => return Err("x509: unknown elliptic curve".into()),
        };
        Ok(Self::Ec { is_384, private, public })
    }

    fn of_pkcs8(content: &[u8]) -> Result<Self, FnError> {
        let read = || -> Option<Wrapped> {
            let mut inside = Reader::new(content).take(der::SEQUENCE)?.inside();
            inside.take(der::INTEGER)?;
            let mut algorithm = inside.take(der::SEQUENCE)?.inside();
            let kind = algorithm.take(der::OID)?.content.to_vec();
            let curve = algorithm.take(der::OID).map(|item| item.content.to_vec());
            Some((kind, curve, inside.take(der::OCTET_STRING)?.content.to_vec()))
        };
        let Some((kind, curve, key)) = read() else {
            return Err("asn1: structure error: tags don't match".into());
        };
        if kind == RSA {
            Self::of_pkcs1(&key)
        } else if kind == EC {
            Self::of_sec1(&key, curve.as_deref())
        } else if kind == ED25519 {
            let seed = Reader::new(&key).take(der::OCTET_STRING).map(|item| item.content.to_vec());
            Self::of_seed(seed.unwrap_or_default())
        } else {
            Err("x509: PKCS#8 wrapping contained private key with unknown algorithm".into())
        }
    }

    // ---- writing

    /// sprig's `pemBlockForKey`.
    pub(super) fn pem(&self) -> String {
        match self {
            Self::Rsa { n, e, d, p, q } => {
                let (dp, dq) = (d % (p - one()), d % (q - one()));
                let inverse = q.modinv(p).unwrap_or_default();
                let fields = [n, e, d, p, q, &dp, &dq, &inverse].map(number);
                der::pem("RSA PRIVATE KEY", &tagged(der::SEQUENCE, &[small(0), fields.concat()].concat()))
            }
            Self::Dsa { p, q, g, y, x } => {
                let fields = [p, q, g, y, x].map(number);
                der::pem("DSA PRIVATE KEY", &tagged(der::SEQUENCE, &[small(0), fields.concat()].concat()))
            }
            Self::Ec { is_384, private, public } => {
                let curve = tagged(0xa0, &tagged(der::OID, if *is_384 { P384 } else { P256 }));
                let parts =
                    [small(1), tagged(der::OCTET_STRING, private), curve, tagged(0xa1, &bits(public))];
                der::pem("EC PRIVATE KEY", &tagged(der::SEQUENCE, &parts.concat()))
            }
            Self::Ed25519 { seed, .. } => {
                let key = tagged(der::OCTET_STRING, &tagged(der::OCTET_STRING, seed));
                let algorithm = sequence(&[&tagged(der::OID, ED25519)]);
                der::pem("PRIVATE KEY", &sequence(&[&small(0), &algorithm, &key]))
            }
        }
    }

    /// The bytes that a certificate's key identifier is made of, and the algorithm that they are for.
    fn public(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let null = tagged(der::NULL, &[]);
        Some(match self {
            Self::Rsa { n, e, .. } => {
                (sequence(&[&number(n), &number(e)]), sequence(&[&tagged(der::OID, RSA), &null]))
            }
            Self::Dsa { .. } => return None,
            Self::Ec { is_384, public, .. } => {
                let curve = tagged(der::OID, if *is_384 { P384 } else { P256 });
                (public.clone(), sequence(&[&tagged(der::OID, EC), &curve]))
            }
            Self::Ed25519 { public, .. } => (public.clone(), sequence(&[&tagged(der::OID, ED25519)])),
        })
    }

    /// `SubjectPublicKeyInfo`; none for DSA, which Go's certificates no longer know.
    pub(super) fn public_info(&self) -> Option<Vec<u8>> {
        let (key, algorithm) = self.public()?;
        Some(sequence(&[&algorithm, &bits(&key)]))
    }

    /// Go's key identifier of an authority.
    pub(super) fn identifier(&self) -> Option<Vec<u8>> {
        let (key, _) = self.public()?;
        Some(Sha256::digest(key).get(..20)?.to_vec())
    }

    /// `AlgorithmIdentifier` of what [`Key::sign`] makes.
    pub(super) fn signature_algorithm(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Rsa { .. } => sequence(&[&tagged(der::OID, RSA_SHA256), &tagged(der::NULL, &[])]),
            Self::Dsa { .. } => return None,
            Self::Ec { is_384, .. } => {
                sequence(&[&tagged(der::OID, if *is_384 { EC_SHA384 } else { EC_SHA256 })])
            }
            Self::Ed25519 { .. } => sequence(&[&tagged(der::OID, ED25519)]),
        })
    }

    /// A signature; `None` where the key cannot make one.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa { n, d, p, q, .. } => {
                let size = n.to_bytes_be().len();
                let digest = [DIGEST_INFO, &Sha256::digest(message)].concat();
                let padding = size.checked_sub(digest.len() + 3).filter(|padding| *padding >= 8)?;
                let block = [&[0, 1], vec![0xff; padding].as_slice(), &[0], &digest].concat();
                let block = BigUint::from_bytes_be(&block);
                // By the Chinese remainder theorem: a quarter of the work.
                let (by_p, by_q) = (block.modpow(&(d % (p - one())), p), block.modpow(&(d % (q - one())), q));
                let difference = (&by_p + p - &by_q % p) % p;
                let signature = by_q + (q.modinv(p)? * difference) % p * q;
                let bytes = signature.to_bytes_be();
                Some([vec![0; size.saturating_sub(bytes.len())], bytes].concat())
            }
            Self::Dsa { .. } => None,
            Self::Ec { is_384, private, public } => {
                let algorithm: &'static EcdsaSigningAlgorithm =
                    if *is_384 { &ECDSA_P384_SHA384_ASN1_SIGNING } else { &ECDSA_P256_SHA256_ASN1_SIGNING };
                let random = SystemRandom::new();
                let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public, &random);
                Some(pair.ok()?.sign(&random, message).ok()?.as_ref().to_vec())
            }
            Self::Ed25519 { seed, .. } => {
                Some(Ed25519KeyPair::from_seed_unchecked(seed).ok()?.sign(message).as_ref().to_vec())
            }
        }
    }
}

fn gcd(a: &BigUint, b: &BigUint) -> BigUint {
    let (mut a, mut b) = (a.clone(), b.clone());
    while b != BigUint::default() {
        (a, b) = (b.clone(), a % b);
    }
    a
}
