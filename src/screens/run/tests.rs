//! The Run room by its keys and by its pictures.

mod data;
mod pictures;

use data::*;

use crate::operations::{CheckLevel, JournalKind, Verb};
use crate::screens::Room;
use crate::screens::run::{Run, Screen};
use crate::session::{
    Action, Answer, Ask, Command, Effect, Goto, Message, Place, RoomId, Session, Then, Watch,
};

fn press(room: &mut Run, session: &mut Session, command: Command) -> Vec<Effect> {
    room.update(session, &Action::Command(command))
}

fn planned(effects: &[Effect]) -> (u64, crate::operations::PlanRequest) {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Plan { generation, request } => Some((*generation, (**request).clone())),
            _ => None,
        })
        .unwrap_or_else(|| panic!("no plan asked for: {effects:?}"))
}

/// A room with a finished plan.
fn with_plan(session: &mut Session, plan: crate::operations::Plan) -> Run {
    let mut room = Run::default();
    session.room = RoomId::Run;
    session.goto = Some(Goto::Plan(Box::new(plan.request.clone())));
    let (generation, _) = planned(&room.enter(session));
    session.goto = None;
    room.hear(session, &Message::Planned { generation, result: Ok(plan.into()) });
    room
}

fn asked(session: &mut Session) -> Option<(Ask, Then)> {
    session.overlays.pop().map(|overlay| (overlay.ask, overlay.then))
}

fn last_notice(session: &Session) -> String {
    session.notices.all().last().map(|notice| notice.lines.join(" ")).unwrap_or_default()
}

#[test]
fn only_a_yes_launches_and_only_the_plan_that_was_shown() {
    let mut session = session();
    let mut room = with_plan(&mut session, plan(Verb::Upgrade, false));
    assert!(press(&mut room, &mut session, Command::Confirm).is_empty(), "Enter only asks");
    let (ask, then) = asked(&mut session).unwrap();
    let Ask::Confirm { title, body, deed, typed } = ask else { panic!("not a confirm") };
    assert_eq!(title, "Upgrade floe @ dev");
    assert!(deed.starts_with("Upgrade: "), "{deed}");
    assert!(body.iter().any(|line| line.contains("Deployment floe-web")), "{body:?}");
    assert_eq!((typed, &then), (None, &Then::LaunchPlan));
    // Enter on the dialog is a no, which the frame keeps to itself; nothing was launched.
    assert!(room.update(&mut session, &Action::Answered(then.clone(), Answer::No)).is_empty());

    let launched = room.update(&mut session, &Action::Answered(then.clone(), Answer::Yes));
    assert!(matches!(launched.as_slice(), [Effect::Launch(plan)] if plan.request.verb == Verb::Upgrade));
    assert!(room.update(&mut session, &Action::Answered(then, Answer::Yes)).is_empty(), "once");
}

#[test]
fn a_plan_that_changed_under_its_confirm_is_not_launched() {
    let mut session = session();
    let mut room = with_plan(&mut session, plan(Verb::Upgrade, false));
    press(&mut room, &mut session, Command::Confirm);
    let (_, then) = asked(&mut session).unwrap();
    planned(&press(&mut room, &mut session, Command::PlanAgain));
    assert!(room.update(&mut session, &Action::Answered(then, Answer::Yes)).is_empty());
    assert!(last_notice(&session).contains("look at it again"));
}

#[test]
fn a_protected_target_asks_for_its_name() {
    let mut session = session();
    let mut room = with_plan(&mut session, plan(Verb::Upgrade, true));
    press(&mut room, &mut session, Command::Confirm);
    let (ask, _) = asked(&mut session).unwrap();
    assert!(matches!(ask, Ask::Confirm { typed: Some(words), .. } if words == "floe@dev"));
}

#[test]
fn a_refused_plan_says_why_and_does_not_ask() {
    let mut session = session();
    let mut blocked = plan(Verb::Upgrade, false);
    let words = "values-dev.yaml:12 web.replicas: must be at least 1";
    blocked.checks.insert(0, check(CheckLevel::Blocked, words));
    let mut room = with_plan(&mut session, blocked);
    assert!(press(&mut room, &mut session, Command::Confirm).is_empty());
    assert!(asked(&mut session).is_none());
    assert!(last_notice(&session).contains(words));
}

#[test]
fn a_plan_whose_files_or_release_moved_is_refused() {
    let mut session = session();
    let mut room = with_plan(&mut session, plan(Verb::Upgrade, false));
    assert_eq!(room.planning.stale(&session), None);
    session.world.releases.insert(CONTEXT.to_owned(), releases(4).into());
    let why = room.planning.stale(&session).unwrap();
    assert!(why.contains("revision 4"), "{why}");
    press(&mut room, &mut session, Command::Confirm);
    assert!(asked(&mut session).is_none() && last_notice(&session).contains("revision 4"));

    session.world.releases.clear();
    let file = room.planning.plan.as_ref().unwrap().files[0].0.clone();
    session.documents.loaded(&file, "replicas: 9\n".into(), Some(crate::base::Hash::of("replicas: 9\n")));
    let why = room.planning.stale(&session).unwrap();
    assert!(why.contains("values-dev.yaml changed"), "{why}");
}

#[test]
fn changing_an_option_plans_again_and_an_older_answer_is_dropped() {
    let mut session = session();
    let mut room = with_plan(&mut session, plan(Verb::Upgrade, false));
    // time-out, wait, roll back on failure, tests after
    let (first, request) = planned(&press(&mut room, &mut session, Command::Right));
    assert_eq!(request.options.timeout.as_secs(), 900);
    press(&mut room, &mut session, Command::Down);
    let (second, request) = planned(&press(&mut room, &mut session, Command::Fold));
    assert!(!request.options.wait && second > first);

    let mut old = plan(Verb::Upgrade, false);
    old.request.options.timeout = std::time::Duration::from_mins(15);
    room.hear(&mut session, &Message::Planned { generation: first, result: Ok(old.into()) });
    assert!(room.planning.awaited.is_some(), "still waits for the second");
    press(&mut room, &mut session, Command::Confirm);
    assert!(asked(&mut session).is_none(), "a plan that is worked out is not confirmed");
    let mut new = plan(Verb::Upgrade, false);
    new.request.options.wait = false;
    room.hear(&mut session, &Message::Planned { generation: second, result: Ok(new.into()) });
    assert!(room.planning.awaited.is_none());
    assert!(!room.planning.request.as_ref().unwrap().options.wait);
}

#[test]
fn a_typed_time_out_plans_again_and_nonsense_is_told() {
    let mut session = session();
    let mut room = with_plan(&mut session, plan(Verb::Upgrade, false));
    press(&mut room, &mut session, Command::Fold);
    let (ask, then) = asked(&mut session).unwrap();
    assert!(matches!(ask, Ask::Line { text, .. } if text == "10m00s"));
    let answer = |text: &str| Action::Answered(then.clone(), Answer::Typed(text.to_owned()));
    let (_, request) = planned(&room.update(&mut session, &answer("90s")));
    assert_eq!(request.options.timeout.as_secs(), 90);
    assert!(room.update(&mut session, &answer("soon")).is_empty());
    assert!(last_notice(&session).contains("is no time-out"));
}

#[test]
fn a_way_out_becomes_a_plan() {
    let mut session = session();
    let mut stuck = plan(Verb::Upgrade, false);
    stuck.ways = stuck_ways();
    let mut room = with_plan(&mut session, stuck);
    press(&mut room, &mut session, Command::PaneNext);
    press(&mut room, &mut session, Command::Fold);
    let (ask, then) = asked(&mut session).unwrap();
    let Ask::Choose { choices, .. } = ask else { panic!("no choice") };
    let back = choices.iter().position(|choice| choice.label == "roll back to revision 2").unwrap();
    let (_, request) = planned(&room.update(&mut session, &Action::Answered(then, Answer::Chosen(back))));
    assert_eq!((request.verb, request.revision), (Verb::Rollback, Some(2)));
    assert!(request.chart.is_none());
}

#[test]
fn interrupting_says_what_it_leaves_and_kill_needs_ten_seconds() {
    let mut session = session();
    let mut room = with_running(&mut session, &snapshot());
    let labels = |session: &mut Session| match asked(session) {
        Some((Ask::Choose { choices, .. }, Then::Interrupt(_))) => choices,
        other => panic!("{other:?}"),
    };
    press(&mut room, &mut session, Command::Interrupt);
    let choices = labels(&mut session);
    let names: Vec<&str> = choices.iter().map(|choice| choice.label.as_str()).collect();
    assert_eq!(names, ["keep waiting", "detach", "interrupt"]);
    assert!(choices[2].detail.contains("marks the revision as failed"), "{}", choices[2].detail);

    journal(&mut session, NOW, JournalKind::InterruptAsked { step: 0 });
    session.now = later(9);
    press(&mut room, &mut session, Command::Interrupt);
    assert_eq!(labels(&mut session).len(), 3);
    session.now = later(10);
    press(&mut room, &mut session, Command::Interrupt);
    let choices = labels(&mut session);
    assert_eq!(choices.len(), 4);
    assert_eq!(choices[3].label, "kill");
    assert!(choices[3].detail.contains("pending-upgrade"));
}

#[test]
fn a_running_operation_found_at_start_is_attached_and_watched() {
    let mut session = session();
    let mut room = Run::default();
    let view = running();
    session.world.operations.insert(view.id(), view.clone().into());
    room.hear(&mut session, &Message::Operations(vec![view.clone().into()]));
    assert_eq!(room.screen, Screen::Operation);
    let watches = room.watches(&session);
    assert!(watches.iter().any(|watch| matches!(watch, Watch::Objects { release, ids } if *release == view.spec.release && ids.len() == 3)));
    assert!(
        !watches.iter().any(|watch| matches!(watch, Watch::Log(_))),
        "no logs for a room that is not shown"
    );
}

#[test]
fn the_log_of_the_hook_at_work_is_followed_then_that_of_the_cause() {
    let mut session = session();
    let mut room = with_running(&mut session, &hooks_first());
    let logs = |room: &Run, session: &Session| -> Vec<String> {
        let watches = room.watches(session);
        watches
            .iter()
            .filter_map(|watch| match watch {
                Watch::Log(log) => Some(format!("{}/{}/{}", log.pod, log.container, log.previous)),
                _ => None,
            })
            .collect()
    };
    assert_eq!(logs(&room, &session), ["floe-migrate-x1/migrate/false"]);
    objects(&mut room, &mut session, &crashing());
    assert_eq!(logs(&room, &session), ["floe-web-7c9-a1/web/true"]);
}

#[test]
fn c_jumps_to_the_container_that_the_root_cause_names() {
    let mut session = session();
    let mut room = with_running(&mut session, &crashing());
    press(&mut room, &mut session, Command::RunJump);
    let Some(Goto::Object { object, container, .. }) = session.goto.take() else { panic!("no jump") };
    assert_eq!((object.kind.as_str(), object.name.as_str()), ("Pod", "floe-web-7c9-a1"));
    assert_eq!(container.as_deref(), Some("web"));
}

#[test]
fn what_helm_has_not_sent_yet_is_no_cause_while_it_runs() {
    let mut session = session();
    let room = with_running(&mut session, &missing());
    let live = room.live.as_ref().unwrap();
    assert_eq!(live.cause(&session), None);
    journal(&mut session, NOW, JournalKind::Ended { code: Some(1), signal: None });
    assert!(live.cause(&session).is_some_and(|cause| cause.reason.contains("does not exist")));
}

#[test]
fn the_result_is_marked_as_seen_once_and_only_where_it_is_seen() {
    let mut session = session();
    let mut room = with_running(&mut session, &snapshot());
    session.room = RoomId::Values;
    journal(&mut session, NOW, JournalKind::Ended { code: Some(0), signal: None });
    let view = session.world.operations.values().next().unwrap().clone();
    assert!(room.hear(&mut session, &Message::Operation(view.clone())).is_empty());
    assert!(last_notice(&session).contains("Upgrade floe @ dev"), "its end is told elsewhere");
    session.room = RoomId::Run;
    let seen = room.enter(&mut session);
    assert!(matches!(seen.as_slice(), [Effect::MarkSeen(id)] if *id == view.id()));
    assert!(room.enter(&mut session).is_empty());
}

#[test]
fn after_the_end_enter_offers_what_is_next_and_plans_it() {
    let mut session = session();
    let mut room = with_running(&mut session, &crashing());
    journal(&mut session, NOW, JournalKind::Ended { code: Some(1), signal: None });
    press(&mut room, &mut session, Command::Enter);
    let Some((Ask::Choose { title, choices }, then)) = asked(&mut session) else { panic!("no question") };
    assert!(title.contains("what next?"));
    let row = choices.iter().position(|choice| choice.label == "roll back to revision 3").unwrap();
    let (_, request) = planned(&room.update(&mut session, &Action::Answered(then, Answer::Chosen(row))));
    assert_eq!((request.verb, request.revision), (Verb::Rollback, Some(3)));
    assert_eq!(request.release.release, "floe");
    assert_eq!(room.screen, Screen::Plan);
}

#[test]
fn t_plans_the_tests_of_the_operation_and_not_of_the_selection() {
    let mut session = session();
    let mut room = with_running(&mut session, &snapshot());
    let (_, request) = planned(&press(&mut room, &mut session, Command::RunTests));
    assert_eq!((request.verb, request.release.context.as_str()), (Verb::Test, CONTEXT));
    assert!(request.protected, "an environment that is not known here is taken for protected");
}

#[test]
fn a_launch_that_was_refused_leaves_the_plan_with_the_reason() {
    let mut session = session();
    let mut room = with_plan(&mut session, plan(Verb::Upgrade, false));
    press(&mut room, &mut session, Command::Confirm);
    let (_, then) = asked(&mut session).unwrap();
    room.update(&mut session, &Action::Answered(then, Answer::Yes));
    assert!(room.is_working(&session));
    let error = crate::base::Error::new("nothing was started: the release moved on");
    room.hear(&mut session, &Message::Launched(Err(error)));
    assert!(!room.is_working(&session) && room.screen == Screen::Plan);
    assert!(room.planning.refused.is_some());
    assert!(session.copyable.iter().any(|(_, text)| text.contains("moved on")));
}

#[test]
fn a_filter_takes_text_and_its_end_gives_the_keys_back() {
    let mut session = session();
    let mut room = with_running(&mut session, &snapshot());
    press(&mut room, &mut session, Command::Filter);
    assert_eq!(room.places(&session), [Place::Filter]);
    for c in "web".chars() {
        let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char(c));
        room.update(&mut session, &Action::Text(key));
    }
    press(&mut room, &mut session, Command::FilterKeep);
    let screen = draw(&mut room, &session, 100, 24);
    assert!(screen.contains("deploy") && !screen.contains("floe-db"), "{screen}");
    press(&mut room, &mut session, Command::Back);
    assert!(draw(&mut room, &session, 100, 24).contains("floe-db"));
}

#[test]
fn the_operations_are_filtered_and_enter_opens_the_one_that_is_seen() {
    let mut session = session();
    let mut room = Run::default();
    session.room = RoomId::Run;
    let upgrade = running();
    let mut test = running();
    test.spec.id = crate::operations::OperationId::parse(&format!("{}z", test.spec.id.as_str())).unwrap();
    test.spec.verb = Verb::Test;
    for view in [&upgrade, &test] {
        session.world.operations.insert(view.id(), view.clone().into());
    }
    press(&mut room, &mut session, Command::Filter);
    assert_eq!(room.places(&session), [Place::Filter]);
    room.update(&mut session, &Action::Paste("upgrade".to_owned()));
    press(&mut room, &mut session, Command::FilterKeep);
    let screen = draw(&mut room, &session, 100, 24);
    assert!(screen.contains("/upgrade  1 of 2") && !screen.contains("Test"), "{screen}");
    press(&mut room, &mut session, Command::Enter);
    assert_eq!(room.live.as_ref().map(|live| live.id.clone()), Some(upgrade.id()));
    press(&mut room, &mut session, Command::Back);
    press(&mut room, &mut session, Command::Back);
    assert!(room.past.filter.is_empty(), "Esc clears it first");
}

#[test]
fn an_uninstall_counts_what_is_gone() {
    let mut session = session();
    let mut room = Run::default();
    session.room = RoomId::Run;
    let mut view = running();
    view.spec.verb = Verb::Uninstall;
    view.spec.steps[0].verb = Verb::Uninstall;
    session.world.operations.insert(view.id(), view.clone().into());
    room.hear(&mut session, &Message::Operations(vec![view.into()]));
    objects(&mut room, &mut session, &missing());
    let screen = draw(&mut room, &session, 100, 24);
    assert!(screen.contains("2 of 2 gone") && screen.contains("all its objects are gone"), "{screen}");
    assert!(!screen.contains("missing"), "{screen}");
    objects(&mut room, &mut session, &snapshot());
    let screen = draw(&mut room, &session, 100, 24);
    assert!(
        screen.contains("still there: Deployment floe-web") || screen.contains("still there: ConfigMap"),
        "{screen}"
    );
}

#[test]
fn a_click_gives_the_focus_and_the_cursor_and_never_confirms() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut session = session();
    let mut room = with_running(&mut session, &snapshot());
    draw(&mut room, &session, 120, 37);
    let click = |column, row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
    };
    // The panes begin in line 3, below are the border and the column heads.
    room.update(&mut session, &click(5, 5));
    assert_eq!(room.live.as_ref().unwrap().selected_row(&session).unwrap().name, "floe-web");
    room.update(&mut session, &click(100, 8));
    assert_eq!(room.live.as_ref().unwrap().focus, crate::screens::run::live::Focus::Output);

    let mut room = with_plan(&mut session, plan(Verb::Upgrade, false));
    draw(&mut room, &session, 120, 37);
    for row in 0..37 {
        assert!(room.update(&mut session, &click(10, row)).is_empty());
        assert!(session.overlays.is_empty());
    }
}
