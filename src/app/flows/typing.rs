//! Lists before a save, walking problems, the terminal's own cursor.

use super::*;

#[test]
fn saving_several_lists_the_lines_of_every_file_and_saves_the_chosen() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'replicas Enter Enter")
        .type_text("7")
        .press("Enter l Enter")
        .type_text("5")
        .press("Enter S");
    flow.sees("- replicas: ").sees("+ replicas: 7").sees("+ replicas: 5").sees("values-prod.yaml");
    // The second file stays as it is.
    flow.press("Down Space Enter").wait("save", |model| model.session.documents.dirty().count() == 1);
    assert!(flow.on_disk("values-dev.yaml").contains("replicas: 7"));
    assert!(!flow.on_disk("values-prod.yaml").contains("replicas: 5"));
}

#[test]
fn many_changed_lines_are_paged_through_and_hold_no_secret() {
    let mut flow = Flow::open("tiny");
    let many: Vec<String> = (0..60).map(|n| format!("# line{n}\n")).collect();
    let many = many.concat();
    flow.press("2 E").act(&Action::Paste(format!("{many}apiPassword: planted-canary\n")));
    flow.press("Esc S").sees("+ # line0").misses("+ # line59").misses("planted-canary");
    flow.press("PageDown PageDown PageDown").sees("+ # line59").sees("apiPassword").misses("planted-canary");
    flow.press("PageUp PageUp PageUp").sees("+ # line0");
}

#[test]
fn problems_are_walked_in_both_directions() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'replicas Enter Enter")
        .type_text("-1")
        .press("Enter l Enter")
        .type_text("-1")
        .press("Enter Esc");
    let at = |flow: &Flow| flow.mapped().environment.clone();
    flow.press("g n");
    let first = at(&flow);
    flow.press("n");
    let second = at(&flow);
    assert_ne!(first, second);
    flow.press("N");
    assert_eq!(at(&flow), first);
    flow.press("N");
    assert_eq!(at(&flow), second, "around the ends");
}

#[test]
fn the_terminals_cursor_is_where_text_goes_and_nowhere_else() {
    let mut flow = Flow::open("tiny");
    assert_eq!(flow.press("2").caret(), None);
    let filter = flow.press("/").caret().unwrap();
    let typed = flow.type_text("re").caret().unwrap();
    assert_eq!((typed.x, typed.y), (filter.x, filter.y), "the note grows to the left");
    assert_eq!(flow.type_text("plicas").press("Enter").caret(), None, "a cell of a table is no text");
    let field = flow.press("Enter").type_text("1").caret().unwrap();
    assert_eq!(flow.type_text("2").caret().unwrap().x, field.x + 1);
    assert_eq!(flow.press("Esc").caret(), None);
    let editor = flow.press("E Home").caret().unwrap();
    assert_eq!(flow.type_text("日").caret().unwrap().x, editor.x + 2);
    assert!(flow.press("Esc :").type_text("th").caret().is_some());
    assert_eq!(flow.press("Esc q").caret(), None, "a question is not typed");
    flow.press("Esc 4 /").type_text("x");
    assert!(flow.caret().is_some());
    flow.press("Esc 1 /").type_text("x");
    assert!(flow.caret().is_some());
}
