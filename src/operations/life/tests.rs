use std::path::PathBuf;

use super::*;
use crate::helm::record::{HookRecord, HookRun};
use crate::operations::journal::{JournalEntry, JournalKind};
use crate::operations::{OperationId, OperationSpec, Options, Step};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn release() -> ReleaseRef {
    ReleaseRef { context: "c".into(), namespace: "n".into(), release: "floe".into() }
}

fn kept(revision: u32, status: Status, created: i64, modified: i64) -> Kept {
    Kept {
        revision,
        status,
        modified: Some(at(modified)),
        created: Some(at(created)),
        writer: Some("Helm".into()),
        resource_version: format!("{revision}-{modified}"),
    }
}

fn operation(verb: Verb, before: u32, from: i64, end: Option<(i64, i32)>) -> OperationView {
    let mut view = OperationView::new(OperationSpec {
        id: OperationId::new(at(from), verb, "floe"),
        verb,
        release: release(),
        environment: Some("dev".into()),
        identity: String::new(),
        cluster_key: String::new(),
        program: PathBuf::from("/helm"),
        helm_version: "4.2.4".into(),
        steps: vec![Step { verb, argv: Vec::new() }],
        options: Options::default(),
        chart: None,
        before: Some(before).filter(|before| *before > 0),
        revision: None,
        headline: String::new(),
        values: Vec::new(),
        secret_paths: Vec::new(),
        objects: Vec::new(),
        created: at(from),
        by: Some("ann@desk".into()),
        folder: PathBuf::from("/"),
    });
    let mut take = |second: i64, kind| view.take(JournalEntry { at: at(second), kind });
    take(from, JournalKind::Started { supervisor: 1 });
    take(from, JournalKind::Helm { step: 0, pid: 2, start: None });
    if let Some((second, code)) = end {
        let line = "Error: no image".to_owned();
        take(second, JournalKind::Output { step: 0, stream: Stream::Stderr, line });
        take(second, JournalKind::StepEnded { step: 0, code: Some(code), signal: None });
        take(second, JournalKind::Ended { code: Some(code), signal: None });
    }
    view
}

fn told(kept: &[Kept], records: &[Record], operations: &[OperationView], watched: &Watched) -> Vec<Life> {
    let release = release();
    let operations: Vec<&OperationView> = operations.iter().collect();
    lives(&Evidence {
        release: &release,
        environment: "dev",
        kept,
        record: &|revision| records.iter().find(|record| record.revision == revision),
        operations: &operations,
        watched: Some(watched),
    })
}

/// `deployed@30 journal`, with `~` for what had happened by then.
fn words(life: &Life) -> Vec<String> {
    let one = |transition: &Transition| {
        let at = transition.at.map_or(-1, |time| time.as_second() - at(0).as_second());
        let exact = if transition.exact { "" } else { "~" };
        let through: Vec<&str> = transition.through.iter().map(|state| state.word()).collect();
        let through = if through.is_empty() { String::new() } else { format!(" via {}", through.join(", ")) };
        let refused =
            transition.refused.as_ref().map(|words| format!(" refused: {words}")).unwrap_or_default();
        let witness = format!("{:?}", transition.witness).to_lowercase();
        format!("{}@{exact}{at} {witness}{through}{refused}", transition.status)
    };
    life.transitions.iter().map(one).collect()
}

#[test]
fn a_record_alone_proves_its_beginning_and_where_it_is() {
    let none = Watched::default();
    let all = [
        kept(1, Status::Superseded, 0, 100),
        kept(2, Status::Failed, 100, 160),
        kept(3, Status::Deployed, 200, 230),
    ];
    let lives = told(&all, &[], &[], &none);
    assert_eq!(lives.iter().map(|life| life.revision).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(words(&lives[2]), ["pending@0 record", "superseded@100 record via deployed"]);
    assert_eq!(words(&lives[1]), ["pending@100 record", "failed@160 record"]);
    // A test may have written it later: by then it was deployed.
    assert_eq!(words(&lives[0]), ["pending@200 record", "deployed@~230 record"]);
    assert_eq!((lives[0].beginning, lives[1].retried_as), (Beginning::Retry(2), Some(3)));
    assert_eq!(lives[0].deployed_by.as_deref(), Some("Helm"));
    // The record says that no test ran, and what it was made of.
    let record = Record {
        revision: 3,
        config: serde_json::json!({"global": {"artifactVersion": "0.10.0"}}),
        ..Record::default()
    };
    let lives = told(&all, &[record], &[], &none);
    assert_eq!(words(&lives[0])[1], "deployed@230 record");
    assert_eq!(lives[0].state().release().artifact_version, "0.10.0");
    assert_eq!(lives[1].state().release().artifact_version, UNKNOWN);
    // A test that ran in this revision may have written it; one that a rollback copied has not.
    for (started, wanted) in [(150, "deployed@230 record"), (225, "deployed@~230 record")] {
        let last_run = HookRun { started: Some(at(started)), ..HookRun::default() };
        let test = HookRecord { events: vec!["test".into()], last_run, ..HookRecord::default() };
        let record = Record { revision: 3, hooks: vec![test], ..Record::default() };
        assert_eq!(words(&told(&all, &[record], &[], &none)[0])[1], wanted);
    }
}

#[test]
fn journals_say_who_and_when_after_a_restart() {
    let none = Watched::default();
    let all = [kept(1, Status::Superseded, 0, 300), kept(2, Status::Deployed, 201, 290)];
    let ours =
        [operation(Verb::Install, 0, 0, Some((40, 0))), operation(Verb::Upgrade, 1, 200, Some((240, 0)))];
    let lives = told(&all, &[], &ours, &none);
    assert_eq!(words(&lives[1]), ["pending@0 record", "deployed@40 journal", "superseded@300 record"]);
    assert_eq!(words(&lives[0]), ["pending@201 record", "deployed@240 journal"]);
    assert_eq!(lives[0].deployed_by.as_deref(), Some("ann@desk"));
    assert_eq!(lives[0].operation.as_deref(), Some(ours[1].spec.id.as_str()));
    // A revision that somebody else made while none of ours worked is not ours.
    let other = [kept(2, Status::Deployed, 260, 290)];
    assert_eq!(told(&other, &[], &ours, &none)[0].deployed_by.as_deref(), Some("Helm"));
    // Nor the next one, made by somebody in the same second.
    let next = [kept(2, Status::Superseded, 201, 240), kept(3, Status::Deployed, 240, 250)];
    let lives = told(&next, &[], &ours, &none);
    assert_eq!((lives[0].operation.as_deref(), lives[1].deployed_by.as_deref()), (None, Some("ann@desk")));
    // Nor one that was there before.
    let late = [operation(Verb::Upgrade, 2, 258, Some((270, 0)))];
    assert_eq!(told(&other, &[], &late, &none)[0].operation, None);
    // A failure says why in helm's words: of the record, else of the journal.
    let failed = [kept(1, Status::Failed, 0, 41)];
    let ours = [operation(Verb::Install, 0, 0, Some((40, 1)))];
    let lives = told(&failed, &[], &ours, &none);
    assert_eq!(words(&lives[0]), ["pending@0 record", "failed@40 journal"]);
    assert_eq!(lives[0].transitions[1].reason.as_deref(), Some("Error: no image"));
    let record =
        Record { revision: 1, status: Status::Failed, description: "timed out".into(), ..Record::default() };
    let lives = told(&failed, &[record], &ours, &none);
    assert_eq!(lives[0].transitions[1].reason.as_deref(), Some("timed out"));
    // An interrupted helm leaves what it leaves: the record decides.
    let stuck = [kept(1, Status::PendingInstall, 0, 0)];
    assert_eq!(words(&told(&stuck, &[], &ours, &none)[0]), ["pending@0 record"]);
}

#[test]
fn what_was_watched_is_told_step_by_step() {
    let mut watched = Watched::default();
    let one = |status, modified| [kept(1, status, 0, modified)];
    let mut before: Vec<Kept> = Vec::new();
    for (status, modified) in
        [(Status::PendingInstall, 0), (Status::Failed, 50)].into_iter().collect::<Vec<_>>()
    {
        let after = one(status, modified).to_vec();
        watched.look(&before, &after, at(modified + 1));
        before = after;
    }
    let two = [before[0].clone(), kept(2, Status::PendingUpgrade, 60, 60)];
    watched.look(&before, &two, at(61));
    let three = [before[0].clone(), kept(2, Status::Deployed, 60, 90)];
    watched.look(&two, &three, at(91));
    let lives = told(&three, &[], &[], &watched);
    assert_eq!(words(&lives[1]), ["pending@0 record", "failed@50 watch"]);
    assert_eq!(words(&lives[0]), ["pending@60 record", "deployed@90 watch"]);
    assert_eq!(lives[0].beginning, Beginning::Retry(1));
    assert_eq!((lives[1].retried_as, lives[1].status), (Some(2), DeploymentStatus::Failed));
    // Gone and made again under the same number, it is another one.
    let again = [kept(1, Status::Deployed, 500, 510)];
    watched.look(&three, &[], at(400));
    watched.look(&[], &again, at(511));
    assert_eq!(words(&told(&again, &[], &[], &watched)[0]), ["pending@500 record", "deployed@510 watch"]);
}

#[test]
fn what_the_machine_refuses_is_told_and_changes_nothing() {
    let mut watched = Watched::default();
    let deployed = [kept(1, Status::Deployed, 0, 30)];
    let mut forged = kept(1, Status::Failed, 0, 70);
    forged.writer = Some("kubectl-patch".into());
    let forged = [forged];
    watched.look(&deployed, &forged, at(71));
    let lives = told(&forged, &[], &[], &watched);
    assert_eq!(
        words(&lives[0]),
        [
            "pending@0 record",
            "deployed@~30 record",
            "failed@70 watch refused: a deployment that is deployed cannot become failed; the record was written by \
             kubectl-patch"
        ]
    );
    assert_eq!(
        (lives[0].status, lives[0].last().unwrap().status),
        (DeploymentStatus::Deployed, DeploymentStatus::Deployed)
    );
    // The journal knows too that it was up, after a restart.
    let ours = [operation(Verb::Install, 0, 0, Some((29, 0)))];
    let lives = told(&forged, &[], &ours, &Watched::default());
    assert_eq!(words(&lives[0])[1], "deployed@29 journal");
    assert!(words(&lives[0])[2].starts_with("failed@70 record refused"), "{:?}", words(&lives[0]));
    // Put back, it is where it was.
    let back = [kept(1, Status::Deployed, 0, 99)];
    watched.look(&forged, &back, at(100));
    let lives = told(&back, &[], &[], &watched);
    assert_eq!((lives[0].transitions.len(), lives[0].status), (3, DeploymentStatus::Deployed));
}

#[test]
fn a_way_back_is_no_retry_and_what_is_taken_away_stays_where_it_was() {
    let none = Watched::default();
    let all = [
        kept(1, Status::Deployed, 0, 30),
        kept(2, Status::Failed, 40, 50),
        kept(3, Status::PendingRollback, 60, 60),
    ];
    let lives = told(&all, &[], &[], &none);
    assert_eq!((lives[0].beginning, lives[1].retried_as), (Beginning::Rollback(None), None));
    let record = Record { revision: 3, description: "Rollback to 1".into(), ..Record::default() };
    let done = [all[1].clone(), kept(3, Status::Deployed, 60, 70)];
    assert_eq!(told(&done, &[record], &[], &none)[0].beginning, Beginning::Rollback(Some(1)));
    let leaving = [kept(1, Status::Uninstalling, 0, 90)];
    assert_eq!(words(&told(&leaving, &[], &[], &none)[0]), ["pending@0 record"]);
    let mut watched = Watched::default();
    watched.look(&[kept(1, Status::Deployed, 0, 30)], &leaving, at(91));
    let gone = [kept(1, Status::Uninstalled, 0, 95)];
    watched.look(&leaving, &gone, at(96));
    assert_eq!(
        words(&told(&gone, &[], &[], &watched)[0]),
        ["pending@0 record", "deployed@~30 record", "superseded@95 watch"]
    );
}

#[test]
fn only_releases_that_changed_are_compared() {
    let row = |name: &str, history: Vec<Kept>| ReleaseRow {
        context: "c".into(),
        namespace: "n".into(),
        name: name.into(),
        revision: 1,
        status: Status::Deployed,
        modified: None,
        revisions: history.len(),
        history,
        deployed: None,
        storage: String::new(),
        resource_version: String::new(),
    };
    let of = |status| vec![kept(1, status, 0, 1)];
    let before =
        [row("a", of(Status::Deployed)), row("b", of(Status::Deployed)), row("d", of(Status::Deployed))];
    let after =
        [row("b", of(Status::Failed)), row("c", of(Status::Deployed)), row("d", of(Status::Deployed))];
    let changed: Vec<(&str, usize)> =
        Watched::compare(&before, &after).map(|(old, row)| (row.name.as_str(), old.len())).collect();
    assert_eq!(changed, [("b", 1), ("c", 0)]);
}
