//! The functions that templates can call: Go's builtins, sprig 3.3.0 and helm's own, one table a subject. How to
//! write one stands in [`template`](super::template).

// A table wants functions of one type, whether they can fail or not.
#![allow(clippy::unnecessary_wraps, reason = "the type of a function's code is the same for all")]

mod cast;
mod certs;
mod data;
mod dates;
mod defaults;
mod dicts;
mod encoding;
mod layout;
mod lists;
mod numbers;
mod passwords;
mod paths;
mod random;
mod regexes;
mod strings;
mod text_case;
mod urls;
mod versions;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::template::builtins;
use super::template::function::{FnError, Function};
use super::template::value::Value;

/// What a function gives.
type Called = Result<Value, FnError>;

/// All tables; where a name stands twice the later one is meant, as sprig's `slice` hides Go's and helm's `fail` sprig's.
const TABLES: &[&[Function]] = &[
    builtins::FUNCTIONS,
    cast::FUNCTIONS,
    certs::FUNCTIONS,
    data::FUNCTIONS,
    dates::FUNCTIONS,
    defaults::FUNCTIONS,
    dicts::FUNCTIONS,
    encoding::FUNCTIONS,
    lists::FUNCTIONS,
    numbers::FUNCTIONS,
    passwords::FUNCTIONS,
    paths::FUNCTIONS,
    random::FUNCTIONS,
    regexes::FUNCTIONS,
    strings::FUNCTIONS,
    text_case::FUNCTIONS,
    urls::FUNCTIONS,
    versions::FUNCTIONS,
    builtins::HELM,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let all = TABLES.iter().chain(lists::TWINS).copied().flatten();
    all.map(|function| (function.name, function)).collect()
});

/// What a function says when the evaluator handed it something else than its parameters say: a fault of ours.
fn args_error() -> FnError {
    "the arguments do not fit the function's parameters".into()
}

/// The function of a name.
pub fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// The names of all functions, sorted.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = BY_NAME.keys().copied().collect();
    names.sort_unstable();
    names
}
