//! sprig's `urlParse` and `urlJoin`, by the rules of Go's `net/url`.

use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Type};
use crate::render::template::value::{Map, Value};

pub(super) const FUNCTIONS: &[Function] =
    &[Function::new("urlParse", &[Type::Str], parse), Function::new("urlJoin", &[Type::Map], join)];

#[derive(Default)]
struct Url {
    scheme: String,
    userinfo: String,
    host: String,
    path: String,
    query: String,
    opaque: String,
    fragment: String,
}

fn parse(_: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(text)] = args else { return Err(args_error()) };
    let text = text.text();
    let url = parsed(&text).map_err(|why| format!("unable to parse url: parse {text:?}: {why}"))?;
    let hostname = hostname(&url.host).to_owned();
    Ok(Value::map([
        ("scheme", Value::from(url.scheme)),
        ("host", Value::from(url.host)),
        ("hostname", Value::from(hostname)),
        ("path", Value::from(url.path)),
        ("query", Value::from(url.query)),
        ("opaque", Value::from(url.opaque)),
        ("fragment", Value::from(url.fragment)),
        ("userinfo", Value::from(url.userinfo)),
    ]))
}

fn parsed(text: &str) -> Result<Url, String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let mut url = Url { fragment: unescaped(fragment)?, ..Url::default() };
    let rest = match scheme(rest)? {
        Some((scheme, rest)) => {
            url.scheme = scheme.to_ascii_lowercase();
            rest
        }
        None => rest,
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    query.clone_into(&mut url.query);
    if !rest.starts_with('/') && !url.scheme.is_empty() {
        rest.clone_into(&mut url.opaque);
        return Ok(url);
    }
    if url.scheme.is_empty() && rest.split('/').next().is_some_and(|first| first.contains(':')) {
        return Err("first path segment in URL cannot contain colon".to_owned());
    }
    let path = match rest.strip_prefix("//") {
        Some(rest) if !rest.starts_with('/') || url.scheme.is_empty() => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let (userinfo, host) = authority.rsplit_once('@').unwrap_or(("", authority));
            userinfo.clone_into(&mut url.userinfo);
            check_host(host)?;
            url.host = unescaped(host)?;
            path
        }
        Some(rest) => rest,
        None => rest,
    };
    url.path = unescaped(path)?;
    Ok(url)
}

/// The scheme and what follows its colon; `None` where the text begins with no scheme.
fn scheme(text: &str) -> Result<Option<(&str, &str)>, String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok(text.split_once(':')),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn check_host(host: &str) -> Result<(), String> {
    let allowed =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c);
    if let Some(c) = host.chars().find(|c| !allowed(*c)) {
        return Err(format!("invalid character {:?} in host name", c.to_string()));
    }
    let after = host.rfind(']').map_or(0, |at| at + 1);
    let rest = host.get(after..).unwrap_or_default();
    match rest.rsplit_once(':') {
        Some((_, port)) if !port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(format!("invalid port {:?} after host", format!(":{port}")))
        }
        _ => Ok(()),
    }
}

fn hostname(host: &str) -> &str {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            out.push(*first);
            rest = after;
            continue;
        }
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = byte else {
            let shown =
                String::from_utf8_lossy(rest.get(..rest.len().min(3)).unwrap_or_default()).into_owned();
            return Err(format!("invalid URL escape {shown:?}"));
        };
        out.push(byte);
        rest = after.get(2..).unwrap_or_default();
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn join(_: &mut Context, args: &[Value]) -> Called {
    let [Value::Map(parts)] = args else { return Err(args_error()) };
    let part = |key: &str| part(parts, key);
    let (scheme, opaque, host, path) = (part("scheme")?, part("opaque")?, part("host")?, part("path")?);
    let (query, fragment, userinfo) = (part("query")?, part("fragment")?, part("userinfo")?);
    let mut out = String::new();
    if !scheme.is_empty() {
        out.extend([&scheme, ":"]);
    }
    if opaque.is_empty() {
        if !scheme.is_empty() || !host.is_empty() || !userinfo.is_empty() {
            if !host.is_empty() || !path.is_empty() || !userinfo.is_empty() {
                out.push_str("//");
            }
            if !userinfo.is_empty() {
                out.extend([&userinfo, "@"]);
            }
            out.push_str(&escaped(&host, ":[]<>\"!$&'()*+,;="));
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        out.push_str(&escaped(&path, "/:@&=+$,;!'()*"));
    } else {
        out.push_str(&opaque);
    }
    if !query.is_empty() {
        out.extend(["?", &query]);
    }
    if !fragment.is_empty() {
        out.extend(["#", &escaped(&fragment, "/:@&=+$,;!'()*?")]);
    }
    Ok(Value::from(out))
}

fn part(parts: &Map, key: &str) -> Result<String, FnError> {
    match parts.get(key.as_bytes()) {
        None => Ok(String::new()),
        Some(Value::Str(text)) => Ok(text.text().into_owned()),
        Some(other) if other.is_nil() => {
            Err("runtime error: invalid memory address or nil pointer dereference".into())
        }
        Some(other) => Err(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.kind().name()
        )
        .into()),
    }
}

/// Percent signs for everything that is neither unreserved nor in `kept`.
fn escaped(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-_.~".contains(c) || (c.is_ascii() && kept.contains(c)) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
