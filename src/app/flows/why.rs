//! Diff says where a hunk comes from, and goes there.

use super::*;
use crate::session::Goto;

const BEFORE: &str =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tiny-tiny}\nspec: {replicas: 1}\n";

/// Diff on a preview of dev with the causes of its hunk.
fn asked(before: &str, after: &str) -> Flow {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'replicas Enter Enter '7 Enter").previewed("dev", before, after);
    flow.press("4 Enter x").wait("the causes", |model| !model.open.is_empty());
    flow
}

#[test]
fn a_hunk_names_the_keys_and_templates_it_comes_from_and_they_open() {
    let after = BEFORE.replace("replicas: 1", "replicas: 7");
    let mut flow = asked(BEFORE, &after);
    flow.sees("Deployment tiny-tiny: spec.replicas @ dev").sees("feeds    values-dev.yaml:4  1 → 7");
    flow.sees("templates/deployment.yaml:7").press("Enter");
    assert_eq!(room(&flow), RoomId::Values);
    flow.sees("set for dev by");
    let mut flow = asked(BEFORE, &after);
    flow.press("Down Enter");
    assert_eq!(room(&flow), RoomId::Charts);
    flow.sees("templates/deployment.yaml").sees("replicas: {{ .Values.replicas }}");
}

#[test]
fn lines_that_are_gone_are_told_from_the_side_where_they_were() {
    let before = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tiny-tiny}\ndata: {greeting: x}\n";
    let mut flow = asked(before, BEFORE);
    flow.sees("ConfigMap tiny-tiny").sees("greeting").sees("feeds");
}

#[test]
fn what_is_not_rendered_on_a_side_is_said() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'replicas Enter Enter '7 Enter");
    flow.previewed(
        "dev",
        &BEFORE.replace("tiny-tiny", "other"),
        &BEFORE.replace("tiny-tiny", "other").replace("replicas: 1", "replicas: 7"),
    );
    let said = |model: &Model| {
        let last = model.session.notices.all().last();
        last.is_some_and(|notice| notice.lines.join(" ").contains("it is not rendered on this side"))
    };
    flow.press("4 Enter x").wait("an answer", said);
}

#[test]
fn a_template_that_reads_a_key_opens_at_its_line() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'replicas Enter").wait("a trace", |model| model.session.trace().is_some());
    flow.press("x").sees("templates/deployment.yaml:7").press("Enter");
    assert_eq!(room(&flow), RoomId::Charts);
    flow.sees("replicas: {{ .Values.replicas }}");
    assert!(flow.model.session.documents.dirty().next().is_none(), "looking at a template edits nothing");
}

#[test]
fn the_editor_of_values_opens_no_other_file() {
    let mut flow = Flow::open("tiny");
    let file = flow.file("floe-tui.toml");
    flow.model.session.goto = Some(Goto::Line { file, line: 3 });
    flow.press("2").sees("floe-tui.toml:3 is in no values file").misses("(new)");
    let file = flow.file("values-dev.yaml");
    flow.model.session.goto = Some(Goto::Line { file, line: 2 });
    flow.press("2").sees("values-dev.yaml").sees("Ctrl-S save");
}
