//! The mouse in the rooms, and keys that have nothing to do.

use super::*;
use crate::session::{Comparison, Side};

#[test]
fn a_click_selects_a_cell_of_the_matrix_and_another_one_edits_it() {
    let mut flow = Flow::open("tiny");
    flow.press("3");
    let screen = flow.screen(120, 40);
    let is_row = |line: &str| line.chars().take(14).collect::<String>().contains("isolation");
    let (row, line) = screen.lines().enumerate().find(|(_, line)| is_row(line)).unwrap();
    let column = line.split("namespace").next().unwrap().chars().count() + 1;
    let (x, y) = (u16::try_from(column).unwrap(), u16::try_from(row).unwrap());
    flow.click_at(x, y).sees("› isolation");
    assert!(flow.model.open.is_empty());
    flow.click_at(x, y);
    assert!(!flow.model.open.is_empty(), "the second click asks for the new isolation");
    flow.press("Esc").wheel(x, y, -1);
    flow.sees("› namespaces");
}

#[test]
fn a_click_on_the_chart_that_has_the_cursor_folds_it() {
    let mut flow = Flow::open("tiny");
    flow.press("1").sees("▸ templates").click("▾ tiny").misses("▸ templates");
    flow.sees("▸ tiny").click("▸ tiny").sees("▾ tiny");
}

#[test]
fn listed_keys_that_have_nothing_to_do_say_why() {
    let mut flow = Flow::open("tiny");
    flow.press("1 v");
    assert!(flow.notice().contains("below templates"), "{}", flow.notice());
    for (keys, why) in [
        ("3 /", "nothing to filter"),
        ("3 w", "not wrapped"),
        ("4 w", "not wrapped"),
        ("5 w", "not wrapped"),
        ("5 Tab", "one pane"),
        ("2 w", "not wrapped"),
        ("1 r", "read again"),
        ("6 w", "not wrapped"),
        ("6 Space", "fold"),
    ] {
        flow.press(keys);
        assert!(flow.notice().contains(why), "{keys}: {}", flow.notice());
    }
}

#[test]
fn the_line_of_environments_counts_for_the_sides_that_are_shown() {
    let mut flow = Flow::open("tiny");
    let contexts = vec![
        ContextInfo { name: "aks-shared-nonprod".to_owned(), ..ContextInfo::default() },
        ContextInfo { name: "aks-shared-prod".to_owned(), ..ContextInfo::default() },
    ];
    flow.hear(Message::Contexts(Ok(contexts)));
    flow.press("4 v").type_text("deployed → saved").press("Enter");
    let map = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    let mut seen = Vec::new();
    while let Some(request) = flow.compared.pop() {
        let (left, right) = (request.left.0.clone(), request.right.0.clone());
        assert_eq!((&left, &right), (&Side::Deployed, &Side::Saved));
        let after = if seen.is_empty() { map("a") } else { map("a") + "---\n" + &map("b") };
        let (old, new) = (manifest::parse(&map("a")).unwrap(), manifest::parse(&after).unwrap());
        let changes = manifest::diff(&old, &new, &DiffOptions::default());
        let result = Ok(Arc::new(Comparison { left, right, changes, warnings: Vec::new() }));
        seen.push(request.generation);
        flow.hear(Message::Compared { generation: request.generation, result, verdict: Verdict::Pending });
    }
    assert_eq!(seen.len(), flow.model.session.environments.len(), "every environment, one after the other");
    flow.sees("dev same").sees("prod 1 added");
}
