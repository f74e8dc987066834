//! What the engine does with bytes from anywhere. Each function must return: not panic, not hang, not fill the memory.
//! `cargo fuzz run <name>` calls them with libfuzzer; `tests/it/fuzz.rs` with a corpus and its mutations, on every run
//! of the tests.

use std::sync::Arc;
use std::time::Duration;

use floe_tui::chart::strict;
use floe_tui::render::template::trace::Level;
use floe_tui::render::template::value::Value;
use floe_tui::render::template::{Context, Session, Templates, parser};
use floe_tui::render::{Engine, Profile, Request, SetForm, functions};
use floe_tui::values::set;

/// Lexer, parser and evaluator.
pub fn template(data: &[u8]) {
    let Ok(trees) = parser::parse("fuzz", Arc::from(data), &functions::find) else { return };
    let mut templates = Templates::default();
    templates.add(&trees);
    let limit = Duration::from_millis(500);
    let session = Session::default();
    let mut context = Context::new(Arc::new(templates), functions::find, session, limit, Level::Nothing);
    let values = Value::map([
        ("s", Value::str("text")),
        ("n", Value::Float(3.0)),
        ("l", Value::list(vec![Value::str("a"), Value::Nil])),
    ]);
    let _ = context.run(b"fuzz", Value::map([("Values", values)]));
}

/// YAML in, out and in again: what was written means what was read.
pub fn yaml(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(read) = floe_tui::yaml::read(&text) else { return };
    // Go's reader folds at the line breaks of YAML 1.1, ours at those of 1.2: what holds others is not read alike.
    let folds = |c: char| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}');
    if read.to_string().contains(folds) {
        return;
    }
    let value = floe_tui::render::encode::read::value(&read);
    let written = floe_tui::render::encode::yaml::encode(&value).expect("JSON can hold it");
    let again = floe_tui::yaml::read(&written).unwrap_or_else(|error| panic!("{error}: {written:?}"));
    let again = floe_tui::render::encode::read::value(&again);
    assert!(value.deep_equal(&again), "{text:?} was written as {written:?}");
    let _ = floe_tui::render::encode::yaml::pretty(&value);
    let _ = floe_tui::render::encode::toml::encode(&value);
}

/// `--set` and its relatives.
pub fn values(data: &[u8]) {
    let (form, rest) = match data {
        [first, rest @ ..] => (first % 4, rest),
        [] => return,
    };
    let form = [SetForm::Json, SetForm::Typed, SetForm::Text, SetForm::Literal][usize::from(form)];
    let mut values = serde_json::Map::new();
    for argument in String::from_utf8_lossy(rest).lines() {
        let _ = set::apply(form, argument, &mut values);
    }
}

/// A packaged chart.
pub fn archive(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("charts")).expect("a folder");
    std::fs::write(folder.path().join("Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n")
        .expect("a file");
    std::fs::write(folder.path().join("charts/s.tgz"), data).expect("a file");
    let _ = strict::check(folder.path(), Profile::FOUR.loader());
    let engine = Engine::new(Profile::FOUR, Session::default());
    let mut request = Request::new(folder.path(), "rel", "default");
    request.timeout = Duration::from_secs(2);
    let _ = engine.render(&request, false);
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 2, "nothing is unpacked to disk");
}
