//! sprig's functions for passwords: hashes, a derived password, encryption. What takes long by design is computed once
//! a session for the same input.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use aes::Aes256;
use aes::cipher::{BlockDecrypt as _, BlockEncrypt as _, KeyInit as _, generic_array::GenericArray};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};

use super::encoding::base64_bytes;
use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Type};
use crate::render::template::value::{Str, Value};

use Type::{Str as Text, Uint32};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("bcrypt", &[Text], |context, args| match args {
        [Value::Str(password)] => Ok(Value::from(hashed(context, password)?)),
        _ => Err(args_error()),
    }),
    Function::new("htpasswd", &[Text, Text], htpasswd),
    Function::new("derivePassword", &[Uint32, Text, Text, Text, Text], derived),
    Function::new("encryptAES", &[Text, Text], encrypted),
    Function::new("decryptAES", &[Text, Text], decrypted),
];

/// Go's default.
const COST: u32 = 10;

/// What bcrypt looks at; Go refuses more.
const LONGEST: usize = 72;

fn hashed(context: &mut Context, password: &Str) -> Result<Str, FnError> {
    if password.len() > LONGEST {
        return Ok(Str::from(
            "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes",
        ));
    }
    let salt = <[u8; 16]>::try_from(context.entropy(16).as_slice()).unwrap_or_default();
    let mut key = Sha256::new();
    key.update(salt);
    key.update(&**password);
    context.kept(key.finalize().into(), |_| {
        let hash = bcrypt::hash_with_salt(&**password, COST, salt).map_err(|error| error.to_string())?;
        Ok(Str::from(hash.format_for_version(bcrypt::Version::TwoA)))
    })
}

fn htpasswd(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(user), Value::Str(password)] = args else { return Err(args_error()) };
    if user.contains(&b':') {
        return Ok(Value::from(format!("invalid username: {user}")));
    }
    let hash = hashed(context, password)?;
    Ok(Value::str([user, b":".as_slice(), &hash].concat()))
}

/// The shapes of a kind of password, by the classes of their characters.
fn shapes(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The Master Password algorithm, third version.
fn derived(_: &mut Context, args: &[Value]) -> Called {
    const SCOPE: &[u8] = b"com.lyndir.masterpassword";
    let [Value::Uint32(counter), Value::Str(kind), Value::Str(password), Value::Str(user), Value::Str(site)] =
        args
    else {
        return Err(args_error());
    };
    let Some(shapes) = shapes(kind) else {
        return Ok(Value::from(format!("cannot find password template {kind}")));
    };
    let length = |text: &Str| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let salt = [SCOPE, &length(user), user].concat();
    let key = stretched(password, &salt)?;
    let message = [SCOPE, &length(site), site, &counter.to_be_bytes()].concat();
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&key).map_err(|error| error.to_string())?;
    mac.update(&message);
    let mac = mac.finalize().into_bytes();
    let (first, rest) = mac.split_first().ok_or_else(args_error)?;
    let shape = shapes.get(usize::from(*first) % shapes.len()).copied().unwrap_or_default();
    let picked = shape.bytes().zip(rest).filter_map(|(class, byte)| {
        let from = characters(class);
        from.get(usize::from(*byte) % from.len()).copied()
    });
    Ok(Value::str(picked.collect::<Vec<u8>>()))
}

/// scrypt with the algorithm's parameters; remembered, because it takes a tenth of a second and 32 MiB.
fn stretched(password: &[u8], salt: &[u8]) -> Result<[u8; 64], FnError> {
    type Known = HashMap<[u8; 32], [u8; 64]>;
    static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
    let mut name = Sha256::new();
    name.update(password.len().to_le_bytes());
    name.update(password);
    name.update(salt);
    let name: [u8; 32] = name.finalize().into();
    if let Some(key) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&name) {
        return Ok(*key);
    }
    let mut key = [0; 64];
    let wrong = |words: String| FnError::Words(format!("failed to derive password: {words}"));
    let params = scrypt::Params::new(15, 8, 2, 64).map_err(|error| wrong(error.to_string()))?;
    scrypt::scrypt(password, salt, &params, &mut key).map_err(|error| wrong(error.to_string()))?;
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(name, key);
    Ok(key)
}

const BLOCK: usize = 16;

/// The password's bytes, filled up with zeros.
fn cipher(password: &Str) -> Aes256 {
    let mut key = [0; 32];
    let length = password.len().min(32);
    if let (Some(to), Some(from)) = (key.get_mut(..length), password.get(..length)) {
        to.copy_from_slice(from);
    }
    Aes256::new(&key.into())
}

fn encrypted(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(password), Value::Str(text)] = args else { return Err(args_error()) };
    if text.is_empty() {
        return Ok(Value::str(""));
    }
    context.charge(text.len() * 4)?;
    let cipher = cipher(password);
    let padding = BLOCK - text.len() % BLOCK;
    let content = [text, vec![padding as u8; padding].as_slice()].concat();
    let mut out = context.entropy(BLOCK);
    let mut before = GenericArray::clone_from_slice(&out);
    for block in content.chunks_exact(BLOCK) {
        before.iter_mut().zip(block).for_each(|(to, from)| *to ^= from);
        cipher.encrypt_block(&mut before);
        out.extend_from_slice(&before);
    }
    Ok(Value::from(BASE64_STANDARD.encode(out)))
}

fn decrypted(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(password), Value::Str(text)] = args else { return Err(args_error()) };
    if text.is_empty() {
        return Ok(Value::str(""));
    }
    context.charge(text.len() * 2)?;
    let content = base64_bytes(text)?;
    let Some((first, rest)) = content.split_at_checked(BLOCK) else {
        let capacity = text.len() / 4 * 3;
        return Err(format!("runtime error: slice bounds out of range [:16] with capacity {capacity}").into());
    };
    if rest.len() % BLOCK != 0 {
        return Err("crypto/cipher: input not full blocks".into());
    }
    let cipher = cipher(password);
    let mut out = Vec::with_capacity(rest.len());
    let mut before = first.to_vec();
    for block in rest.chunks_exact(BLOCK) {
        let mut plain = GenericArray::clone_from_slice(block);
        cipher.decrypt_block(&mut plain);
        out.extend(plain.iter().zip(&before).map(|(a, b)| a ^ b));
        block.clone_into(&mut before);
    }
    let Some(padding) = out.last().map(|byte| usize::from(*byte)) else {
        return Err("runtime error: index out of range [-1]".into());
    };
    let Some(length) = out.len().checked_sub(padding) else {
        let beyond = padding - out.len();
        return Err(format!("runtime error: slice bounds out of range [:-{beyond}]").into());
    };
    out.truncate(length);
    Ok(Value::str(out))
}
