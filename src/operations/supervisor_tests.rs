#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::helm::ReleaseRef;
use crate::helm::run::testing::script;
use crate::operations::outcome::{Verdict, Witness, judge};
use crate::operations::spec::OperationId;
use crate::operations::view::{OperationState, OperationView};
use crate::operations::{Options, Verb};

const LIMIT: Duration = Duration::from_secs(30);

/// A state folder and a helm made of a shell script.
struct Stand {
    root: tempfile::TempDir,
    store: Store,
}

impl Stand {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::at(root.path().join("operations"));
        Self { root, store }
    }

    /// Writes an operation down whose steps have these verbs; the script gets the verb as its first argument.
    fn operation(&self, body: &str, verbs: &[Verb]) -> OperationId {
        let program = script(self.root.path(), "helm", body);
        let created = Timestamp::now();
        let values = self.root.path().join("values.yaml");
        std::fs::write(&values, "db: {password: hunter2-secret}\nlicense: LIC-4711-X\n").unwrap();
        let spec = OperationSpec {
            id: OperationId::new(created, verbs[0], "floe"),
            verb: verbs[0],
            release: ReleaseRef { context: "c".into(), namespace: "n".into(), release: "floe".into() },
            environment: Some("dev".into()),
            identity: "uid 1".into(),
            cluster_key: "trust".into(),
            program,
            helm_version: "4.2.4".into(),
            steps: verbs
                .iter()
                .map(|verb| Step { verb: *verb, argv: vec![verb.word().into(), "floe".into()] })
                .collect(),
            options: Options::default(),
            chart: None,
            before: None,
            revision: None,
            headline: String::new(),
            values: vec![values],
            secret_paths: vec!["license".into()],
            objects: Vec::new(),
            created,
            by: None,
            folder: self.root.path().to_owned(),
        };
        self.store.create(&spec).unwrap();
        spec.id
    }

    fn run(&self, body: &str, verbs: &[Verb]) -> OperationView {
        let id = self.operation(body, verbs);
        run_here(&self.store.folder(&id)).unwrap();
        self.store.load(&id).unwrap()
    }

    /// Runs in the background; the view once helm has said a word.
    fn begin(&self, body: &str, verbs: &[Verb]) -> (OperationId, std::thread::JoinHandle<Result<()>>) {
        let id = self.operation(body, verbs);
        let folder = self.store.folder(&id);
        let worker = std::thread::spawn(move || run_here(&folder));
        self.wait(&id, |view| !view.lines.is_empty());
        (id, worker)
    }

    fn wait(&self, id: &OperationId, until: impl Fn(&OperationView) -> bool) -> OperationView {
        let deadline = Instant::now() + LIMIT;
        loop {
            let view = self.store.load(id).unwrap();
            if until(&view) {
                return view;
            }
            assert!(Instant::now() < deadline, "not in time: {view:?}");
            std::thread::yield_now();
        }
    }
}

fn texts(view: &OperationView) -> Vec<&str> {
    view.lines.iter().map(|line| line.text.as_str()).collect()
}

#[test]
fn what_helm_says_is_kept_without_secrets_and_without_control() {
    let stand = Stand::new();
    let view = stand.run(
        r#"echo "$1 with hunter2-secret and LIC-4711-X"
printf '\033[31mred\033[0m bell\007\n'
printf -- '-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\nafter\n'
echo "${HELM_NAMESPACE:-unset}""#,
        &[Verb::Upgrade],
    );
    let lines = texts(&view);
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert!(lines[0].starts_with("upgrade with ‹secret") && !lines[0].contains("LIC-"), "{lines:?}");
    assert_eq!(&lines[1..3], ["red bell", "‹secret: private key›"]);
    assert_eq!(&lines[5..], ["after", "unset"]);
    assert_eq!(view.state, OperationState::Succeeded);
    let journal = stand.store.folder(&view.id()).join("journal.jsonl");
    let raw = std::fs::read_to_string(&journal).unwrap();
    assert!(!raw.contains("hunter2") && !raw.contains("MIIE") && !raw.contains('\u{1b}'), "{raw}");
    for entry in std::fs::read_dir(stand.store.folder(&view.id())).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }
}

#[test]
fn the_first_failure_ends_the_operation() {
    let stand = Stand::new();
    let body = "echo $1; echo 'Error: UPGRADE FAILED: context deadline exceeded' >&2; [ $1 != upgrade ]";
    let view = stand.run(body, &[Verb::Upgrade, Verb::Test]);
    assert_eq!(view.state, OperationState::Failed { code: Some(1) });
    assert!(view.steps[1].started.is_none());
    let outcome = judge(&view, &Witness::default());
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert!(outcome.headline.contains("not everything was ready in time"), "{outcome:?}");
    let view = stand.run("echo $1", &[Verb::Upgrade, Verb::Test]);
    assert_eq!((view.state, texts(&view)), (OperationState::Succeeded, vec!["upgrade", "test"]));
}

#[test]
fn an_interrupt_reaches_helm_and_no_further_step_starts() {
    let stand = Stand::new();
    let body = "trap 'echo cancelled; exit 1' INT; echo ready; while :; do sleep 0.05; done";
    let (id, worker) = stand.begin(body, &[Verb::Install, Verb::Test]);
    stand.store.interrupt(&id).unwrap();
    worker.join().unwrap().unwrap();
    let view = stand.store.load(&id).unwrap();
    assert_eq!(view.state, OperationState::Interrupted);
    assert_eq!(texts(&view), ["ready", "cancelled"]);
    assert!(view.interrupted.is_some() && view.steps[1].started.is_none());
    assert!(stand.store.interrupt(&id).unwrap_err().what.contains("is over"));
}

#[test]
fn a_helm_that_ignores_the_interrupt_can_be_killed_with_its_children() {
    let stand = Stand::new();
    let body = "trap '' INT; echo ready; sleep 1000 & wait; sleep 1000";
    let (id, worker) = stand.begin(body, &[Verb::Rollback]);
    stand.store.interrupt(&id).unwrap();
    let view = stand.wait(&id, |view| view.interrupted.is_some());
    assert!(view.is_running() && view.unanswered(Timestamp::now()).is_some());
    stand.store.kill(&id).unwrap();
    worker.join().unwrap().unwrap();
    let view = stand.store.load(&id).unwrap();
    assert_eq!((view.state, view.steps[0].signal), (OperationState::Interrupted, Some(9)));
    assert!(judge(&view, &Witness::default()).headline.contains("was killed"));
}

#[test]
fn a_release_has_one_operation_at_a_time() {
    let stand = Stand::new();
    let gate = stand.root.path().join("gate");
    let body = format!("echo ready; while [ ! -e {} ]; do sleep 0.02; done", gate.display());
    let (id, worker) = stand.begin(&body, &[Verb::Upgrade]);
    let running = stand.store.running_on("trust", "n", "floe").unwrap();
    assert_eq!(running.id(), id);
    let second = stand.operation(&body, &[Verb::Rollback]);
    let refused = run_here(&stand.store.folder(&second)).unwrap_err();
    assert!(refused.what.contains(id.as_str()), "{refused}");
    assert!(stand.store.folder(&second).join("refused").exists());
    assert!(!stand.store.load(&second).unwrap().is_running());
    assert!(run_here(&stand.store.folder(&id)).is_err(), "it is supervised already");
    std::fs::write(gate, "").unwrap();
    worker.join().unwrap().unwrap();
    assert_eq!(stand.store.load(&id).unwrap().state, OperationState::Succeeded);
    assert!(stand.store.running_on("trust", "n", "floe").is_none());
    assert!(run_here(&stand.store.folder(&id)).is_err(), "it was run already");
}

#[test]
fn a_supervisor_that_died_left_an_interrupted_operation() {
    let stand = Stand::new();
    let id = stand.operation("exit 0", &[Verb::Upgrade]);
    let mut child = Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
    let (pid, start) = (child.id(), process::start_time(child.id()));
    let mut journal = Writer::open(&stand.store.folder(&id).join("journal.jsonl")).unwrap();
    journal.write(JournalKind::Started { supervisor: 1 }).unwrap();
    journal.write(JournalKind::Helm { step: 0, pid, start }).unwrap();
    // helm outlived it: the release is still being worked on, and helm can still be stopped.
    assert!(stand.store.load(&id).unwrap().is_running());
    stand.store.interrupt(&id).unwrap();
    child.wait().unwrap();
    let view = stand.store.load(&id).unwrap();
    assert_eq!(view.state, OperationState::Interrupted);
    assert!(!view.seen);
    stand.store.mark_seen(&id).unwrap();
    assert!(stand.store.list().0[0].seen);
}

#[test]
fn a_helm_that_cannot_start_and_one_that_says_too_much() {
    let stand = Stand::new();
    let id = stand.operation("exit 0", &[Verb::Upgrade]);
    std::fs::remove_file(stand.root.path().join("helm")).unwrap();
    run_here(&stand.store.folder(&id)).unwrap();
    let view = stand.store.load(&id).unwrap();
    assert!(view.steps[0].error.as_deref().unwrap().contains("cannot start helm"));
    assert_eq!(judge(&view, &Witness::default()).verdict, Verdict::Failed);

    let body = "head -c 100000 /dev/zero | tr '\\0' x; echo; seq 1 52000";
    let view = stand.run(body, &[Verb::Upgrade]);
    assert_eq!(view.state, OperationState::Succeeded);
    assert_eq!(view.lost + view.lines.len() as u64, 52_001);
    let journal = std::fs::read_to_string(stand.store.folder(&view.id()).join("journal.jsonl")).unwrap();
    assert!(journal.contains("\"event\":\"dropped\",\"step\":0,\"lines\":2001"));
    assert!(journal.lines().all(|line| line.len() < LONGEST_LINE + 200));
}

#[tokio::test]
async fn a_tail_tells_everything_to_the_end() {
    let stand = Stand::new();
    let gate = stand.root.path().join("gate");
    let body = format!("echo one; while [ ! -e {} ]; do sleep 0.02; done; echo two; exit 4", gate.display());
    let (id, worker) = stand.begin(&body, &[Verb::Upgrade]);
    let mut tail = stand.store.tail(&id).unwrap();
    assert_eq!(texts(tail.view()), ["one"]);
    std::fs::write(gate, "").unwrap();
    let mut last = None;
    while let Some(view) = tokio::time::timeout(LIMIT, tail.changed()).await.unwrap().unwrap() {
        last = Some(view);
    }
    let last = last.unwrap();
    assert_eq!((texts(&last), last.state), (vec!["one", "two"], OperationState::Failed { code: Some(4) }));
    worker.join().unwrap().unwrap();
}

#[test]
fn exit_0_is_not_enough() {
    use crate::cluster::Health;
    use crate::helm::record::Status;

    let stand = Stand::new();
    let view = stand.run("exit 0", &[Verb::Upgrade]);
    let judged = |last, health| {
        let witness = Witness { last: Some((2, last)), looked: true, health, ..Witness::default() };
        judge(&view, &witness).verdict
    };
    assert_eq!(judged(Status::Deployed, Some(Health::Healthy)), Verdict::Good);
    assert_eq!(judged(Status::Deployed, Some(Health::Degraded)), Verdict::Degraded);
    assert_eq!(judged(Status::Deployed, Some(Health::Progressing)), Verdict::Pending);
    assert_eq!(judged(Status::Failed, Some(Health::Healthy)), Verdict::Failed);
    assert_eq!(judge(&view, &Witness { looked: true, ..Witness::default() }).verdict, Verdict::Failed);
}

#[test]
fn an_autoscaler_without_measurements_does_not_decide() {
    use crate::cluster::Health;
    use crate::cluster::objects::{ObjectRow, ObjectsSnapshot};

    let row = |kind: &str, health| ObjectRow::bare(kind, "x", health, "why");
    let mut snapshot = ObjectsSnapshot {
        rows: vec![row("HorizontalPodAutoscaler", Health::Degraded), row("Deployment", Health::Healthy)],
        at: Some(Timestamp::now()),
        ..ObjectsSnapshot::default()
    };
    let mut witness = Witness::default();
    witness.look(&snapshot);
    assert_eq!(witness.health, Some(Health::Healthy));
    assert_eq!(witness.remarks, ["HorizontalPodAutoscaler x is degraded: why"]);
    // The rooms, the headless status and the outcome go by the same rule.
    assert_eq!(snapshot.health(), Health::Healthy);
    assert!(crate::cluster::root_cause(&snapshot.rows, &[]).is_none() && snapshot.blocking().is_none());
    snapshot.rows[1].health = Health::Degraded;
    witness.look(&snapshot);
    assert_eq!(witness.health, Some(Health::Degraded));
}
