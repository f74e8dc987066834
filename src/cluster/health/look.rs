//! Looking into live objects: fields by JSON pointer, conditions, times, counts.

use jiff::Timestamp;
use serde_json::Value;

/// The value at a JSON pointer. serde's own allocates for every step, and a snapshot of thousands of pods takes
/// hundreds of thousands of steps.
pub(crate) fn at<'v>(object: &'v Value, pointer: &str) -> Option<&'v Value> {
    if pointer.contains('~') {
        return object.pointer(pointer);
    }
    pointer.split('/').skip(1).try_fold(object, |value, step| match value {
        Value::Object(map) => map.get(step),
        Value::Array(list) => list.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// A text field; `None` when absent, empty or of another type.
pub(crate) fn text<'v>(object: &'v Value, pointer: &str) -> Option<&'v str> {
    at(object, pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A whole number; `None` when absent.
pub(crate) fn int(object: &Value, pointer: &str) -> Option<i64> {
    at(object, pointer).and_then(Value::as_i64)
}

/// A whole number that the API leaves out when it is 0.
pub(crate) fn count(object: &Value, pointer: &str) -> i64 {
    int(object, pointer).unwrap_or(0)
}

pub(crate) fn boolean(object: &Value, pointer: &str) -> bool {
    at(object, pointer).and_then(Value::as_bool).unwrap_or(false)
}

pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

pub(crate) fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer).and_then(parse_time)
}

/// The list at a pointer; empty when there is none.
pub(crate) fn list<'v>(object: &'v Value, pointer: &str) -> &'v [Value] {
    at(object, pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A condition of `status.conditions`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition<'v>(&'v Value);

impl<'v> Condition<'v> {
    pub(crate) fn is_true(self) -> bool {
        text(self.0, "/status") == Some("True")
    }

    pub(crate) fn is_false(self) -> bool {
        text(self.0, "/status") == Some("False")
    }

    pub(crate) fn reason(self) -> &'v str {
        text(self.0, "/reason").unwrap_or_default()
    }

    pub(crate) fn message(self) -> &'v str {
        text(self.0, "/message").unwrap_or_default()
    }

    pub(crate) fn since(self) -> Option<Timestamp> {
        time(self.0, "/lastTransitionTime")
    }

    /// `reason: message`, whichever there is.
    pub(crate) fn words(self) -> String {
        match (self.reason(), self.message()) {
            ("", message) => message.to_owned(),
            (reason, "") => reason.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}

pub(crate) fn condition<'v>(object: &'v Value, kind: &str) -> Option<Condition<'v>> {
    list(object, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/type") == Some(kind))
        .map(Condition)
}

/// Whether the controller has seen the newest spec.
pub(crate) fn observed(object: &Value) -> bool {
    match (int(object, "/metadata/generation"), int(object, "/status/observedGeneration")) {
        (Some(generation), Some(observed)) => observed >= generation,
        (Some(_), None) => false,
        (None, _) => true,
    }
}
