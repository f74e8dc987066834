//! What stands around the rooms, by its keys.

use super::*;

fn context(name: &str, cluster: &str) -> ContextInfo {
    ContextInfo { name: name.to_owned(), cluster: cluster.to_owned(), ..ContextInfo::default() }
}

#[test]
fn the_palette_reaches_commands_of_other_rooms() {
    let mut flow = Flow::open("tiny");
    flow.press("1 :").type_text("only differing").press("Enter");
    assert_eq!(room(&flow), RoomId::Values);
    flow.sees("only differing:");
}

#[test]
fn every_command_of_a_room_is_in_its_help_and_in_the_palette() {
    let mut flow = Flow::open("tiny");
    for (key, words) in [("1", "rendered or source"), ("2", "go to line"), ("4", "hide noise")] {
        flow.press(key).press("?").sees(words).press("Esc");
        flow.press(":").type_text(words).sees(words).press("Esc");
    }
}

#[test]
fn a_theme_is_seen_while_it_is_chosen_and_esc_brings_the_old_one_back() {
    let mut flow = Flow::open("tiny");
    flow.press(":").type_text("theme").press("Enter Down");
    assert_eq!(flow.model.theme, "light");
    flow.press("Esc");
    assert_eq!(flow.model.theme, "terminal");
    flow.press(":").type_text("theme").press("Enter").type_text("mono").press("Enter");
    assert_eq!(flow.model.theme, "mono");
}

#[test]
fn a_cluster_with_several_contexts_is_asked_for_once_and_remembered() {
    let mut flow = Flow::open("tiny");
    let contexts =
        vec![context("mine-admin", "aks-shared-nonprod"), context("mine-viewer", "aks-shared-nonprod")];
    flow.hear(Message::Contexts(Ok(contexts)));
    flow.sees("Which context is aks-shared-nonprod for you?").press("Esc 2 1");
    assert!(flow.model.open.is_empty(), "asked once");
    flow.press("I").sees("mine-viewer").press("Down Enter");
    assert_eq!(flow.model.session.target().unwrap().context.as_deref(), Some("mine-viewer"));
    let config = flow.folder.path().join("config.toml");
    flow.runtime.block_on(flow.workers.finish());
    assert!(std::fs::read_to_string(config).unwrap().contains("aks-shared-nonprod = \"mine-viewer\""));
}

#[test]
fn unsaved_edits_are_in_the_recovery_log_when_the_program_ends_and_gone_after_a_save() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'greeting Enter Enter").type_text("kept").press("Enter q").sees("Quit without saving");
    flow.press("y");
    flow.runtime.block_on(flow.workers.finish());
    let log = |flow: &Flow| {
        let folder = flow.folder.path().join("FLOE_TUI_STATE_DIR/recovery");
        std::fs::read_dir(folder).into_iter().flatten().count()
    };
    assert_eq!(log(&flow), 1);
    flow.model.done = false;
    flow.press("s").wait("save", |model| model.session.documents.dirty().next().is_none());
    flow.runtime.block_on(flow.workers.finish());
    assert_eq!(log(&flow), 0);
}

#[test]
fn enter_leaves_a_dialog_and_what_came_before_it_was_drawn_is_dropped() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'greeting Enter Enter").type_text("x").press("Enter q");
    assert!(flow.model.asks_unseen());
    flow.press("Enter");
    assert!(!flow.model.done && flow.model.open.is_empty());
    flow.press("q");
    flow.click("Quit without saving");
    assert!(!flow.model.done, "the mouse never confirms");
    flow.act(&Action::Paste("y".into()));
    assert!(!flow.model.done, "nor does a paste");
    flow.press("y");
    assert!(flow.model.done);
}

#[test]
fn the_editor_of_the_operator_sees_no_unsaved_text_so_it_is_not_opened_on_one() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'replicas Enter l Ctrl-E");
    let opened = |flow: &Flow| {
        flow.asked.iter().any(
            |effect| matches!(effect, Effect::OpenEditor { path, .. } if path.ends_with("values-prod.yaml")),
        )
    };
    assert!(opened(&flow));
    flow.asked.clear();
    flow.press("Enter '9 Enter Ctrl-E");
    assert!(!opened(&flow) && flow.notice().contains("save"));
}

#[test]
fn several_files_are_saved_by_choice() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'greeting Enter Enter")
        .type_text("one")
        .press("Enter l Enter")
        .type_text("two")
        .press("Enter");
    flow.sees("2 unsaved").press("S").sees("+1 -1 lines").press("Space Enter");
    flow.wait("save", |model| model.session.documents.dirty().count() == 1);
    assert!(flow.on_disk("values-dev.yaml").contains("hello from dev"), "its mark was taken away");
    assert!(flow.on_disk("values-prod.yaml").contains("two"));
}

#[test]
fn a_small_header_keeps_environment_and_namespace() {
    let mut flow = Flow::open("charts");
    let long = "a-context-with-a-name-that-is-far-too-long-for-a-line-of-eighty";
    flow.model.session.settings.clusters.insert("aks-shared-nonprod".into(), long.into());
    flow.hear(Message::Contexts(Ok(vec![context(long, "c")])));
    let screen = flow.screen(80, 24);
    let header = screen.lines().next().unwrap();
    assert!(header.contains("· dev") && header.contains("/ floe-dev") && header.contains('…'), "{header}");
    assert!(
        flow.press("e")
            .type_text("prod")
            .press("Enter")
            .screen(80, 24)
            .lines()
            .next()
            .unwrap()
            .contains("PROTECTED")
    );
}
