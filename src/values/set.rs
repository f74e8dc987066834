//! `--set` and its relatives as helm's `strvals` reads them: into the values that were given before, so that
//! `--set a[1]=x` changes one element of a list. The names of its functions are given at ours.

use serde_json::{Map, Value};

/// Helm's limits.
const MAX_INDEX: usize = 65_536;
const MAX_LEVELS: usize = 30;

/// The forms of `--set`, in the order in which helm applies them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetForm {
    /// `--set-json`
    Json,
    /// `--set`
    Typed,
    /// `--set-string`
    Text,
    /// `--set-file`
    File,
    /// `--set-literal`
    Literal,
}

impl SetForm {
    /// The flag.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Json => "--set-json",
            Self::Typed => "--set",
            Self::Text => "--set-string",
            Self::File => "--set-file",
            Self::Literal => "--set-literal",
        }
    }
}

/// Applies an argument to the values that were given before.
///
/// # Errors
/// In helm's words.
pub fn apply(form: SetForm, argument: &str, values: &mut Map<String, Value>) -> Result<(), String> {
    let trimmed = argument.trim();
    if form == SetForm::Json && trimmed.starts_with('{') {
        let Ok(Value::Object(object)) = serde_json::from_str(trimmed) else {
            return Err(format!("failed parsing --set-json data JSON: {argument}"));
        };
        if let Value::Object(object) = floats(Value::Object(object)) {
            crate::yaml::over(values, &object);
        }
        return Ok(());
    }
    let mut parser = Parser { rest: argument, form };
    loop {
        match parser.key(values, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Words(_)) if form == SetForm::Json => {
                return Err(format!("failed parsing --set-json data {argument}"));
            }
            Err(Stop::Words(words)) => return Err(format!("failed parsing {} data: {words}", form.flag())),
        }
    }
}

/// Numbers as helm has those of files: as floats. Those of `--set` are integers.
pub(super) fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.into_iter().map(floats).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, floats(value))).collect(),
        other => other,
    }
}

enum Stop {
    /// The argument is at its end: no error.
    End,
    Words(String),
}

impl From<String> for Stop {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

struct Parser<'a> {
    rest: &'a str,
    form: SetForm,
}

/// Go's word for what a value is.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn not_a(wanted: &str, value: &Value) -> Stop {
    let is = go_type(value);
    Stop::Words(format!("unable to parse key: interface conversion: interface {{}} is {is}, not {wanted}"))
}

fn put(map: &mut Map<String, Value>, key: String, value: Value) {
    if !key.is_empty() {
        map.insert(key, value);
    }
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    /// `runesUntil`: what stands before one of the characters, and which it was.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(c) = self.next() {
            if stops.contains(&c) {
                return (text, Some(c));
            }
            if c == '\\' && self.form != SetForm::Literal {
                match self.next() {
                    Some(escaped) => text.push(escaped),
                    None => return (text, None),
                }
            } else {
                text.push(c);
            }
        }
        (text, None)
    }

    /// `key`
    fn key(&mut self, map: &mut Map<String, Value>, level: usize) -> Result<(), Stop> {
        let stops: &[char] =
            if self.form == SetForm::Literal { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, last) = self.until(stops);
        match last {
            None if key.is_empty() => Err(Stop::End),
            None => Err(format!("key {key:?} has no value").into()),
            Some('[') => {
                let index = self.index()?;
                let mut list = match map.get(&key) {
                    None => Vec::new(),
                    Some(Value::Array(list)) => list.clone(),
                    Some(other) => return Err(not_a("[]interface {}", other)),
                };
                let done = self.item(&mut list, index, level);
                put(map, key, Value::Array(list));
                done
            }
            Some('=') => {
                let (value, ends) = self.value()?;
                put(map, key, value);
                if ends { Err(Stop::End) } else { Ok(()) }
            }
            Some(',') => Err(format!("key {key:?} has no value (cannot end with ,)").into()),
            Some(_) => {
                if level + 1 > MAX_LEVELS {
                    let words = "value name nested level is greater than maximum supported nested level of";
                    return Err(format!("{words} {MAX_LEVELS}").into());
                }
                let mut inner = match map.get(&key) {
                    None => Map::new(),
                    Some(Value::Object(inner)) => inner.clone(),
                    Some(other) => return Err(not_a("map[string]interface {}", other)),
                };
                let done = self.key(&mut inner, level + 1);
                if done.is_ok() && inner.is_empty() {
                    return Err(format!("key map {key:?} has no value").into());
                }
                if !inner.is_empty() {
                    put(map, key, Value::Object(inner));
                }
                done
            }
        }
    }

    /// `keyIndex`
    fn index(&mut self) -> Result<i64, Stop> {
        let (text, last) = self.until(&[']']);
        if last.is_none() {
            return Err("error parsing index: EOF".to_owned().into());
        }
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(text.strip_prefix(['-', '+']).unwrap_or(&text)) {
            return Err(format!("error parsing index: strconv.Atoi: parsing {text:?}: invalid syntax").into());
        }
        text.parse().map_err(|_| {
            format!("error parsing index: strconv.Atoi: parsing {text:?}: value out of range").into()
        })
    }

    /// `listItem`
    fn item(&mut self, list: &mut Vec<Value>, index: i64, level: usize) -> Result<(), Stop> {
        let Ok(at) = usize::try_from(index) else {
            return Err(format!("negative {index} index not allowed").into());
        };
        let (extra, last) = self.until(&['[', '.', '=']);
        if !extra.is_empty() {
            let extra: Vec<String> = extra.chars().map(|c| format!("{c:?}")).collect();
            return Err(format!("unexpected data at end of array index: [{}]", extra.join(" ")).into());
        }
        match last {
            None => Err(Stop::End),
            Some('=') => {
                let (value, _) = self.value()?;
                place(list, at, value)
            }
            Some('[') => {
                let next = self.index()?;
                let mut inner = match list.get(at) {
                    None | Some(Value::Null) => Vec::new(),
                    Some(Value::Array(inner)) => inner.clone(),
                    Some(other) => return Err(not_a("[]interface {}", other)),
                };
                self.item(&mut inner, next, level)?;
                place(list, at, Value::Array(inner))
            }
            Some(_) => {
                let mut inner = match list.get(at) {
                    Some(Value::Object(inner)) => inner.clone(),
                    _ => Map::new(),
                };
                self.key(&mut inner, level)?;
                place(list, at, Value::Object(inner))
            }
        }
    }

    /// What follows `=`, and whether the argument ends there without a value.
    fn value(&mut self) -> Result<(Value, bool), Stop> {
        match self.form {
            SetForm::Literal => Ok((Value::String(std::mem::take(&mut self.rest).to_owned()), false)),
            SetForm::Json => {
                if self.is_empty() {
                    return Ok((Value::Null, false));
                }
                let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
                let value = values.next().ok_or(Stop::End)?.map_err(|error| error.to_string())?;
                self.rest = self.rest.get(values.byte_offset()..).unwrap_or_default();
                self.is_empty();
                Ok((floats(value), false))
            }
            _ if self.rest.is_empty() => Ok((Value::String(String::new()), true)),
            _ => {
                if let Some(rest) = self.rest.strip_prefix('{') {
                    self.rest = rest;
                    return self.list().map(|list| (list, false));
                }
                let (text, _) = self.until(&[',']);
                Ok((self.typed(text)?, false))
            }
        }
    }

    /// `emptyVal`: skips white space and one comma.
    fn is_empty(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return true;
        }
        self.rest.is_empty()
    }

    /// `valList`, after the brace.
    fn list(&mut self) -> Result<Value, Stop> {
        let mut items = Vec::new();
        loop {
            let (text, last) = self.until(&[',', '}']);
            if last.is_none() {
                return Err("list must terminate with '}'".to_owned().into());
            }
            items.push(self.typed(text)?);
            if last == Some('}') {
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                return Ok(Value::Array(items));
            }
        }
    }

    /// `typedVal`: booleans, null and integers without a leading zero; all else is text.
    fn typed(&self, text: String) -> Result<Value, Stop> {
        match self.form {
            SetForm::File => {
                return match std::fs::read(&text) {
                    Ok(bytes) => Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned())),
                    Err(error) => Err(format!("open {text}: {}", crate::base::text::go_io(&error)).into()),
                };
            }
            SetForm::Text => return Ok(Value::String(text)),
            _ => {}
        }
        Ok(match text.to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            "0" => Value::from(0),
            _ if !text.starts_with('0') => text.parse::<i64>().map_or(Value::String(text), Value::from),
            _ => Value::String(text),
        })
    }
}

/// `setIndex`
fn place(list: &mut Vec<Value>, at: usize, value: Value) -> Result<(), Stop> {
    if at > MAX_INDEX {
        return Err(format!("index of {at} is greater than maximum supported index of {MAX_INDEX}").into());
    }
    if list.len() <= at {
        list.resize(at + 1, Value::Null);
    }
    if let Some(place) = list.get_mut(at) {
        *place = value;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(form: SetForm, arguments: &[&str], base: Value) -> Result<Value, String> {
        let Value::Object(mut values) = base else { return Err("no map".to_owned()) };
        arguments.iter().try_for_each(|argument| apply(form, argument, &mut values))?;
        Ok(Value::Object(values))
    }

    #[test]
    fn assignments() {
        assert_eq!(
            set(
                SetForm::Typed,
                &["a.b=1,c=yes,d=007,e=null,f=true,g=a\\,b,h={x,2},i[0].j=,k\\.l=1.5"],
                json!({})
            ),
            Ok(
                json!({"a": {"b": 1}, "c": "yes", "d": "007", "e": null, "f": true, "g": "a,b", "h": ["x", 2],
                "i": [{"j": ""}], "k.l": "1.5"})
            )
        );
        assert_eq!(
            set(SetForm::Typed, &["l[1]=9", "m[0].x=1"], json!({"l": [1, 2, 3], "m": [{"y": 2}]})),
            Ok(json!({"l": [1, 9, 3], "m": [{"y": 2, "x": 1}]}))
        );
        assert_eq!(set(SetForm::Literal, &["a.b=c,d=e"], json!({})), Ok(json!({"a": {"b": "c,d=e"}})));
        assert_eq!(
            set(SetForm::Json, &["a=[1,{\"b\":null}],c=\"x\"", "{\"d\":1}"], json!({})),
            Ok(json!({"a": [1.0, {"b": null}], "c": "x", "d": 1.0}))
        );
    }

    #[test]
    fn refusals_are_helms() {
        let words =
            |argument: &str| set(SetForm::Typed, &[argument], json!({"s": "x"})).err().unwrap_or_default();
        assert_eq!(words("novalue"), "failed parsing --set data: key \"novalue\" has no value");
        assert_eq!(words("a={x"), "failed parsing --set data: list must terminate with '}'");
        assert!(words("s.t=1").ends_with("interface {} is string, not map[string]interface {}"));
        assert!(words(&format!("{}x=1", "a.".repeat(40))).contains("nested level"));
        assert!(words("a[70000]=1").contains("maximum supported index"));
    }
}
