//! As much of DER and PEM as certificates and private keys need: written as Go writes it, read without trust.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use num_bigint::BigUint;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// Tag, length and content.
pub(super) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        out.push(0x80 | bytes.len() as u8);
        out.extend(bytes);
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(SEQUENCE, &parts.concat())
}

/// A whole number that is not negative.
pub(super) fn number(n: &BigUint) -> Vec<u8> {
    let mut bytes = n.to_bytes_be();
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    tagged(INTEGER, &bytes)
}

pub(super) fn small(n: u8) -> Vec<u8> {
    tagged(INTEGER, &[n])
}

/// A bit string of whole bytes.
pub(super) fn bits(content: &[u8]) -> Vec<u8> {
    tagged(BIT_STRING, &[&[0], content].concat())
}

/// Something read from DER.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'d> {
    pub tag: u8,
    pub content: &'d [u8],
    /// With tag and length.
    pub whole: &'d [u8],
}

impl<'d> Item<'d> {
    pub(super) fn inside(&self) -> Reader<'d> {
        Reader { rest: self.content }
    }

    /// The number of an integer that is not negative.
    pub(super) fn number(&self) -> Option<BigUint> {
        let is_one = self.tag == INTEGER && self.content.first().is_some_and(|first| *first < 0x80);
        is_one.then(|| BigUint::from_bytes_be(self.content))
    }
}

/// Reads one item after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'d> {
    pub rest: &'d [u8],
}

impl<'d> Reader<'d> {
    pub(super) fn new(rest: &'d [u8]) -> Self {
        Self { rest }
    }

    /// The next item; `None` at the end, or where it is none.
    pub(super) fn next(&mut self) -> Option<Item<'d>> {
        let (&tag, after) = self.rest.split_first()?;
        let (&first, mut after) = after.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (bytes, rest) = after.split_at_checked(count)?;
            after = rest;
            bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        };
        let (content, rest) = after.split_at_checked(length)?;
        let whole = self.rest.get(..self.rest.len() - rest.len())?;
        self.rest = rest;
        Some(Item { tag, content, whole })
    }

    /// The next item, if it has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<Item<'d>> {
        let before = self.rest;
        let item = self.next().filter(|item| item.tag == tag);
        if item.is_none() {
            self.rest = before;
        }
        item
    }
}

/// A PEM block.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// The first PEM block of a text: label and content.
pub(super) fn block(text: &str) -> Option<(String, Vec<u8>)> {
    const BEGIN: &str = "-----BEGIN ";
    let mut from = 0;
    while let Some(found) = text.get(from..)?.find(BEGIN) {
        let at = from + found;
        from = at + BEGIN.len();
        if at > 0 && text.as_bytes().get(at - 1) != Some(&b'\n') {
            continue;
        }
        let Some((head, rest)) = text.get(from..)?.split_once('\n') else { continue };
        let Some(label) = head.trim_end().strip_suffix("-----") else { continue };
        let Some(end) = rest.find(&format!("-----END {label}-----")) else { continue };
        let body: String = rest
            .get(..end)?
            .lines()
            .filter(|line| !line.contains(':'))
            .flat_map(str::split_whitespace)
            .collect();
        if let Ok(content) = BASE64_STANDARD.decode(body) {
            return Some((label.to_owned(), content));
        }
    }
    None
}
