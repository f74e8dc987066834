//! How the room looks at the sizes that count.

use crate::base::Error;
use crate::cluster::Fault;
use crate::session::{Command, Message};

use super::world::{PROD, Stage, ago, dev_record, web_log};

/// Times of day depend on the zone of the machine.
macro_rules! looks {
    ($name:literal, $picture:expr) => {
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z+0-9-]+", "[time of day]");
        settings.bind(|| insta::assert_snapshot!($name, $picture));
    };
}

#[test]
fn the_list() {
    let mut stage = Stage::usual();
    stage.hear_record("dev", dev_record(4));
    stage.press(Command::Top);
    looks!("list_80x24", stage.picture(80, 24));
    looks!("list_120x40", stage.picture(120, 40));
    looks!("list_200x60", stage.picture(200, 60));
    looks!("list_20x5", stage.picture(20, 5));
}

#[test]
fn the_list_with_a_cluster_that_is_gone() {
    let mut stage = Stage::usual();
    let fault = Fault::Unreachable { server: "https://prod:6443".into(), cause: "connection refused".into() };
    stage.hear_fault(PROD, fault);
    stage.session.now += jiff::SignedDuration::from_secs(300);
    stage.press(Command::Reload);
    stage.press(Command::Top);
    stage.press(Command::Down);
    stage.press(Command::Down);
    looks!("list_unreachable_120x40", stage.picture(120, 40));
}

#[test]
fn the_list_without_a_kubeconfig() {
    let mut stage = Stage::new();
    let tried = vec!["/home/me/.kube/config".into()];
    let error = Error::from(Fault::NoKubeconfig { tried });
    stage.session.contexts.take(ago(1), Err(error));
    stage.enter();
    looks!("list_no_kubeconfig_80x24", stage.picture(80, 24));
}

#[test]
fn a_release_that_crashes() {
    let mut stage = Stage::inside_dev();
    let lines = vec!["starting".to_owned(), "ERROR cannot reach the database".to_owned()];
    stage.hear(Message::LogLines { log: web_log(true), lines, dropped: 0 });
    looks!("overview_80x24", stage.picture(80, 24));
    looks!("overview_120x40", stage.picture(120, 40));
    stage.press(Command::NextView);
    looks!("components_80x24", stage.picture(80, 24));
    looks!("components_120x40", stage.picture(120, 40));
    stage.press(Command::NextView);
    looks!("resources_80x24", stage.picture(80, 24));
    looks!("resources_120x40", stage.picture(120, 40));
    stage.press(Command::RollbackHere);
    looks!("history_80x24", stage.picture(80, 24));
    looks!("history_120x40", stage.picture(120, 40));
    looks!("history_200x60", stage.picture(200, 60));
    stage.press(Command::NextView);
    looks!("values_120x40", stage.picture(120, 40));
    stage.press(Command::NextView);
    stage.press(Command::Filter);
    stage.type_text("kind");
    looks!("manifest_120x40", stage.picture(120, 40));
    stage.press(Command::FilterKeep);
    stage.press(Command::NextView);
    looks!("hooks_120x40", stage.picture(120, 40));
    stage.press(Command::NextView);
    stage.press(Command::NextView);
    looks!("events_120x40", stage.picture(120, 40));
    stage.press(Command::JumpToCause);
    stage.press(Command::JumpToCause);
    looks!("logs_80x24", stage.picture(80, 24));
    stage.press(Command::NextView);
    looks!("notes_80x24", stage.picture(80, 24));
    looks!("notes_20x5", stage.picture(20, 5));
}

#[test]
fn the_jobs_of_a_release() {
    let mut stage = Stage::inside_dev();
    let snapshot = std::sync::Arc::new(super::world::with_jobs());
    stage.hear(Message::Objects { release: super::world::release("dev"), snapshot });
    for _ in 0..7 {
        stage.press(Command::NextView);
    }
    looks!("jobs_80x24", stage.picture(80, 24));
    looks!("jobs_120x40", stage.picture(120, 40));
    looks!("jobs_200x60", stage.picture(200, 60));
}

#[test]
fn a_release_that_is_stuck() {
    let mut stage = Stage::usual();
    stage.select("uat");
    stage.press(Command::Enter);
    stage.press(Command::Down);
    looks!("stuck_80x24", stage.picture(80, 24));
    looks!("stuck_120x40", stage.picture(120, 40));
}

#[test]
fn a_release_whose_record_cannot_be_read() {
    let mut stage = Stage::usual();
    stage.select("prod");
    stage.press(Command::Enter);
    let error = Error::new("not allowed to get secrets in floe-prod").because("secrets is forbidden");
    let message =
        Message::Record { release: super::world::release("prod"), revision: Some(13), result: Err(error) };
    stage.hear(message);
    for _ in 0..4 {
        stage.press(Command::NextView);
    }
    looks!("values_failed_80x24", stage.picture(80, 24));
}
