//! The engine against what Go does, without functions of sprig.

use std::sync::Arc;
use std::time::Duration;

use super::trace::Level;
use super::value::{Str, Value};
use super::{Context, Session, Templates, parser};
use crate::render::functions;

fn run(text: &str, dot: Value) -> Result<String, String> {
    let trees = parser::parse("t.yaml", Arc::from(text.as_bytes()), &functions::find)?;
    let mut templates = Templates::default();
    templates.add(&trees);
    let mut context = Context::new(
        Arc::new(templates),
        functions::find,
        Session::default(),
        Duration::from_secs(10),
        Level::Nothing,
    );
    // As a rendering does: hostile templates need the stack.
    let out = context.run(b"t.yaml", dot);
    out.map(|out| out.to_string()).map_err(|fault| fault.to_string())
}

fn values() -> Value {
    let inner = Value::map([("b", Value::Float(1.0)), ("c", Value::Nil), ("name", Value::str("n"))]);
    Value::map([
        ("a", inner),
        ("list", Value::list(vec![Value::str("x"), Value::Float(2.0), Value::Nil])),
        ("text", Value::str("hello")),
        ("big", Value::Float(1_000_000.0)),
        ("off", Value::Bool(false)),
    ])
}

#[track_caller]
fn prints(text: &str, wanted: &str) {
    assert_eq!(run(text, values()).as_deref(), Ok(wanted), "{text}");
}

#[track_caller]
fn fails(text: &str, wanted: &str) {
    assert_eq!(run(text, values()), Err(wanted.to_owned()), "{text}");
}

#[test]
fn text_actions_and_trim_markers() {
    prints("a {{- /* c */ -}} b", "ab");
    prints("a {{- /* c */}} b", "a b");
    prints("{{ .text }} {{- .a.b -}} \n x", "hello1x");
    prints(
        "{{ .big }} {{ .a.c }} {{ .a.missing }} {{ (.missing).x }}",
        "1e+06 <no value> <no value> <no value>",
    );
    prints("{{ \"q\\n\" }}{{ `r` }}{{ 'a' }} {{ 0x10 }} {{ 1e3 }} {{ true }}", "q\nr97 16 1000 true");
}

#[test]
fn control_structures() {
    prints("{{ if .off }}a{{ else if .text }}b{{ else }}c{{ end }}", "b");
    prints(
        "{{ with .a }}{{ .b }}{{ $.text }}{{ end }}{{ with .off }}x{{ else with .text }}{{ . }}{{ end }}",
        "1hellohello",
    );
    prints("{{ range $i, $e := .list }}{{ $i }}={{ $e }};{{ end }}", "0=x;1=2;2=<no value>;");
    prints("{{ range $k, $v := .a }}{{ $k }}={{ $v }};{{ else }}none{{ end }}", "b=1;c=<no value>;name=n;");
    prints("{{ range 3 }}{{ . }}{{ if eq . 1 }}{{ break }}{{ end }},{{ end }}", "0,1");
    prints("{{ range $i := 4 }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ $i }}{{ end }}", "023");
    prints("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ end }}{{ $x }}", "2");
    prints(
        "{{ define \"d\" }}<{{ . }}>{{ end }}{{ template \"d\" .text }}{{ template \"d\" }}{{ block \"e\" .a }}{{ .b }}{{ end }}",
        "<hello><<no value>>1",
    );
    prints(
        "{{ include \"d\" .text | printf \"%s-%d\" \"p\" }}{{ define \"d\" }}i{{ . }}{{ end }}",
        "p-%!d(string=ihello)",
    );
}

#[test]
fn functions_and_their_arguments() {
    prints(
        "{{ printf \"%d %v %q %5.2f|%-4s|%04d\" 3 .a.b .text 2.5 \"x\" 7 }}",
        "3 1 \"hello\"  2.50|x   |0007",
    );
    prints("{{ printf \"%d\" .a.b }}", "%!d(float64=1)");
    prints("{{ printf \"%v %T\" .a .list }}", "map[b:1 c:<nil> name:n] []interface {}");
    prints("{{ index .list 0 }}{{ index .a \"name\" }}{{ len .list }}{{ len .text }}", "xn35");
    prints(
        "{{ and .text .off }}{{ or .off .text }}{{ not .off }}{{ eq .text \"x\" \"hello\" }}",
        "falsehellotruetrue",
    );
    prints(
        "{{ tpl \"{{ .b }}{{ define \\\"z\\\" }}Z{{ end }}{{ include \\\"z\\\" . }}{{ .gone }}\" .a }}",
        "1Z",
    );
}

#[test]
fn errors_have_gos_words_and_places() {
    fails(
        "\n  {{ .a.gone.x }}",
        "template: t.yaml:2:7: executing \"t.yaml\" at <.a.gone.x>: nil pointer evaluating interface {}.x",
    );
    fails(
        "{{ .text.x }}",
        "template: t.yaml:1:8: executing \"t.yaml\" at <.text.x>: can't evaluate field x in type interface {}",
    );
    fails(
        "{{ eq .a.b 1 }}",
        "template: t.yaml:1:3: executing \"t.yaml\" at <eq .a.b 1>: error calling eq: incompatible types for comparison: float64 and int",
    );
    fails(
        "{{ include \"gone\" . }}",
        "template: t.yaml:1:3: executing \"t.yaml\" at <include \"gone\" .>: error calling include: template: no template \"gone\" associated with template \"gotpl\"",
    );
    fails(
        "{{ include .off . }}",
        "template: t.yaml:1:11: executing \"t.yaml\" at <.off>: wrong type for value; expected string; got bool",
    );
    fails(
        "{{ not }}",
        "template: t.yaml:1:3: executing \"t.yaml\" at <not>: wrong number of args for not: want 1 got 0",
    );
    fails("{{ nope }}", "template: t.yaml:1: function \"nope\" not defined");
    fails("{{ if }}", "template: t.yaml:1: missing value for if");
    fails("{{ .a", "template: t.yaml:1: unclosed action");
    fails("{{ $x }}", "template: t.yaml:1: undefined variable \"$x\"");
    fails("{{ if true }}\n\nx", "template: t.yaml:3: unexpected EOF");
    fails(
        "{{ range .text }}{{ end }}",
        "template: t.yaml:1:9: executing \"t.yaml\" at <.text>: range can't iterate over hello",
    );
}

#[test]
fn strings_are_bytes() {
    assert_eq!(&*Str::from(&b"\xff"[..]), b"\xff");
    prints("{{ index .text 1 }}", "101");
}
