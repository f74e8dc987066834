//! What keys and answers do.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::cluster::Fault;
use crate::helm::record::Status;
use crate::operations::Verb;
use crate::screens::Room;
use crate::session::{
    Action, Answer, Ask, Command, Effect, Goto, Message, Place, ReleaseRef, Setting, Side, Then, Watch,
};

use super::world::{DEV, NONPROD, PROD, Stage, dev_record, release, web_log};

/// The first words of the rows on the screen, in order: state and release.
fn order(stage: &mut Stage) -> Vec<String> {
    let screen = stage.screen();
    let rows = screen.lines().skip(2).take_while(|line| !line.contains('╰') && !line.contains('┗'));
    rows.map(|line| line.trim_matches(['┃', '│', ' ', '▌']).to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn the_worst_stands_first_and_targets_without_a_release_are_rows() {
    let mut stage = Stage::usual();
    stage.hear_releases(PROD, &[("ingress", "nginx", &[(3, Status::Deployed, 2_000_000)])]);
    stage.press(Command::Reload);
    let rows = order(&mut stage);
    let starts = ["✗ failed", "▲ stuck", "● deployed", "● deployed", "● deployed", "○ not installed"];
    assert_eq!(rows.len(), 6, "{rows:#?}");
    for (row, start) in rows.iter().zip(starts) {
        assert!(row.starts_with(start), "{row} should start with {start}");
    }
    assert!(rows[0].contains("qa") && rows[1].contains("uat") && rows[2].contains("dev"));
    assert!(rows[5].contains("prod"));
}

#[test]
fn rows_never_move_under_the_cursor() {
    let mut stage = Stage::usual();
    stage.press(Command::Top);
    let before = order(&mut stage);
    assert!(!stage.screen().contains("order changed"), "loading is no change of order");
    stage.hear_releases(
        NONPROD,
        &[
            ("floe-dev", "floe", &[(5, Status::Failed, 1)]),
            ("floe-qa", "floe", &[(3, Status::Deployed, 1)]),
            ("floe-uat", "floe", &[(3, Status::Deployed, 1)]),
            ("monitoring", "prometheus", &[(7, Status::Deployed, 400_000)]),
        ],
    );
    let environments = |rows: &[String]| -> Vec<String> {
        let cells = rows.iter().filter_map(|row| row.split_whitespace().nth(3).map(str::to_owned));
        cells.collect()
    };
    let after = order(&mut stage);
    assert_eq!(environments(&before), environments(&after));
    assert!(stage.screen().contains("order changed, r"));
    assert_eq!(stage.session.environment().unwrap().name, "qa", "the cursor's row stays selected");
    stage.press(Command::Reload);
    assert!(order(&mut stage)[0].contains("dev"), "the new order, when it is asked for");
    assert!(!stage.screen().contains("order changed"));
    assert_eq!(stage.session.environment().unwrap().name, "qa");
}

#[test]
fn the_header_follows_the_cursor_and_the_cursor_follows_the_header() {
    let mut stage = Stage::usual();
    stage.press(Command::Bottom);
    let nginx = ReleaseRef { context: PROD.into(), namespace: "ingress".into(), release: "nginx".into() };
    assert_eq!(stage.session.selection.foreign, Some(nginx.clone()));
    assert_eq!(stage.session.release(), Some(nginx));
    stage.press(Command::Top);
    assert_eq!(stage.session.release(), Some(release("qa")));
    assert!(stage.session.copyable.iter().any(|(label, _)| label == "helm command"));
    stage.select("prod");
    stage.press(Command::Enter);
    assert_eq!(stage.session.release(), Some(release("prod")));
    assert!(stage.screen().contains("floe @ prod"), "{}", stage.screen());
}

#[test]
fn a_filter_knows_fields_and_says_how_many() {
    let mut stage = Stage::usual();
    stage.press(Command::Filter);
    assert_eq!(stage.room.places(&stage.session), [Place::Filter]);
    stage.type_text("env:prod !nginx");
    assert_eq!(order(&mut stage).len(), 1);
    stage.press(Command::FilterKeep);
    assert!(stage.screen().contains("1 of 6"));
    assert_eq!(stage.session.environment().unwrap().name, "prod");
    stage.press(Command::Back);
    assert_eq!(order(&mut stage).len(), 6);
    for (typed, rows) in
        [("env:qa", 1), ("ns:floe-", 4), ("ctx:nonprod", 4), ("status:pending", 1), ("status:deployed", 4)]
    {
        stage.press(Command::Filter);
        stage.type_text(typed);
        assert_eq!(order(&mut stage).len(), rows, "{typed}");
        stage.press(Command::FilterClear);
    }
}

#[test]
fn a_cluster_that_goes_away_leaves_its_rows_with_their_age() {
    let mut stage = Stage::usual();
    stage.session.now += jiff::SignedDuration::from_secs(180);
    let fault = Fault::Unreachable { server: "https://prod:6443".into(), cause: "connection refused".into() };
    stage.hear_fault(PROD, fault);
    stage.session.now += jiff::SignedDuration::from_secs(240);
    stage.press(Command::Reload);
    let screen = stage.screen();
    assert!(screen.contains("✗ unreachable"), "{screen}");
    assert!(screen.contains("connection refused"), "{screen}");
    let nginx = screen.lines().find(|line| line.contains("nginx")).unwrap();
    assert!(nginx.contains("as of 4m ago"), "{nginx}");
    stage.hear_releases(PROD, &[("ingress", "nginx", &[(4, Status::Deployed, 0)])]);
    assert!(!stage.screen().contains("as of") && !stage.screen().contains("unreachable"));
}

#[test]
fn a_cluster_that_never_answered_says_why_on_each_of_its_rows() {
    let mut stage = Stage::new();
    let cause = "secrets is forbidden".to_owned();
    stage.hear_fault(PROD, Fault::NeedsLogin { command: Some("kubelogin".into()), cause });
    let rows = order(&mut stage);
    let prod: Vec<&String> = rows.iter().filter(|row| row.contains(" prod-deployer ")).collect();
    assert_eq!(prod.len(), 2, "{rows:#?}");
    assert!(prod.iter().all(|row| row.contains("needs login")), "{prod:#?}");
}

#[test]
fn only_payloads_that_are_needed_are_asked_for_and_each_once() {
    let mut stage = Stage::usual();
    let mut asked = stage.asked();
    asked.sort();
    let wanted: Vec<(ReleaseRef, Option<u32>)> =
        [("dev", 4), ("qa", 2), ("uat", 2), ("prod", 13)].map(|(e, r)| (release(e), Some(r))).to_vec();
    assert_eq!(asked, wanted, "mapped targets only, the last revision of each");
    stage.press(Command::Bottom);
    assert_eq!(stage.asked().len(), 1, "the selected row's");
    stage.press(Command::Up);
    stage.press(Command::Down);
    assert!(stage.asked().len() <= 1);
    // The record was written again: read it again.
    stage.hear_releases(NONPROD, &[("floe-qa", "floe", &[(2, Status::Deployed, 1)])]);
    assert_eq!(stage.asked(), [(release("qa"), Some(2))]);
}

#[test]
fn every_mapped_context_is_watched_with_its_namespaces_and_the_objects_of_the_selected_release() {
    let mut stage = Stage::usual();
    stage.select("dev");
    let watches = stage.room.watches(&stage.session);
    let namespaces = ["floe-dev", "floe-qa", "floe-uat"].map(str::to_owned).to_vec();
    assert!(watches.contains(&Watch::Releases { context: NONPROD.to_owned(), namespaces }), "{watches:?}");
    assert!(!watches.iter().any(|watch| matches!(watch, Watch::Objects { .. })), "no record was read yet");
    stage.hear_record("dev", dev_record(4));
    let watches = stage.room.watches(&stage.session);
    let ids = watches.iter().find_map(|watch| match watch {
        Watch::Objects { release: of, ids } if *of == release("dev") => Some(ids.clone()),
        _ => None,
    });
    let ids = ids.unwrap();
    let hooks: Vec<bool> = ids.iter().map(|wanted| wanted.hook).collect();
    assert_eq!(hooks, [false, false, false, true, true], "three objects, a hook and a test");
}

#[test]
fn what_is_not_applied_is_marked() {
    let mut stage = Stage::usual();
    stage.hear_record("dev", dev_record(4));
    let row = order(&mut stage).into_iter().find(|row| row.contains(" dev ")).unwrap();
    assert!(row.contains("1 value"), "{row}");
    let mut same = dev_record(4);
    same.config["web"]["replicas"] = 2.into();
    stage.hear_releases(NONPROD, &[("floe-dev", "floe", &[(5, Status::Deployed, 0)])]);
    same.revision = 5;
    stage.hear_record("dev", same);
    let row = order(&mut stage).into_iter().find(|row| row.contains(" dev ")).unwrap();
    assert!(row.contains("same"), "{row}");
}

#[test]
fn the_rollback_cursor_is_on_the_last_good_one() {
    let mut stage = Stage::inside_dev();
    stage.press(Command::RollbackHere);
    let screen = stage.screen();
    let row = screen.lines().find(|line| line.contains('▌')).unwrap();
    assert!(row.contains("3 ‖ superseded"), "{row}");
    stage.press(Command::RollbackHere);
    let Some(Goto::Plan(request)) = stage.session.goto.take() else {
        panic!("a plan: {:?}", stage.session.goto)
    };
    assert_eq!((request.verb, request.revision), (Verb::Rollback, Some(3)));
    assert_eq!(request.release, release("dev"));
    // What is deployed, when something newer failed.
    stage.session.goto = Some(Goto::Release { release: release("qa"), history: true });
    stage.enter();
    stage.press(Command::RollbackHere);
    let Some(Goto::Plan(request)) = stage.session.goto.take() else { panic!("a plan") };
    assert_eq!((request.release, request.revision), (release("qa"), Some(1)));
}

#[test]
fn the_history_diffs_against_the_deployed_one_and_never_goes_back_to_it() {
    let mut stage = Stage::inside_dev();
    stage.press(Command::RollbackHere);
    stage.press(Command::DiffRevision);
    let diff = Goto::Diff { left: Side::Deployed, right: Side::Revision(3) };
    assert_eq!(stage.session.goto.take(), Some(diff));
    stage.press(Command::Top);
    stage.press(Command::Enter);
    stage.press(Command::RollbackHere);
    assert_eq!(stage.session.goto, None, "revision 4 is the deployed one");
    let said: Vec<String> = stage.session.notices.all().iter().flat_map(|n| n.lines.clone()).collect();
    assert!(said.iter().any(|line| line.contains("revision 4 is what runs")), "{said:?}");
    let screen = stage.screen();
    assert!(screen.contains("1 object, 1 value"), "{screen}");
}

#[test]
fn the_history_asks_for_the_records_of_all_kept_revisions() {
    let mut stage = Stage::usual();
    stage.select("dev");
    stage.press(Command::Enter);
    stage.asked();
    stage.press(Command::RollbackHere);
    let mut asked = stage.asked();
    asked.sort();
    let wanted: Vec<_> = [1, 2, 3].map(|revision| (release("dev"), Some(revision))).to_vec();
    assert_eq!(asked, wanted, "the fourth is known from the list");
    assert_eq!(DEV.len(), 4);
}

#[test]
fn nothing_is_planned_when_read_only() {
    let mut stage = Stage::inside_dev();
    stage.session.given.read_only = true;
    stage.press(Command::RollbackHere);
    stage.press(Command::RollbackHere);
    assert_eq!(stage.session.goto, None);
}

#[test]
fn a_stuck_release_offers_the_ways_out() {
    let mut stage = Stage::usual();
    stage.select("uat");
    stage.press(Command::Enter);
    let screen = stage.screen();
    assert!(screen.contains("The ways out, safest first"), "{screen}");
    assert!(screen.contains("older than the time-out"), "{screen}");
    stage.press(Command::Enter);
    assert_eq!(stage.session.goto, None, "the first way is to wait");
    stage.press(Command::Down);
    stage.press(Command::Enter);
    let Some(Goto::Plan(request)) = stage.session.goto.take() else { panic!("a plan") };
    assert_eq!((request.verb, request.revision), (Verb::Rollback, Some(1)));
    assert_eq!(request.release, release("uat"));
}

#[test]
fn the_cause_leads_to_the_container_and_on_to_its_log() {
    let mut stage = Stage::inside_dev();
    assert!(stage.room.watches(&stage.session).contains(&Watch::Log(web_log(true))), "for its last words");
    let lines = vec!["starting".to_owned(), "ERROR no database, password: hunter2".to_owned()];
    stage.hear(Message::LogLines { log: web_log(true), lines, dropped: 0 });
    let screen = stage.screen();
    assert!(screen.contains("last words: ERROR no database"), "{screen}");
    assert!(!screen.contains("hunter2"), "{screen}");
    stage.press(Command::JumpToCause);
    let screen = stage.screen();
    let row = screen.lines().find(|line| line.contains('▌')).unwrap();
    assert!(row.contains("container web"), "{row}");
    stage.press(Command::JumpToCause);
    assert!(stage.screen().contains("ERROR no database"));
    stage.press(Command::PreviousLogs);
    assert!(stage.room.watches(&stage.session).contains(&Watch::Log(web_log(false))));
}

#[test]
fn a_pod_with_several_containers_asks_which_log() {
    let mut stage = Stage::inside_dev();
    stage.press(Command::NextView);
    stage.press(Command::NextView);
    stage.press(Command::Top);
    stage.press(Command::ShowLogs);
    let overlay = stage.session.overlays.pop().unwrap();
    let Ask::Choose { choices, .. } = overlay.ask else { panic!("a choice") };
    let labels: Vec<&str> = choices.iter().map(|choice| choice.label.as_str()).collect();
    assert_eq!(labels, ["web (previous)", "proxy"], "the one with the problem first");
    let answer = Action::Answered(overlay.then, Answer::Chosen(1));
    stage.room.update(&mut stage.session, &answer);
    let proxy = crate::session::LogRef { container: "proxy".to_owned(), ..web_log(false) };
    assert!(stage.room.watches(&stage.session).contains(&Watch::Log(proxy)));
}

#[test]
fn a_log_pauses_when_it_is_read_and_counts_what_comes() {
    let mut stage = Stage::inside_dev();
    stage.press(Command::JumpToCause);
    stage.press(Command::JumpToCause);
    let lines = |from: usize, to: usize| (from..to).map(|n| format!("line {n}")).collect::<Vec<_>>();
    stage.hear(Message::LogLines { log: web_log(true), lines: lines(0, 100), dropped: 0 });
    let screen = stage.screen();
    assert!(screen.contains("line 99") && screen.contains("following"), "{screen}");
    stage.press(Command::PageUp);
    stage.hear(Message::LogLines { log: web_log(true), lines: lines(100, 314), dropped: 0 });
    let screen = stage.screen();
    assert!(screen.contains("paused, 214 new") && !screen.contains("┃line 313"), "{screen}");
    stage.press(Command::Bottom);
    assert!(stage.screen().contains("┃line 313"));
}

#[test]
fn secrets_and_escapes_never_reach_the_screen() {
    let mut stage = Stage::inside_dev();
    for _ in 0..10 {
        let screen = stage.screen();
        assert!(!screen.contains("hunter2"), "{screen}");
        assert!(!screen.contains('\u{1b}'));
        let copied: String = stage.session.copyable.iter().map(|(_, text)| text.as_str()).collect();
        assert!(!copied.contains("hunter2") && !copied.contains('\u{1b}'), "{copied}");
        stage.press(Command::NextView);
    }
    assert!(stage.screen().contains("Overview"));
}

#[test]
fn a_jump_from_elsewhere_opens_the_object() {
    let mut stage = Stage::usual();
    let object = crate::manifest::ObjectId {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: Some("floe-dev".to_owned()),
        name: "floe-web-7c9-x2k".to_owned(),
    };
    let goto = Goto::Object { release: release("dev"), object, container: None };
    stage.session.goto = Some(goto);
    stage.enter();
    assert_eq!(stage.session.release(), Some(release("dev")));
    stage.hear_record("dev", dev_record(4));
    let snapshot = std::sync::Arc::new(super::world::crashing());
    stage.hear(Message::Objects { release: release("dev"), snapshot });
    let screen = stage.screen();
    let row = screen.lines().find(|line| line.contains('▌')).unwrap();
    assert!(row.contains("Pod floe-web-7c9-x2k"), "{screen}");
}

#[test]
fn esc_leaves_and_the_same_release_comes_back_as_it_was() {
    let mut stage = Stage::inside_dev();
    stage.press(Command::NextView);
    stage.press(Command::NextView);
    assert_eq!(stage.room.places(&stage.session), [Place::Release, Place::Pane]);
    stage.press(Command::Back);
    assert_eq!(stage.room.places(&stage.session), [Place::Releases, Place::Pane]);
    stage.press(Command::Enter);
    assert!(stage.screen().contains("ReplicaSet"), "resources, as before");
}

#[test]
fn without_a_mapping_contexts_are_chosen_and_only_then_asked() {
    let mut stage = Stage::new();
    let empty = crate::workspace::discover(tempfile::tempdir().unwrap().path()).unwrap();
    stage.session.workspace.take(stage.session.now, Ok(std::sync::Arc::new(empty)));
    stage.session.selection = crate::session::Selection::default();
    stage.enter();
    assert!(stage.room.watches(&stage.session).is_empty());
    stage.press(Command::Enter);
    let overlay = stage.session.overlays.pop().unwrap();
    assert!(matches!((&overlay.ask, &overlay.then), (Ask::Mark { .. }, Then::Room(_))));
    let answer = Action::Answered(overlay.then, Answer::Marked(vec![1]));
    stage.room.update(&mut stage.session, &answer);
    let wanted = Watch::Releases { context: PROD.to_owned(), namespaces: Vec::new() };
    assert_eq!(stage.room.watches(&stage.session), [wanted]);
}

#[test]
fn refreshing_reads_everything_again_when_no_order_waits() {
    let mut stage = Stage::usual();
    stage.asked();
    stage.press(Command::Reload);
    assert!(stage.effects.iter().any(|effect| matches!(effect, Effect::LoadContexts)));
    assert!(!stage.asked().is_empty(), "records are read again");
}

#[test]
fn choosing_another_target_opens_that_one_at_the_same_view() {
    let mut stage = Stage::inside_dev();
    stage.press(Command::RollbackHere);
    stage.select("qa");
    let screen = stage.screen();
    assert!(screen.contains("floe @ qa") && screen.contains("against deployed"), "{screen}");
    stage.hear_releases(PROD, &[]);
    stage.select("prod");
    assert_eq!(stage.room.places(&stage.session), [Place::Releases, Place::Pane], "prod is not installed");
}

#[test]
fn on_the_row_of_a_cluster_the_header_names_a_target_on_it() {
    let mut stage = Stage::usual();
    stage.hear_fault(PROD, Fault::NeedsLogin { command: None, cause: "expired".into() });
    stage.press(Command::Filter);
    stage.type_text("release:(cluster)");
    stage.press(Command::FilterKeep);
    assert!(order(&mut stage)[0].contains("(cluster)"));
    assert_eq!(stage.session.release(), Some(release("prod")), "L logs in there");
}

#[test]
fn namespaces_that_may_not_be_listed_are_said() {
    let mut stage = Stage::usual();
    let forbidden = Fault::Forbidden { doing: "list secrets".into(), cause: "no".into() };
    let snapshot = crate::cluster::releases::ReleasesSnapshot {
        state: crate::cluster::objects::WatchState::Live,
        partial: true,
        unseen: vec![
            crate::cluster::releases::Unseen { namespace: None, fault: forbidden.clone() },
            crate::cluster::releases::Unseen { namespace: Some("floe-qa".into()), fault: forbidden },
        ],
        ..crate::cluster::releases::ReleasesSnapshot::default()
    };
    stage.press(Command::Reload);
    stage.hear(Message::Releases { context: NONPROD.into(), snapshot: std::sync::Arc::new(snapshot) });
    stage.press(Command::Reload);
    let screen = stage.screen();
    let row =
        |name: &str| screen.lines().find(|line| line.contains(&format!(" {name} "))).unwrap().to_owned();
    assert!(row("qa").contains("forbidden"), "{screen}");
    assert!(row("dev").contains("not installed"), "{screen}");
    assert!(screen.contains("mapped namespaces only: nonprod-deployer"), "{screen}");
}

#[test]
fn inside_a_release_the_mouse_chooses_views_and_rows() {
    let mut stage = Stage::inside_dev();
    let at = |stage: &mut Stage, text: &str| {
        let screen = stage.screen();
        let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains(text)).unwrap();
        let column = line.split(text).next().unwrap().chars().count();
        (u16::try_from(column).unwrap(), u16::try_from(row).unwrap())
    };
    let click = |stage: &mut Stage, (column, row): (u16, u16)| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        stage.act(&Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    };
    let tab = at(&mut stage, "History");
    click(&mut stage, tab);
    assert!(stage.screen().contains("diff against the deployed one"), "{}", stage.screen());
    let tab = at(&mut stage, "Resources");
    click(&mut stage, tab);
    let before = stage.screen();
    let row = at(&mut stage, "▾");
    click(&mut stage, row);
    assert_ne!(stage.screen(), before, "a click on the row that has the cursor folds it");
}

#[test]
fn ticked_contexts_are_remembered() {
    let mut stage = Stage::usual();
    stage.press(Command::AskContexts);
    let ask = stage.session.overlays.pop().unwrap();
    stage.act(&Action::Answered(ask.then, Answer::Marked(vec![1])));
    assert!(stage.session.ticked.contains(PROD));
    let kept = stage.effects.iter().any(
        |effect| matches!(effect, Effect::Remember(Setting::Ticked(all)) if all.contains(PROD) && all.len() == 1),
    );
    assert!(kept, "{:?}", stage.effects);
}

/// Enter on a schedule shows the log of its newest run, which failed and whose pod is kept.
#[test]
fn the_log_of_the_last_run_is_one_key_away() {
    let mut stage = Stage::inside_dev();
    let snapshot = std::sync::Arc::new(super::world::with_jobs());
    stage.hear(Message::Objects { release: release("dev"), snapshot });
    for _ in 0..7 {
        stage.press(Command::NextView);
    }
    let screen = stage.screen();
    assert!(screen.contains("floe-nightly-3") && screen.contains("failed"), "{screen}");
    // Closed, the schedule still says how its last runs went.
    let row =
        |screen: &str| screen.lines().find(|line| line.contains("0 6 * * *")).unwrap_or_default().to_owned();
    stage.press(Command::Top);
    while !stage.screen().lines().any(|line| line.contains('▌') && line.contains("0 6 * * *")) {
        stage.press(Command::Down);
    }
    stage.press(Command::Fold);
    let screen = stage.screen();
    assert!(!screen.contains("floe-nightly-2") && row(&screen).contains("✗●●"), "{screen}");
    stage.press(Command::Enter);
    let screen = stage.screen();
    assert!(screen.contains("floe-nightly-3-x1"), "{screen}");
}

#[test]
fn the_history_tells_what_was_watched_and_what_was_refused() {
    let mut stage = Stage::usual();
    stage.select("dev");
    let mut all = DEV.to_vec();
    let dev = |stage: &mut Stage, all: &[(u32, Status, i64)]| {
        stage.hear_releases(NONPROD, &[("floe-dev", "floe", all)]);
    };
    dev(&mut stage, &all);
    stage.hear_record("dev", dev_record(4));
    stage.press(Command::Enter);
    let screen = stage.screen();
    assert!(has_line(&screen, &["state", "deployed", " at ", "told by the record"]), "{screen}");
    assert!(has_line(&screen, &["by", "Helm", "helm notes no person"]), "{screen}");
    assert!(has_line(&screen, &["chart", "floe-platform-0.2.0", "artifacts unknown"]), "{screen}");
    // An upgrade fails and is tried again before our eyes.
    all.push((5, Status::PendingUpgrade, 100));
    dev(&mut stage, &all);
    all[4] = (5, Status::Failed, 80);
    dev(&mut stage, &all);
    all.push((6, Status::PendingUpgrade, 60));
    dev(&mut stage, &all);
    all[3] = (4, Status::Superseded, 20);
    all[5] = (6, Status::Deployed, 20);
    dev(&mut stage, &all);
    stage.press(Command::RollbackHere);
    stage.press(Command::Top);
    let screen = stage.screen();
    assert!(has_line(&screen, &["began", "retry of revision 5, which failed"]), "{screen}");
    assert!(has_line(&screen, &["deployed", " at ", "seen"]), "{screen}");
    stage.press(Command::Down);
    let screen = stage.screen();
    assert!(has_line(&screen, &["failed", " at ", "seen"]), "{screen}");
    assert!(has_line(&screen, &["retried", "as revision 6"]), "{screen}");
    // Somebody writes the record of what runs by hand.
    all[5] = (6, Status::Failed, 5);
    dev(&mut stage, &all);
    stage.press(Command::Top);
    let screen = stage.screen();
    let refused = "a deployment that is deployed cannot become failed";
    assert!(has_line(&screen, &["refused", refused]), "{screen}");
    for _ in 0..3 {
        stage.press(Command::PreviousView);
    }
    let screen = stage.screen();
    assert!(has_line(&screen, &["state", "deployed", " at "]), "the machine stays where it was: {screen}");
    assert!(has_line(&screen, &["refused", "helm's record says failed"]), "{screen}");
}

#[test]
fn a_component_leads_to_its_objects() {
    let mut stage = Stage::inside_dev();
    stage.press(Command::NextView);
    let screen = stage.screen();
    assert!(has_line(&screen, &["web", "Deployment", "2", "1", "degraded", "CrashLoopBackOff"]), "{screen}");
    stage.press(Command::Top);
    assert!(has_line(&stage.screen(), &["▌", "web"]), "the worst first: {}", stage.screen());
    stage.press(Command::Enter);
    assert!(has_line(&stage.screen(), &["▌", "Deployment floe-web"]), "{}", stage.screen());
}

fn has_line(screen: &str, parts: &[&str]) -> bool {
    screen.lines().any(|line| parts.iter().all(|part| line.contains(part)))
}
