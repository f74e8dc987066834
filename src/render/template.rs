//! Go's text/template with Helm's rules, in Rust: same output, same errors.
//!
//! | file | what |
//! |---|---|
//! | `lexer` | text to tokens, trim markers |
//! | `parser` | tokens to trees; unknown functions and undefined variables are found here |
//! | `ast` | the trees, shared by all renderings, with positions; how Go writes a node |
//! | `eval`, `eval::expr` | runs a tree; Go's `exec.go`, so that the order of evaluation is Go's |
//! | `value` | what templates compute with: Go's types, shared mutable maps, strings of bytes |
//! | `function` | name, parameter types and code of a function |
//! | `methods` | methods of values: `.Files.Get`, `.Capabilities.APIVersions.Has` |
//! | `builtins` | Go's own functions, and helm's that run templates: `include`, `tpl`, `required`, `fail` |
//! | `printf`, `quote` | Go's `fmt` and string literals |
//! | `context` | what a run shares: named templates, limits, trace, session |
//! | `trace` | where output came from and which values were read |
//! | `errors` | failures with their levels, as helm prints them |
//! | `limits` | what stops a hostile template |
//!
//! # Writing functions
//! The functions of sprig and helm are tables in `render/functions/*.rs`, each a
//! `pub(super) const FUNCTIONS: &[Function]`, listed in `render/functions.rs`. An entry is
//!
//! ```text
//! Function::new("trunc", &[Type::Int, Type::Str], trunc)
//! Function::new("join", &[Type::Str, Type::Any], join)
//! Function::new("merge", &[Type::Map], merge).rest(Type::Map)
//! Function::new("dict", &[], dict).rest(Type::Any).reads(Reads::Nothing)
//!
//! fn trunc(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
//!     let [Value::Int(length), Value::Str(text)] = args else { return Err(args_error()) };
//!     …
//! }
//! ```
//!
//! - The parameter types are those of the Go function. Count and types are checked before the code runs, with Go's
//!   words; the code gets the Rust variant that [`function::Type`] names in brackets and may match on it.
//! - `Type::Any` gets `Nil` for nothing, never `Invalid`. A nil list or map parameter is an empty one whose `is_nil`
//!   says so.
//! - A Go function that returns `interface {}` and has nothing returns `Value::Nil`.
//! - An error is the text after `error calling NAME: `; a Go panic is an error with the panic's text.
//! - Go's `fmt.Sprint(x)` is [`printf::sprint`]; `%v`, `%q` … are [`printf::sprintf`] and [`quote::quoted`].
//! - A map is changed in place by `insert` and `remove`, and [`Context::changed`] is told; everything else makes new
//!   values. No method of a map hands out a borrow, so merging a map into itself is safe.
//! - Results whose size an argument decides (`repeat`, `until`, `seq`) ask [`Context::charge`] first. Whatever
//!   recurses over a value stops at [`limits::NESTING`] with an error.
//! - Random and clock functions take their bytes from [`Context::entropy`] and [`Context::now`]: they stay the same
//!   during a session, and the trace marks what they made as unstable.
//! - `reads` says what the trace counts: `Reads::Nothing` for functions that pass their arguments on, `Reads::Told`
//!   with [`Context::read`] for those that look at one key, else everything below the arguments counts as read.
//! - A name that only some helm versions know is filtered in `render/functions.rs`.

pub mod ast;
pub mod builtins;
mod context;
pub mod errors;
mod eval;
pub mod function;
mod lexer;
pub mod limits;
mod methods;
pub mod numbers;
pub mod parser;
pub mod printf;
pub mod quote;
pub mod trace;
pub mod value;

pub(crate) use context::without_no_value;
pub use context::{Context, Documents, Session, Templates};

#[cfg(test)]
mod tests;
