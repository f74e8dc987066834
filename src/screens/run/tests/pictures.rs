//! The room as it looks, at three sizes. Look at them before accepting a change. Heights are what the frame leaves.

use insta::assert_snapshot;

use super::data::*;
use super::{press, with_plan};
use crate::operations::{CheckLevel, JournalKind, Stream, Verb};
use crate::screens::Room as _;
use crate::screens::run::Run;
use crate::session::{Command, LogRef, Message, RoomId, Session};
use crate::ui::test::with_styles;

const SIZES: [(u16, u16); 3] = [(80, 21), (120, 37), (200, 57)];

fn pictures(name: &str, room: &mut Run, session: &Session) {
    // Dates in details stand in the zone of the machine.
    let zone = jiff::tz::TimeZone::system();
    let offset = zone.to_datetime(at(NOW)).to_string();
    for (width, height) in SIZES {
        let shown = with_styles(&buffer(room, session, width, height));
        if offset.ends_with("11:00:00") {
            assert_snapshot!(format!("{name}_{width}x{height}"), shown);
        }
    }
}

#[test]
fn plan_of_an_upgrade() {
    let mut session = session();
    let mut room = with_plan(&mut session, plan(Verb::Upgrade, false));
    pictures("plan", &mut room, &session);
}

#[test]
fn plan_of_a_protected_target_that_is_refused() {
    let mut session = session();
    let mut blocked = plan(Verb::Upgrade, true);
    let mut words =
        check(CheckLevel::Blocked, "revision 3 is pending-upgrade: an operation is at work or was cut off");
    words.next =
        Some("wait if a helm may still be at work, otherwise roll back; see the ways out".to_owned());
    blocked.checks.insert(0, words);
    blocked.ways = stuck_ways();
    let mut room = with_plan(&mut session, blocked);
    press(&mut room, &mut session, Command::PaneNext);
    pictures("plan_refused", &mut room, &session);
}

#[test]
fn changes_of_a_plan() {
    let mut session = session();
    let mut room = with_plan(&mut session, plan(Verb::Upgrade, false));
    press(&mut room, &mut session, Command::NextHunk);
    pictures("plan_changes", &mut room, &session);
}

#[test]
fn an_upgrade_at_work() {
    let mut session = session();
    let mut room = with_running(&mut session, &snapshot());
    pictures("running", &mut room, &session);
}

#[test]
fn an_upgrade_that_crashes() {
    let mut session = session();
    let mut room = with_running(&mut session, &crashing());
    let log = LogRef {
        context: CONTEXT.to_owned(),
        namespace: "floe-dev".to_owned(),
        pod: "floe-web-7c9-a1".to_owned(),
        container: "web".to_owned(),
        previous: true,
    };
    let lines = ["starting web 1.5", "connecting to floe-db:5432", "KeyError: 'FLOE_TOKEN'"]
        .map(str::to_owned)
        .to_vec();
    session.world.log_lines(log.clone(), lines.clone(), 0);
    room.hear(&mut session, &Message::LogLines { log, lines, dropped: 0 });
    pictures("crashing", &mut room, &session);
}

#[test]
fn an_upgrade_that_failed() {
    let mut session = session();
    let mut room = with_running(&mut session, &crashing());
    let line = "Error: UPGRADE FAILED: context deadline exceeded".to_owned();
    journal(&mut session, NOW, JournalKind::Output { step: 0, stream: Stream::Stderr, line });
    journal(&mut session, NOW, JournalKind::StepEnded { step: 0, code: Some(1), signal: None });
    journal(&mut session, NOW, JournalKind::Ended { code: Some(1), signal: None });
    session.now = later(20);
    let view = session.world.operations.values().next().unwrap().clone();
    room.hear(&mut session, &Message::Operation(view));
    pictures("failed", &mut room, &session);
}

#[test]
fn what_was_run_before() {
    let mut session = session();
    let mut room = with_running(&mut session, &snapshot());
    let mut old = running();
    old.spec.id = crate::operations::OperationId::parse("20261121T090000000-install-floe-77aa").unwrap();
    old.spec.verb = Verb::Install;
    old.spec.steps[0].verb = Verb::Install;
    old.end(at("2026-11-21T10:59:30Z"), Some(0), None);
    old.seen = true;
    session.world.operations.insert(old.id(), old.into());
    let mut failed = running();
    failed.spec.id = crate::operations::OperationId::parse("20261121T100000000-upgrade-floe-11bb").unwrap();
    failed.end(at("2026-11-21T10:59:40Z"), Some(1), None);
    session.world.operations.insert(failed.id(), failed.into());
    press(&mut room, &mut session, Command::Back);
    pictures("past", &mut room, &session);
}

#[test]
fn nothing_was_run_yet() {
    let mut session = session();
    session.room = RoomId::Run;
    pictures("empty", &mut Run::default(), &session);
}

#[test]
fn no_size_breaks_it() {
    let mut session = session();
    let mut live = with_running(&mut session, &crashing());
    let mut other = super::data::session();
    let mut planning = with_plan(&mut other, plan(Verb::Upgrade, true));
    for (width, height) in [(1, 1), (7, 2), (20, 5), (40, 9), (109, 18), (111, 12), (300, 100)] {
        buffer(&mut live, &session, width, height);
        buffer(&mut planning, &other, width, height);
    }
}
