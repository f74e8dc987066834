//! What is done to jobs: which key is offered where, the plan, the question, and what follows.

use std::sync::Arc;

use serde_json::json;

use crate::base::Error;
use crate::cluster::write::Write;
use crate::operations::{Check, CheckLevel, Deed, JobDone, JobPlan, JobRequest};
use crate::screens::Room;
use crate::session::{Action, Answer, Ask, Command, Effect, Message, Overlay, Place};

use super::world::{Stage, release, with_jobs};

/// The Jobs view of dev with the cursor on a row.
fn at(name: &str) -> Stage {
    let mut stage = Stage::inside_dev();
    stage.hear(Message::Objects { release: release("dev"), snapshot: Arc::new(with_jobs()) });
    for _ in 0..7 {
        stage.press(Command::NextView);
    }
    stage.press(Command::Top);
    for _ in 0..10 {
        if stage.screen().lines().any(|line| line.contains('▌') && line.contains(name)) {
            return stage;
        }
        stage.press(Command::Down);
    }
    panic!("no row {name}: {}", stage.screen());
}

/// The deeds that are offered.
fn offered(stage: &Stage) -> Vec<Command> {
    let all = [Command::RunJob, Command::RetryJob, Command::SuspendJob];
    all.into_iter().filter(|command| stage.room.offers(&stage.session, *command)).collect()
}

/// What was asked to be planned.
fn asked(stage: &mut Stage) -> Option<(u64, JobRequest)> {
    std::mem::take(&mut stage.effects).into_iter().find_map(|effect| match effect {
        Effect::PlanJob { generation, request } => Some((generation, *request)),
        _ => None,
    })
}

fn planned(request: JobRequest, level: CheckLevel) -> JobPlan {
    let mut plan = JobPlan::new(request, super::world::now());
    plan.write = Some(Write::Create(json!({"kind": "Job"})));
    plan.does = "creates Job floe-nightly-run-x7k2p".to_owned();
    plan.shown = "kind: Job\n".to_owned();
    plan.checks = vec![Check {
        level,
        title: "the quota does not allow it".to_owned(),
        detail: Some("exceeded quota: few".to_owned()),
        next: Some("ask for more quota".to_owned()),
    }];
    plan
}

fn said(stage: &Stage) -> String {
    stage.session.notices.all().iter().flat_map(|notice| notice.lines.clone()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_key_is_offered_where_it_does_something() {
    use Command::{RetryJob, RunJob, SuspendJob};
    for (name, wanted) in [
        // Its newest run failed.
        ("0 6 * * *", vec![RunJob, RetryJob, SuspendJob]),
        ("floe-nightly-3", vec![RunJob, RetryJob, SuspendJob]),
        ("floe-nightly-1", vec![RunJob, SuspendJob]),
        ("floe-backfill", vec![RunJob, SuspendJob]),
        ("floe-load", vec![]),
    ] {
        let mut stage = at(name);
        assert_eq!(offered(&stage), wanted, "{name}");
        assert_eq!(stage.room.places(&stage.session), [Place::Jobs, Place::Release, Place::Pane]);
        stage.press(Command::NextView);
        assert_eq!(offered(&stage), [], "elsewhere");
    }
    let mut stage = at("floe-load");
    stage.press(RunJob);
    stage.press(RetryJob);
    assert_eq!(asked(&mut stage), None);
    assert!(said(&stage).contains("only a job that failed is tried again"), "{}", said(&stage));
}

#[test]
fn what_is_meant_is_the_schedule_or_the_run_that_failed() {
    for (name, command, wanted) in [
        ("floe-nightly-1", Command::RunJob, (Deed::Run, "CronJob floe-nightly")),
        ("floe-nightly-2", Command::SuspendJob, (Deed::Suspend, "CronJob floe-nightly")),
        ("floe-backfill", Command::SuspendJob, (Deed::Resume, "CronJob floe-backfill")),
        ("0 6 * * *", Command::RetryJob, (Deed::Retry, "Job floe-nightly-3")),
    ] {
        let mut stage = at(name);
        stage.press(command);
        let (_, request) = asked(&mut stage).unwrap();
        assert_eq!((request.deed, request.subject().as_str()), wanted);
        assert_eq!((&request.release, request.environment.as_deref()), (&release("dev"), Some("dev")));
        assert!(!request.protected && request.uid.is_some() && request.namespace == "floe-dev");
    }
}

#[test]
fn a_plan_is_confirmed_done_and_the_cursor_goes_to_the_new_run() {
    let mut stage = at("0 6 * * *");
    stage.press(Command::RunJob);
    let (generation, request) = asked(&mut stage).unwrap();
    let plan = Arc::new(planned(request, CheckLevel::Note));
    // One that was asked for earlier is no answer.
    stage.hear(Message::JobPlanned { generation: generation - 1, result: Ok(plan.clone()) });
    assert!(stage.session.overlays.is_empty());
    stage.hear(Message::JobPlanned { generation, result: Ok(plan) });
    let Overlay { ask, then } = stage.session.overlays.pop().unwrap();
    let Ask::Confirm { title, body, deed, typed } = ask else { panic!("a confirm") };
    assert_eq!((title.as_str(), deed.as_str(), typed), ("Run now · floe @ dev", "Create 1 Job", None));
    let body = body.join("\n");
    for words in
        ["namespace floe-dev", "creates Job floe-nightly-run-x7k2p", "note: the quota", "  kind: Job"]
    {
        assert!(body.contains(words), "no `{words}` in {body}");
    }
    stage.act(&Action::Answered(then.clone(), Answer::Yes));
    let done = std::mem::take(&mut stage.effects);
    assert!(done.iter().any(|effect| matches!(effect, Effect::DoJob(_))), "{done:?}");
    // Twice is once.
    stage.act(&Action::Answered(then, Answer::Yes));
    assert!(!stage.effects.iter().any(|effect| matches!(effect, Effect::DoJob(_))));
    stage.press(Command::RunJob);
    assert_eq!(asked(&mut stage), None, "one deed at a time");

    stage.press(Command::Fold);
    let name = "floe-nightly-2".to_owned();
    let result = JobDone {
        deed: Deed::Run,
        kind: "Job".to_owned(),
        namespace: "floe-dev".to_owned(),
        name,
        uid: "u".to_owned(),
        words: String::new(),
    };
    stage.hear(Message::JobDone(Ok(result)));
    stage.hear(Message::Objects { release: release("dev"), snapshot: Arc::new(with_jobs()) });
    let screen = stage.screen();
    assert!(screen.lines().any(|line| line.contains('▌') && line.contains("floe-nightly-2")), "{screen}");
    stage.press(Command::RunJob);
    assert!(asked(&mut stage).is_some(), "the next one may be planned");
}

#[test]
fn a_refusal_is_said_and_never_asked() {
    let mut stage = at("0 6 * * *");
    stage.press(Command::RunJob);
    let (generation, request) = asked(&mut stage).unwrap();
    let refused = planned(request.clone(), CheckLevel::Blocked);
    stage.hear(Message::JobPlanned { generation, result: Ok(Arc::new(refused)) });
    assert!(stage.session.overlays.is_empty());
    let told = said(&stage);
    let words =
        ["CronJob floe-nightly: the quota does not allow it", "exceeded quota: few", "ask for more quota"];
    assert!(words.iter().all(|words| told.contains(words)), "{told}");

    stage.press(Command::SuspendJob);
    let (generation, request) = asked(&mut stage).unwrap();
    let mut same = planned(request, CheckLevel::Ok);
    (same.write, same.nothing_to_do, same.does) = (None, true, "it is suspended already".to_owned());
    stage.hear(Message::JobPlanned { generation, result: Ok(Arc::new(same)) });
    assert!(stage.session.overlays.is_empty() && said(&stage).contains("it is suspended already"));

    stage.press(Command::SuspendJob);
    let (generation, _) = asked(&mut stage).unwrap();
    stage.hear(Message::JobPlanned { generation, result: Err(Error::new("no kubeconfig")) });
    assert!(stage.session.overlays.is_empty() && said(&stage).contains("no kubeconfig"));
}

#[test]
fn a_plan_that_comes_when_its_place_was_left_asks_nothing() {
    let mut stage = at("0 6 * * *");
    stage.press(Command::RunJob);
    let (generation, request) = asked(&mut stage).unwrap();
    stage.press(Command::NextView);
    let plan = planned(request, CheckLevel::Note);
    stage.hear(Message::JobPlanned { generation, result: Ok(Arc::new(plan)) });
    assert!(stage.session.overlays.is_empty());
}

#[test]
fn the_name_is_asked_for_where_it_has_to_be() {
    let mut stage = at("0 6 * * *");
    stage.session.settings.confirm = crate::workspace::Confirm::Always;
    stage.press(Command::SuspendJob);
    let (generation, request) = asked(&mut stage).unwrap();
    assert!(request.protected);
    stage.hear(Message::JobPlanned { generation, result: Ok(Arc::new(planned(request, CheckLevel::Ok))) });
    let Ask::Confirm { typed, deed, .. } = stage.session.overlays.pop().unwrap().ask else {
        panic!("a confirm")
    };
    assert_eq!((typed.as_deref(), deed.as_str()), (Some("floe@dev"), "Suspend the schedule"));
}
