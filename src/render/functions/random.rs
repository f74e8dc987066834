//! sprig's random functions. What they give is the same for a whole session of editing, so that a preview does not
//! flicker, and marked as unstable, so that no diff takes it for a change.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Type};
use crate::render::template::value::Value;

use Type::{Int, Str as Text};

const DIGITS: &[u8] = b"0123456789";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BOTH: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("randAlphaNum", &[Int], |context, args| characters(context, args, BOTH)),
    Function::new("randAlpha", &[Int], |context, args| characters(context, args, LETTERS)),
    Function::new("randNumeric", &[Int], |context, args| characters(context, args, DIGITS)),
    Function::new("randAscii", &[Int], |context, args| {
        let printable: Vec<u8> = (b' '..=b'~').collect();
        characters(context, args, &printable)
    }),
    Function::new("randBytes", &[Int], |context, args| {
        let bytes = drawn(context, args)?;
        Ok(Value::str(BASE64_STANDARD.encode(bytes)))
    }),
    Function::new("randInt", &[Int, Int], between),
    Function::new("shuffle", &[Text], shuffle),
    Function::new("uuidv4", &[], uuid),
];

fn drawn(context: &mut Context, args: &[Value]) -> Result<Vec<u8>, FnError> {
    let [Value::Int(count)] = args else { return Err(args_error()) };
    let count =
        usize::try_from(*count).map_err(|_| FnError::from("runtime error: makeslice: len out of range"))?;
    context.charge(count)?;
    Ok(context.entropy(count))
}

/// One of the alphabet for each byte. The bias of a modulus does not matter here.
fn letters(bytes: &[u8], alphabet: &[u8]) -> Vec<u8> {
    bytes.iter().filter_map(|byte| alphabet.get(usize::from(*byte) % alphabet.len())).copied().collect()
}

fn characters(context: &mut Context, args: &[Value], alphabet: &[u8]) -> Called {
    Ok(Value::str(letters(&drawn(context, args)?, alphabet)))
}

/// A number of as many bytes as are drawn for one.
fn number(context: &mut Context) -> u64 {
    context.entropy(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn between(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Int(low), Value::Int(high)] = args else { return Err(args_error()) };
    let width = u64::try_from(high.saturating_sub(*low)).ok().filter(|width| *width > 0);
    let Some(width) = width else { return Err("invalid argument to Intn".into()) };
    Ok(Value::Int(low.saturating_add_unsigned(number(context) % width)))
}

fn shuffle(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(text)] = args else { return Err(args_error()) };
    context.charge(text.len().saturating_mul(16))?;
    let mut chars: Vec<char> = text.text().chars().collect();
    for at in (1..chars.len()).rev() {
        let other = number(context) % (at as u64 + 1);
        chars.swap(at, usize::try_from(other).unwrap_or(0));
    }
    Ok(Value::from(chars.into_iter().collect::<String>()))
}

fn uuid(context: &mut Context, _: &[Value]) -> Called {
    let mut bytes = context.entropy(16);
    for (at, keep, set) in [(6, 0x0f, 0x40), (8, 0x3f, 0x80)] {
        if let Some(byte) = bytes.get_mut(at) {
            *byte = *byte & keep | set;
        }
    }
    let mut out = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            out.push('-');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    Ok(Value::from(out))
}
