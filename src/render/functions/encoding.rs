//! sprig's encodings and checksums.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use data_encoding::BASE32;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Called, args_error};
use crate::render::template::function::{Function, Type};
use crate::render::template::value::{Str, Value};

use Type::Str as Text;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("b64enc", &[Text], |_, args| of(args, |text| BASE64_STANDARD.encode(&**text).into_bytes())),
    Function::new("b64dec", &[Text], |_, args| of(args, b64_decoded)),
    Function::new("b32enc", &[Text], |_, args| of(args, |text| BASE32.encode(text).into_bytes())),
    Function::new("b32dec", &[Text], |_, args| of(args, b32_decoded)),
    Function::new("sha1sum", &[Text], |_, args| of(args, checksum::<Sha1>)),
    Function::new("sha256sum", &[Text], |_, args| of(args, checksum::<Sha256>)),
    Function::new("sha512sum", &[Text], |_, args| of(args, checksum::<Sha512>)),
    Function::new("adler32sum", &[Text], |_, args| of(args, |text| adler32(text).to_string().into_bytes())),
];

fn of(args: &[Value], change: impl Fn(&Str) -> Vec<u8>) -> Called {
    let [Value::Str(text)] = args else { return Err(args_error()) };
    Ok(Value::str(change(text)))
}

pub(super) fn checksum<D: Digest>(text: &Str) -> Vec<u8> {
    let mut hex = Vec::with_capacity(128);
    for byte in D::digest(&**text) {
        for half in [byte >> 4, byte & 15] {
            hex.push(b"0123456789abcdef".get(usize::from(half)).copied().unwrap_or(b'0'));
        }
    }
    hex
}

fn adler32(text: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (a, b) = text.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % MODULUS;
        (a, (a + b) % MODULUS)
    });
    b << 16 | a
}

/// The error's words are sprig's result.
fn b64_decoded(text: &Str) -> Vec<u8> {
    base64_bytes(text).unwrap_or_else(String::into_bytes)
}

/// Go's decoder: it skips line ends and takes bits that are left over.
///
/// # Errors
/// Go's words.
pub(super) fn base64_bytes(text: &Str) -> Result<Vec<u8>, String> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let kept: Vec<u8> = text.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    LENIENT.decode(&kept).map_err(|_| {
        let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
        format!("illegal base64 data at input byte {}", fault(text, 4, alphabet))
    })
}

fn b32_decoded(text: &Str) -> Vec<u8> {
    let kept: Vec<u8> = text.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    BASE32.decode(&kept).unwrap_or_else(|_| {
        let alphabet = |byte: &u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(byte);
        format!("illegal base32 data at input byte {}", fault(text, 8, alphabet)).into_bytes()
    })
}

/// Where Go's decoder gives up: at the first foreign byte, else where the last whole group ended.
fn fault(text: &[u8], group: usize, alphabet: impl Fn(&u8) -> bool) -> usize {
    let foreign = text.iter().position(|byte| !alphabet(byte) && !b"\r\n=".contains(byte));
    foreign.unwrap_or_else(|| {
        let padding = text.iter().position(|byte| *byte == b'=');
        padding.unwrap_or(text.len() / group * group)
    })
}
