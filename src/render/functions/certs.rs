//! sprig's keys and certificates: real ones, as Go writes them, so that what was rendered can be applied. They are
//! the same for a whole session and marked as unstable; a key is made once and then remembered, because that takes a
//! tenth of a second.

mod der;
mod keys;
mod primes;

use std::any::Any as StdAny;
use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use num_bigint::BigUint;

use super::encoding::base64_bytes;
use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Type};
use crate::render::template::printf;
use crate::render::template::value::{List, Object, Str, Value};
use der::{Reader, bits, number, sequence, tagged};
use keys::Key;
use primes::Stream;

use Type::{Int, List as Items, Str as Text};

const CERTIFICATE: Type = Type::Object("sprig.certificate");

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("genPrivateKey", &[Text], private_key),
    Function::new("genCA", &[Text, Int], |context, args| match args {
        [Value::Str(name), Value::Int(days)] => {
            let key = fresh(context)?;
            authority(context, name, *days, &key)
        }
        _ => Err(args_error()),
    }),
    Function::new("genCAWithKey", &[Text, Int, Text], |context, args| match args {
        [Value::Str(name), Value::Int(days), Value::Str(key)] => {
            let key = given(key)?;
            authority(context, name, *days, &key)
        }
        _ => Err(args_error()),
    }),
    Function::new("genSelfSignedCert", &[Text, Items, Items, Int], |context, args| {
        let key = fresh(context)?;
        let subject = Subject::of(args)?;
        issued(context, &subject, &key, None)
    }),
    Function::new("genSelfSignedCertWithKey", &[Text, Items, Items, Int, Text], |context, args| {
        let key = given(args.get(4).and_then(Value::as_str).ok_or_else(args_error)?)?;
        let subject = Subject::of(args)?;
        issued(context, &subject, &key, None)
    }),
    Function::new("genSignedCert", &[Text, Items, Items, Int, CERTIFICATE], |context, args| {
        let key = fresh(context)?;
        signed(context, args, &key)
    }),
    Function::new("genSignedCertWithKey", &[Text, Items, Items, Int, CERTIFICATE, Text], |context, args| {
        let key = given(args.get(5).and_then(Value::as_str).ok_or_else(args_error)?)?;
        signed(context, args, &key)
    }),
    Function::new("buildCustomCert", &[Text, Text], custom),
];

/// sprig's `certificate`.
struct Certificate {
    cert: Str,
    key: Str,
}

impl Object for Certificate {
    fn go_type(&self) -> Cow<'static, str> {
        "sprig.certificate".into()
    }

    fn field(&self, name: &[u8]) -> Option<Value> {
        match name {
            b"Cert" => Some(Value::from(self.cert.clone())),
            b"Key" => Some(Value::from(self.key.clone())),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Cert", Value::from(self.cert.clone())), ("Key", Value::from(self.key.clone()))]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other
            .as_any()
            .downcast_ref::<Self>()
            .is_some_and(|other| self.cert == other.cert && self.key == other.key)
    }

    fn as_any(&self) -> &dyn StdAny {
        self
    }
}

fn made(cert: impl Into<Str>, key: impl Into<Str>) -> Value {
    Value::Object(Rc::new(Certificate { cert: cert.into(), key: key.into() }))
}

/// Bytes for one key or serial number.
fn seed(context: &mut Context) -> [u8; 32] {
    let drawn = context.entropy(32);
    <[u8; 32]>::try_from(drawn.as_slice()).unwrap_or_default()
}

/// A new key, made once a session and read again afterwards.
fn kept(
    context: &mut Context,
    make: impl FnOnce(&mut Context, &mut Stream) -> Result<Key, FnError>,
) -> Result<Str, FnError> {
    let seed = seed(context);
    context.kept(seed, |context| Ok(Str::from(make(context, &mut Stream::new(seed))?.pem())))
}

fn fresh(context: &mut Context) -> Result<Key, FnError> {
    let pem = kept(context, |context, stream| Key::rsa(context, stream, 2048))?;
    Key::of_pem(&pem.text())
}

fn given(pem: &Str) -> Result<Key, FnError> {
    Key::of_pem(&pem.text()).map_err(|error| within("parsing private key", error))
}

fn within(words: &str, error: FnError) -> FnError {
    match error {
        FnError::Words(inner) => FnError::Words(format!("{words}: {inner}")),
        other => other,
    }
}

fn private_key(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(kind)] = args else { return Err(args_error()) };
    let pem = match &**kind {
        b"" | b"rsa" => kept(context, |context, stream| Key::rsa(context, stream, 4096))?,
        b"dsa" => kept(context, Key::dsa)?,
        b"ecdsa" => kept(context, |_, _| Key::ec())?,
        b"ed25519" => kept(context, |_, stream| Key::ed25519(stream))?,
        _ => return Ok(Value::from(format!("Unknown type {kind}"))),
    };
    Ok(Value::from(pem))
}

/// What a certificate is for.
struct Subject {
    name: String,
    addresses: Vec<IpAddr>,
    names: Vec<String>,
    days: i64,
    is_authority: bool,
}

impl Subject {
    /// From the first four arguments: name, addresses, further names, days.
    fn of(args: &[Value]) -> Result<Self, FnError> {
        let [Value::Str(name), Value::List(addresses), Value::List(names), Value::Int(days), ..] = args
        else {
            return Err(args_error());
        };
        let addresses = each(addresses, |text| {
            let text = text.map_err(|shown| format!("error parsing ip: {shown} is not a string"))?;
            text.parse().map_err(|_| format!("error parsing ip: {text}"))
        })?;
        let names = each(names, |text| {
            text.map_err(|shown| format!("error processing alternate dns name: {shown} is not a string"))
        })?;
        Ok(Self { name: name.text().into_owned(), addresses, names, days: *days, is_authority: false })
    }
}

/// Each string of a list; something else is handed over as Go prints it.
fn each<T>(
    list: &List,
    read: impl Fn(Result<String, String>) -> Result<T, String>,
) -> Result<Vec<T>, FnError> {
    let read = list.iter().map(|item| match item {
        Value::Str(text) => read(Ok(text.text().into_owned())),
        other => read(Err(
            String::from_utf8_lossy(&printf::sprintf(b"%v", std::slice::from_ref(other))).into_owned()
        )),
    });
    read.collect::<Result<Vec<T>, String>>().map_err(FnError::Words)
}

fn authority(context: &mut Context, name: &Str, days: i64, key: &Key) -> Called {
    let name = name.text().into_owned();
    let subject = Subject { name, addresses: Vec::new(), names: Vec::new(), days, is_authority: true };
    issued(context, &subject, key, None)
}

/// Who signs a certificate.
struct Issuer {
    /// The distinguished name, as it is written.
    name: Vec<u8>,
    identifier: Option<Vec<u8>>,
    public: Vec<u8>,
    key: Key,
}

fn signed(context: &mut Context, args: &[Value], key: &Key) -> Called {
    let authority = args.get(4).and_then(Value::as_object::<Certificate>).ok_or_else(args_error)?;
    let Some((_, content)) = der::block(&authority.cert.text()) else {
        return Err("unable to decode certificate".into());
    };
    let Some((name, public, identifier)) = parsed(&content) else {
        return Err("error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate".into());
    };
    let signer =
        Key::of_pem(&authority.key.text()).map_err(|error| within("error parsing private key", error))?;
    let issuer = Issuer { name, identifier, public, key: signer };
    issued(context, &Subject::of(args)?, key, Some(&issuer))
}

/// Of a certificate: the subject, the public key, and the key's identifier.
type Signer = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);

fn parsed(content: &[u8]) -> Option<Signer> {
    let mut inside = Reader::new(content).take(der::SEQUENCE)?.inside().take(der::SEQUENCE)?.inside();
    inside.take(0xa0);
    inside.take(der::INTEGER)?;
    inside.take(der::SEQUENCE)?;
    inside.take(der::SEQUENCE)?;
    inside.take(der::SEQUENCE)?;
    let subject = inside.take(der::SEQUENCE)?.whole.to_vec();
    let public = inside.take(der::SEQUENCE)?.whole.to_vec();
    let extensions = loop {
        match inside.next() {
            Some(item) if item.tag == 0xa3 => break Some(item),
            Some(_) => {}
            None => break None,
        }
    };
    let mut identifier = None;
    let mut list = extensions.and_then(|item| item.inside().take(der::SEQUENCE)).map(|item| item.inside());
    while let Some(extension) = list.as_mut().and_then(Reader::next) {
        let mut parts = extension.inside();
        let is_identifier = parts.take(der::OID).is_some_and(|item| item.content == [0x55, 0x1d, 14]);
        parts.take(der::BOOLEAN);
        if let (true, Some(value)) = (is_identifier, parts.take(der::OCTET_STRING)) {
            identifier = value.inside().take(der::OCTET_STRING).map(|item| item.content.to_vec());
        }
    }
    Some((subject, public, identifier))
}

/// A certificate for a key; without an issuer it signs itself.
fn issued(context: &mut Context, subject: &Subject, key: &Key, issuer: Option<&Issuer>) -> Called {
    let seed = seed(context);
    let now = context.now();
    let pem = key.pem();
    let cert = context.kept(seed, |_| {
        let words = |words: String| FnError::Words(format!("error creating certificate: {words}"));
        Ok(Str::from(der::pem("CERTIFICATE", &certificate(seed, now, subject, key, issuer).map_err(words)?)))
    })?;
    Ok(made(cert, pem))
}

const NO_SIGNER: &str = "x509: certificate private key does not implement crypto.Signer";

/// Go's `CreateCertificate` for sprig's template.
fn certificate(
    seed: [u8; 32],
    now: Timestamp,
    subject: &Subject,
    key: &Key,
    issuer: Option<&Issuer>,
) -> Result<Vec<u8>, String> {
    let signer = issuer.map_or(key, |issuer| &issuer.key);
    let algorithm = signer.signature_algorithm().ok_or(NO_SIGNER)?;
    let public = key.public_info().ok_or("x509: unsupported public key type: *dsa.PublicKey")?;
    if let Some(issuer) = issuer
        && issuer.key.public_info().as_ref() != Some(&issuer.public)
    {
        return Err("x509: provided PrivateKey doesn't match parent's PublicKey".to_owned());
    }
    let name = distinguished(&subject.name);
    let issuer_name = issuer.map_or_else(|| name.clone(), |issuer| issuer.name.clone());
    let end = SignedDuration::from_hours(24)
        .checked_mul(i32::try_from(subject.days).map_err(|_| "x509: the certificate would never end")?)
        .and_then(|span| now.checked_add(span).ok())
        .ok_or("cannot represent time as GeneralizedTime")?;
    let validity = sequence(&[&time(now), &time(end)]);
    let extensions = extensions(subject, key, &name, issuer, issuer_name != name)?;
    let serial = BigUint::from_bytes_be(seed.get(..16).unwrap_or_default());
    let body = sequence(&[
        &tagged(0xa0, &der::small(2)),
        &number(&serial),
        &algorithm,
        &issuer_name,
        &validity,
        &name,
        &public,
        &tagged(0xa3, &extensions),
    ]);
    let signature = signer.sign(&body).ok_or("x509: the key cannot sign")?;
    Ok(sequence(&[&body, &algorithm, &bits(&signature)]))
}

/// A distinguished name with a common name only.
fn distinguished(name: &str) -> Vec<u8> {
    if name.is_empty() {
        return sequence(&[]);
    }
    let is_printable =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte));
    let tag = if is_printable { der::PRINTABLE_STRING } else { der::UTF8_STRING };
    let pair = sequence(&[&tagged(der::OID, &[0x55, 0x04, 0x03]), &tagged(tag, name.as_bytes())]);
    sequence(&[&tagged(der::SET, &pair)])
}

fn time(at: Timestamp) -> Vec<u8> {
    let at = at.to_zoned(TimeZone::UTC);
    if (1950..2050).contains(&at.year()) {
        tagged(der::UTC_TIME, at.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        tagged(der::GENERALIZED_TIME, at.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
    }
}

fn extensions(
    subject: &Subject,
    key: &Key,
    name: &[u8],
    issuer: Option<&Issuer>,
    is_other: bool,
) -> Result<Vec<u8>, String> {
    let extension = |id: u8, is_critical: bool, value: &[u8]| {
        let critical = if is_critical { tagged(der::BOOLEAN, &[0xff]) } else { Vec::new() };
        sequence(&[&tagged(der::OID, &[0x55, 0x1d, id]), &critical, &tagged(der::OCTET_STRING, value)])
    };
    let usage: &[u8] = if subject.is_authority { &[2, 0xa4] } else { &[5, 0xa0] };
    let purpose = |last: u8| tagged(der::OID, &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, last]);
    let authority = if subject.is_authority { tagged(der::BOOLEAN, &[0xff]) } else { Vec::new() };
    let mut all = vec![
        extension(15, true, &tagged(der::BIT_STRING, usage)),
        extension(37, false, &sequence(&[&purpose(1), &purpose(2)])),
        extension(19, true, &sequence(&[&authority])),
    ];
    if let Some(own) = subject.is_authority.then(|| key.identifier()).flatten() {
        all.push(extension(14, false, &tagged(der::OCTET_STRING, &own)));
    }
    if let Some(above) = issuer.filter(|_| is_other).and_then(|issuer| issuer.identifier.as_ref()) {
        all.push(extension(35, false, &sequence(&[&tagged(0x80, above)])));
    }
    let mut others = Vec::new();
    for dns in &subject.names {
        if !dns.is_ascii() {
            return Err(format!("x509: {dns:?} cannot be encoded as an IA5String"));
        }
        others.extend(tagged(0x82, dns.as_bytes()));
    }
    for address in &subject.addresses {
        others.extend(match address.to_canonical() {
            IpAddr::V4(four) => tagged(0x87, &four.octets()),
            IpAddr::V6(six) => tagged(0x87, &six.octets()),
        });
    }
    if !others.is_empty() {
        all.push(extension(17, name == sequence(&[]), &sequence(&[&others])));
    }
    Ok(sequence(&[&all.concat()]))
}

fn custom(_: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(cert), Value::Str(key)] = args else { return Err(args_error()) };
    let decoded = |text: &Str, what: &str| {
        base64_bytes(text).map(Str::from).map_err(|_| format!("unable to decode base64 {what}"))
    };
    let cert = decoded(cert, "certificate")?;
    let key = decoded(key, "private key")?;
    let Some((_, content)) = der::block(&cert.text()) else {
        return Err("unable to decode certificate".into());
    };
    if parsed(&content).is_none() {
        return Err("error parsing certificate: decodedCert.Bytes: x509: malformed certificate".into());
    }
    Key::of_pem(&key.text()).map_err(|error| within("error parsing private key", error))?;
    Ok(made(cert, key))
}
