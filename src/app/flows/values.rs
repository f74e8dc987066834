//! Values by its keys: fields, text, undo, saving, conflicts, secrets.

use super::*;
use crate::operations::Verb;
use crate::session::Document;

fn unsaved(flow: &Flow) -> usize {
    flow.model.session.documents.dirty().count()
}

fn saved(model: &Model) -> bool {
    model.session.documents.dirty().next().is_none()
}

#[test]
fn a_value_is_edited_in_place_and_saved_as_one_line() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'replicas Enter l Enter");
    flow.type_text("5").sees("values-prod.yaml:4").sees("1 unsaved");
    flow.press("Enter s").wait("save", saved);
    let expected =
        "global:\n  environment: prod\n# two, so that one may go\nreplicas: 5\ngreeting: 'hello from prod'\n";
    assert_eq!(flow.on_disk("values-prod.yaml"), expected);
    assert!(flow.on_disk("values-dev.yaml").contains("hello from dev"));
}

#[test]
fn a_field_that_is_left_changes_nothing() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'replicas Enter Enter '7");
    assert_eq!(unsaved(&flow), 1);
    flow.press("Esc");
    assert_eq!(unsaved(&flow), 0);
}

#[test]
fn a_wrong_value_is_told_with_its_line_and_n_goes_there() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'replicas Enter l Enter");
    flow.type_text("-1").press("Enter Esc g").sees("values-prod.yaml:4").sees("replicas");
    flow.press("h n");
    assert_eq!(flow.mapped().environment, "prod");
    flow.sees("must be");
}

#[test]
fn undo_in_the_editor_is_seen_and_typing_goes_on_from_it() {
    let mut flow = Flow::open("tiny");
    flow.press("2 E").type_text("# one").sees("# one");
    flow.press("Ctrl-Z").misses("# one");
    assert_eq!(unsaved(&flow), 0);
    assert_eq!(flow.notice(), "undid typing in values-dev.yaml");
    flow.press("Ctrl-Y").sees("# one").press("Ctrl-Z");
    flow.type_text("# two").sees("# two").misses("# one");
    flow.press("Ctrl-S").wait("save", saved);
    assert!(flow.on_disk("values-dev.yaml").contains("# two"));
}

#[test]
fn every_printable_key_is_text_while_editing() {
    let mut flow = Flow::open("tiny");
    flow.press("2 E Home").type_text("# q1e:?!sU").sees("# q1e:?!sU");
    assert_eq!(room(&flow), RoomId::Values);
    flow.press("Esc q").sees("Quit without saving");
}

#[test]
fn invalid_yaml_keeps_the_tree_names_its_line_and_may_be_saved() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'greeting Enter").sees("hello from dev");
    flow.press("E End Enter").type_text(": : [");
    flow.sees("not valid YAML").sees("hello from dev").sees("not rendered: 1 problem");
    flow.press("Ctrl-S").wait("save", saved);
    assert!(flow.on_disk("values-dev.yaml").contains(": : ["));
}

#[test]
fn a_missing_file_is_made_by_the_first_edit() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    copy(&root.join("tests/fixtures/charts/tiny"), &folder.path().join("ws/tiny"));
    std::fs::remove_file(folder.path().join("ws/tiny/values-prod.yaml")).unwrap();
    let mut flow = Flow::on(folder);
    flow.press("2 / 'replicas Enter l Enter '4 Enter").sees("values-prod.yaml *").sees("(new)");
    flow.press("s").wait("save", saved);
    assert_eq!(flow.on_disk("values-prod.yaml"), "replicas: 4\n");
}

#[test]
fn line_ends_of_the_file_stay() {
    let mut flow = Flow::open("crlf");
    let before = flow.on_disk("values-prod.yaml");
    flow.press("e").type_text("prod").press("Enter 2 / 'api.replicas Enter Enter '9 Enter s");
    flow.wait("save", saved);
    assert_eq!(flow.on_disk("values-prod.yaml"), before.replace("replicas: 3", "replicas: 9"));
    assert!(before.contains("\r\n"));
    flow.press("E End").type_text("x").press("Ctrl-S").wait("save", saved);
    assert!(!flow.on_disk("values-prod.yaml").replace("\r\n", "").contains('\n'));
}

#[test]
fn a_key_that_no_file_has_is_added_and_unset() {
    let mut flow = Flow::open("tiny");
    // The section under the cursor stands there already: global.
    flow.press("2 g a").type_text("extra.mode: fast").press("Enter");
    flow.sees("mode").sees("fast");
    assert!(
        flow.model
            .session
            .text(&flow.file("values-dev.yaml"))
            .unwrap()
            .contains("  extra:\n    mode: fast\n")
    );
    flow.press("Delete");
    assert!(!flow.model.session.text(&flow.file("values-dev.yaml")).unwrap().contains("mode: fast"));
    flow.press("u");
    assert_eq!(flow.notice(), "undid unset global.extra.mode in values-dev.yaml");
}

#[test]
fn a_file_that_changed_on_disk_is_never_overwritten_unasked() {
    for (choice, expected) in [("", "edited"), ("Down", "theirs"), ("Down Down", "both")] {
        let mut flow = Flow::open("tiny");
        flow.press("2 / 'greeting Enter Enter").type_text("edited").press("Enter");
        let theirs = flow.on_disk("values-dev.yaml").replace("hello from dev", "theirs");
        std::fs::write(flow.file("values-dev.yaml"), &theirs).unwrap();
        flow.press("s").wait("the question", |model| !model.open.is_empty());
        assert_eq!(flow.on_disk("values-dev.yaml"), theirs);
        flow.sees("changed on disk");
        if !choice.is_empty() {
            flow.press(choice);
        }
        flow.press("Enter");
        let text = |flow: &Flow| flow.model.session.text(&flow.file("values-dev.yaml")).unwrap().to_string();
        match expected {
            "edited" => {
                flow.wait("save", saved);
                assert!(flow.on_disk("values-dev.yaml").contains("greeting: edited"));
            }
            "theirs" => {
                assert_eq!(text(&flow), theirs);
                flow.press("u");
                assert!(text(&flow).contains("edited"), "the edit is one undo away");
            }
            _ => assert!(text(&flow).contains("<<<<<<< edited here") && text(&flow).contains("theirs")),
        }
    }
}

#[test]
fn a_change_on_disk_below_an_edit_is_told_at_once() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'greeting Enter Enter").type_text("edited").press("Enter");
    let theirs = flow.on_disk("values-dev.yaml") + "more: 1\n";
    std::fs::write(flow.file("values-dev.yaml"), theirs).unwrap();
    flow.reload();
    assert!(flow.notice().contains("values-dev.yaml changed on disk"), "{}", flow.notice());
    assert!(flow.model.session.documents.dirty().all(Document::is_dirty));
}

#[test]
fn a_save_that_fails_says_so_and_keeps_the_text() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'greeting Enter Enter").type_text("edited").press("Enter");
    let chart = flow.mapped().chart;
    std::fs::remove_dir_all(&chart).unwrap();
    std::fs::write(&chart, "a file where the folder was").unwrap();
    let failed =
        |model: &Model| model.session.notices.all().iter().any(|n| n.level == crate::session::Level::Error);
    flow.press("s").wait("the failure", failed);
    assert_eq!(unsaved(&flow), 1);
    flow.sees("values-dev.yaml");
}

#[test]
fn secrets_are_seen_nowhere_but_where_one_types() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chart = folder.path().join("ws/tiny");
    copy(&root.join("tests/fixtures/charts/tiny"), &chart);
    std::fs::write(chart.join("values-dev.yaml"), "password: planted-canary\n").unwrap();
    let mut flow = Flow::on(folder);
    for keys in ["1 j j j j", "2 / 'password Enter", "Tab", "y"] {
        flow.press(keys).misses("planted-canary");
    }
    flow.press("Down Enter");
    for effect in &flow.asked {
        assert!(!format!("{effect:?}").contains("planted-canary"), "{effect:?}");
    }
    assert!(flow.asked.iter().any(|effect| matches!(effect, Effect::Copy { what, .. } if what == "value")));
    flow.press("Esc E").sees("planted-canary").press("Esc").misses("planted-canary");
}

#[test]
fn the_mouse_moves_through_rows_columns_and_text() {
    let mut flow = Flow::open("tiny");
    flow.press("2");
    flow.click("greeting").sees("╭ greeting");
    flow.click(" prod┃");
    assert_eq!(flow.mapped().environment, "prod");
    flow.click("2 Values").click("# two, so").press("Enter").type_text("typed-there").sees("typed-there");
    flow.click("4 Diff");
    assert_eq!(room(&flow), RoomId::Diff);
}

#[test]
fn a_filter_stays_in_its_room_and_esc_clears_it_first() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'replicas Enter").sees("/replicas  1 of");
    flow.press("1").misses("/replicas").press("2").sees("/replicas  1 of");
    flow.press("Esc").misses("/replicas");
    assert_eq!(room(&flow), RoomId::Values);
    flow.press("/");
    flow.act(&Action::Paste("tag\nsecond line".into()));
    flow.press("Enter").sees("/tag  1 of");
}

#[test]
fn an_encrypted_layer_is_named() {
    let mut flow = Flow::open("tiny");
    let sops = "greeting: ENC[AES256_GCM,data:xx]\nsops:\n  mac: x\n  version: 3.9.0\n";
    std::fs::write(flow.file("values-dev.yaml"), sops).unwrap();
    flow.reload();
    flow.press("2").sees("incomplete: values-dev.yaml is").sees("sops");
}

#[test]
fn a_declared_command_that_is_not_run_is_named_and_a_cipher_is_no_wrong_value() {
    let mut flow = Flow::open("tiny");
    let declared = "[charts.tiny.environments.dev]\npost-renderer = [\"patch\", \"--dev\"]\n\
        [charts.tiny.environments.dev.decrypt]\n\"values-dev.yaml\" = [\"sops\", \"-d\"]\n";
    std::fs::write(flow.folder.path().join("ws/floe-tui.toml"), declared).unwrap();
    let sops = "replicas: ENC[AES256_GCM,data:xx,type:int]\nsops:\n  kms: []\n";
    std::fs::write(flow.file("values-dev.yaml"), sops).unwrap();
    flow.reload();
    let view = flow.model.session.environments.iter().find(|view| view.name == "dev").unwrap();
    assert_eq!(
        view.incomplete,
        [
            "values-dev.yaml is decrypted by `sops -d` (floe-tui.toml:4), which is not run here",
            "the post-renderer `patch --dev` (floe-tui.toml:2) changes what helm renders and is not run here",
        ]
    );
    assert!(view.problems.is_empty(), "{:?}", view.problems);
    flow.press("2").sees("incomplete: values-dev.yaml is");
    let request = flow.model.session.plan_request(Verb::Upgrade, None).unwrap();
    assert_eq!(request.chart.unwrap().unreadable.len(), 2);
    let mut other = Flow::open("tiny");
    other.press("2");
    assert!(other.model.session.environments.iter().all(|view| view.incomplete.is_empty()));
}

#[test]
fn an_error_that_is_typed_and_not_saved_is_part_of_the_request_for_a_plan() {
    let mut flow = Flow::open("tiny");
    let (text, path) = (flow.on_disk("values-dev.yaml"), flow.file("values-dev.yaml"));
    let problems = |flow: &Flow| {
        let request = flow.model.session.plan_request(Verb::Upgrade, None).unwrap();
        (request.unsaved.len(), request.unsaved_problems.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(problems(&flow), (0, vec![]));
    let line = text.lines().count() + 1;
    flow.model.session.documents.edit("set", [(path.clone(), format!("{text}replicas: -1\n").into())]);
    assert_eq!(
        problems(&flow),
        (1, vec![format!("tiny/values-dev.yaml:{line} replicas: must be at least 1")])
    );
    flow.model.session.documents.edit("set", [(path, format!("{text}replicas: 4\n").into())]);
    assert_eq!(problems(&flow), (1, vec![]));
}
