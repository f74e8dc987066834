//! The functions that templates can call: Go's builtins, sprig 3.3.0 and helm's own, one table a subject. How to
//! write one stands in [`template`](super::template).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::template::builtins;
use super::template::function::Function;

/// All tables; where a name stands twice the later one is meant, as sprig's `slice` hides Go's.
const TABLES: &[&[Function]] = &[builtins::FUNCTIONS, builtins::HELM];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> =
    LazyLock::new(|| TABLES.iter().copied().flatten().map(|function| (function.name, function)).collect());

/// The function of a name.
pub fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}
