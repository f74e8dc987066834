//! The disk beside the program: what was left unsaved, files that go, looks at the disk that come too late.

use super::*;
use crate::session::SaveFailure;

fn log_files(flow: &Flow) -> Vec<String> {
    let folder = flow.folder.path().join("FLOE_TUI_STATE_DIR/recovery");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The same folders in another run of the program.
fn again(flow: Flow) -> Flow {
    flow.runtime.block_on(async {});
    Flow::on(flow.folder)
}

/// Leaves an edit of dev's greeting behind.
fn left_behind(text: &str) -> Flow {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'greeting Enter Enter").type_text(text).press("Enter");
    flow.runtime.block_on(flow.workers.finish());
    again(flow)
}

fn offered(flow: &mut Flow) {
    flow.wait("the offer", |model| !model.open.is_empty()).sees("Take the edits back");
}

#[test]
fn the_log_of_an_earlier_run_goes_when_the_new_one_holds_its_edits() {
    let mut flow = left_behind("kept");
    offered(&mut flow);
    assert!(log_files(&flow).iter().any(|name| name.ends_with("offered.json")), "{:?}", log_files(&flow));
    flow.press("y");
    assert_eq!(flow.model.session.documents.dirty().count(), 1);
    assert_eq!(log_files(&flow).len(), 1, "nothing goes before the new log is there");
    flow.runtime.block_on(flow.workers.finish());
    let names = log_files(&flow);
    assert!(names.len() == 1 && !names[0].ends_with("offered.json"), "{names:?}");
    let folder = flow.folder.path().join("FLOE_TUI_STATE_DIR/recovery");
    assert!(std::fs::read_to_string(folder.join(&names[0])).unwrap().contains("kept"));
}

#[test]
fn what_is_offered_and_not_answered_survives_the_next_run_and_its_edits() {
    let mut flow = left_behind("first");
    offered(&mut flow);
    // The program ends without an answer, after another edit.
    let path = flow.file("values-prod.yaml");
    let text = flow.on_disk("values-prod.yaml") + "replicas: 7\n";
    flow.model.open.clear();
    flow.model.session.documents.edit("set", [(path, text.into())]);
    flow.press("1");
    flow.runtime.block_on(flow.workers.finish());
    let mut flow = again(flow);
    flow.wait("both offers", |model| model.open.len() == 2);
    flow.press("y y");
    let dirty: Vec<String> =
        flow.model.session.documents.dirty().map(|document| document.text.to_string()).collect();
    assert_eq!(dirty.len(), 2);
    assert!(dirty.iter().any(|text| text.contains("first")), "{dirty:?}");
    assert!(dirty.iter().any(|text| text.contains("replicas: 7")), "{dirty:?}");
    flow.runtime.block_on(flow.workers.finish());
    assert_eq!(log_files(&flow).len(), 1);
}

#[test]
fn edits_are_offered_though_the_file_changed_and_saving_asks_which_to_keep() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'greeting Enter Enter").type_text("mine").press("Enter");
    flow.runtime.block_on(flow.workers.finish());
    let (path, text) = (flow.file("values-dev.yaml"), flow.on_disk("values-dev.yaml"));
    std::fs::write(&path, format!("# somebody else was here\n{text}")).unwrap();
    let mut flow = again(flow);
    offered(&mut flow);
    flow.sees("the file changed since").press("y s").sees("changed on disk while it was edited here");
    assert!(
        flow.on_disk("values-dev.yaml").contains("somebody else"),
        "nothing is written before the answer"
    );
    flow.type_text("both").press("Enter");
    let merged = flow.model.session.text(&path).unwrap();
    assert!(merged.contains("mine") && merged.contains("somebody else"), "{merged}");
}

#[test]
fn a_deleted_values_file_is_said_and_its_layer_is_gone() {
    let mut flow = Flow::open("tiny");
    let path = flow.file("values-prod.yaml");
    let greeting = |flow: &Flow| {
        let views = &flow.model.session.environments;
        let prod = views.iter().find(|view| view.name == "prod").unwrap();
        (prod.merged.value["greeting"].as_str().unwrap().to_owned(), prod.merged.layers().len())
    };
    assert_eq!(greeting(&flow).0, "hello from prod");
    std::fs::remove_file(&path).unwrap();
    flow.reload();
    assert_eq!(greeting(&flow), ("hello".to_owned(), 1));
    assert!(flow.notice().contains("values-prod.yaml was deleted on disk"), "{}", flow.notice());
    assert_eq!(flow.model.session.documents.dirty().count(), 0);
    flow.reload();
    let told =
        flow.model.session.notices.all().iter().filter(|n| n.lines.join(" ").contains("deleted")).count();
    assert_eq!(told, 1);
    // One step back, and saving makes it anew.
    flow.model.session.documents.undo(&path).unwrap();
    flow.press("S Enter").wait("save", |model| model.session.documents.dirty().next().is_none());
    assert!(flow.on_disk("values-prod.yaml").contains("hello from prod"));
}

#[test]
fn a_deleted_file_with_edits_keeps_them_and_saving_makes_it_anew() {
    let mut flow = Flow::open("tiny");
    flow.press("2 / 'greeting Enter Enter").type_text("mine").press("Enter");
    std::fs::remove_file(flow.file("values-dev.yaml")).unwrap();
    flow.reload();
    assert!(flow.notice().contains("the edits here are kept"), "{}", flow.notice());
    flow.sees("1 unsaved").press("s").wait("save", |model| model.session.documents.dirty().next().is_none());
    assert!(flow.on_disk("values-dev.yaml").contains("mine"));
}

#[test]
fn a_look_at_the_disk_from_before_a_save_is_dropped_and_made_anew() {
    let mut flow = Flow::open("tiny");
    let path = flow.file("values-dev.yaml");
    flow.press("2 / 'greeting Enter Enter").type_text("mine").press("Enter");
    // Asked for and read before the save, answered after it.
    let Effect::LoadWorkspace { generation, known } = flow.model.session.reload() else { unreachable!() };
    let old = files::read(&flow.model.session.given.root, &known);
    flow.press("s").wait("save", |model| model.session.documents.dirty().next().is_none());
    let text = flow.model.session.text(&path).unwrap();
    let effects = flow.model.hear(&Message::Workspace { generation, result: old });
    assert!(effects.iter().any(|effect| matches!(effect, Effect::LoadWorkspace { .. })), "{effects:?}");
    assert_eq!(flow.model.session.text(&path).unwrap(), text);
    // A save that is still under way is no moment for a look either, however it ends.
    flow.press("Enter").type_text("more").press("Enter");
    let Effect::LoadWorkspace { generation, .. } = flow.model.session.reload() else { unreachable!() };
    flow.press("s");
    assert!(flow.model.session.is_stale(generation));
    let failed = Err(SaveFailure::Failed(crate::base::Error::new("no")));
    let Effect::LoadWorkspace { generation, .. } = flow.model.session.reload() else { unreachable!() };
    flow.hear(Message::Saved { path, text, result: failed });
    assert!(flow.model.session.is_stale(generation));
}
