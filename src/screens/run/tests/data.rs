//! A release in the states that a room shows, made by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::base::Hash;
use crate::base::redact::Redactor;
use crate::cluster::Identity;
use crate::cluster::events::EventRow;
use crate::cluster::health::{ContainerRow, ContainerState, Health};
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot, Replicas};
use crate::cluster::releases::{Kept, ReleaseRow, ReleasesSnapshot};
use crate::helm::record::Status;
use crate::helm::{Helm, Major, ReleaseRef};
use crate::manifest::{self, DiffOptions};
use crate::operations::plan::LastRevision;
use crate::operations::recovery::{self, Known};
use crate::operations::{
    ChartSource, Check, CheckLevel, JournalEntry, JournalKind, OperationView, Plan, PlanRequest, Step,
    Stream, Verb, Way,
};
use crate::screens::run::Run;
use crate::screens::{Look, Room as _};
use crate::session::{Given, Keymap, Message, RoomId, Session};
use crate::ui::theme::Theme;
use crate::workspace::Settings;

pub(super) const CONTEXT: &str = "nonprod-deployer";
pub(super) const NOW: &str = "2026-11-21T11:00:00Z";

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Seconds after [`NOW`].
pub(super) fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(at(NOW).as_second() + seconds).unwrap()
}

pub(super) fn session() -> Session {
    let (keymap, _) = Keymap::new(&BTreeMap::new());
    let given = Given { root: PathBuf::from("/data"), ..Given::default() };
    Session::new(given, Settings::default(), keymap, Arc::new(Redactor::new()), at(NOW))
}

pub(super) fn release() -> ReleaseRef {
    ReleaseRef { context: CONTEXT.to_owned(), namespace: "floe-dev".to_owned(), release: "floe".to_owned() }
}

pub(super) fn check(level: CheckLevel, title: &str) -> Check {
    Check { level, title: title.to_owned(), detail: None, next: None }
}

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: floe-web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4
";
const CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: floe-config}
data: {level: info}
";
const JOB: &str = "apiVersion: batch/v1
kind: Job
metadata:
  name: floe-migrate
  annotations: {helm.sh/hook: pre-upgrade}
spec:
  template:
    spec:
      containers: [{name: migrate, image: registry.example/web:1.4}]
";

fn objects_of(texts: &[String]) -> Vec<manifest::Object> {
    manifest::parse(&texts.join("---\n")).unwrap()
}

/// A plan whose upgrade restarts the web server and edits its configuration.
pub(super) fn plan(verb: Verb, protected: bool) -> Plan {
    let mut request = PlanRequest::new(verb, release());
    request.environment = Some("dev".to_owned());
    request.protected = protected;
    let dir = PathBuf::from("/data/charts/floe-platform");
    let file = dir.join("values-dev.yaml");
    request.chart = Some(ChartSource {
        dir,
        values: vec![file.clone()],
        unreadable: Vec::new(),
        label: "floe-platform-0.3.0".to_owned(),
    });
    let old = objects_of(&[WEB.to_owned(), CONFIG.to_owned()]);
    let new = objects_of(&[WEB.replace("1.4", "1.5"), CONFIG.replace("info", "debug"), JOB.to_owned()]);
    let changes = manifest::diff(&old, &new, &DiffOptions::default());
    let argv = format!(
        "{verb} floe /data/charts/floe-platform --kube-context {CONTEXT} --namespace floe-dev --reset-values -f /data/charts/floe-platform/values-dev.yaml --wait=watcher --timeout 600s"
    );
    let mut stale = check(CheckLevel::Warning, "dependency otel-collector: stale, its source changed");
    stale.next = Some("build the dependencies (helm dependency build)".to_owned());
    Plan {
        steps: vec![Step { verb, argv: argv.split(' ').map(str::to_owned).collect() }],
        helm: Arc::new(Helm {
            path: PathBuf::from("/usr/local/bin/helm"),
            version: semver::Version::new(4, 2, 4),
            major: Major::Four,
        }),
        changes,
        objects: new.into(),
        checks: vec![
            stale,
            check(CheckLevel::Ok, "the last revision is 3, deployed"),
            check(CheckLevel::Ok, "the namespace floe-dev exists"),
            check(CheckLevel::Ok, "uid 3f9a1c02 is the cluster that was pinned"),
        ],
        identity: Some(Identity {
            uid: Some("3f9a1c02-77aa".to_owned()),
            trust: "t".to_owned(),
            namespaces: BTreeMap::new(),
        }),
        last: Some(LastRevision { revision: 3, status: Status::Deployed, resource_version: "7".to_owned() }),
        files: vec![(file, Some(Hash::of("replicas: 2\n")))],
        ways: Vec::new(),
        secret_paths: Vec::new(),
        incomplete: None,
        made: at(NOW),
        request,
    }
}

pub(super) fn stuck_ways() -> Vec<Way> {
    let known = |revision, status| Known { revision, status, modified: Some(at("2026-11-21T10:00:00Z")) };
    let history = [known(2, Status::Deployed), known(3, Status::PendingUpgrade)];
    recovery::ways(&history, std::time::Duration::from_mins(10), at(NOW))
}

/// What the cluster tells after the plan was made: the last revision is this one.
pub(super) fn releases(revision: u32) -> ReleasesSnapshot {
    let kept = |revision, status| Kept {
        revision,
        status,
        modified: Some(at("2026-11-21T10:30:00Z")),
        created: None,
        writer: None,
        resource_version: "7".to_owned(),
    };
    let row = ReleaseRow {
        context: CONTEXT.to_owned(),
        namespace: "floe-dev".to_owned(),
        name: "floe".to_owned(),
        revision,
        status: Status::Deployed,
        modified: Some(at(NOW)),
        revisions: 2,
        history: vec![kept(revision, Status::Deployed), kept(revision - 1, Status::Superseded)],
        deployed: Some(revision),
        storage: String::new(),
        resource_version: "7".to_owned(),
    };
    let state = crate::cluster::objects::WatchState::Live;
    ReleasesSnapshot { rows: vec![row], state, partial: false, unseen: Vec::new(), at: Some(later(1)) }
}

/// An upgrade that has been at work for a minute and a bit.
pub(super) fn running() -> OperationView {
    let mut spec = plan(Verb::Upgrade, false).spec(PathBuf::from("/data"));
    spec.id = crate::operations::OperationId::parse("20261121T105845000-upgrade-floe-3f9a").unwrap();
    spec.created = at("2026-11-21T10:58:45Z");
    let mut view = OperationView::new(spec);
    let start = "2026-11-21T10:58:46Z";
    for (when, kind) in [
        (start, JournalKind::Started { supervisor: 40 }),
        (start, JournalKind::Helm { step: 0, pid: 41, start: None }),
        ("2026-11-21T10:58:47Z", output("level=INFO msg=\"beginning wait\" resources=3")),
        ("2026-11-21T10:59:20Z", output("level=WARN msg=\"readyz is slow\"")),
    ] {
        view.take(JournalEntry { at: at(when), kind });
    }
    view
}

fn output(line: &str) -> JournalKind {
    JournalKind::Output { step: 0, stream: Stream::Stderr, line: line.to_owned() }
}

pub(super) fn journal(session: &mut Session, when: &str, kind: JournalKind) {
    let (id, view) = session.world.operations.iter().next().unwrap();
    let (id, mut view) = (id.clone(), OperationView::clone(view));
    view.take(JournalEntry { at: at(when), kind });
    session.world.operations.insert(id, view.into());
}

/// A room that shows the running upgrade with these objects.
pub(super) fn with_running(session: &mut Session, snapshot: &ObjectsSnapshot) -> Run {
    let mut room = Run::default();
    session.room = RoomId::Run;
    let view = Arc::new(running());
    session.world.operations.insert(view.id(), view.clone());
    room.hear(session, &Message::Operations(vec![view]));
    objects(&mut room, session, snapshot);
    room
}

pub(super) fn objects(room: &mut Run, session: &mut Session, snapshot: &ObjectsSnapshot) {
    let snapshot = Arc::new(snapshot.clone());
    session.world.objects.insert(release(), snapshot.clone());
    room.hear(session, &Message::Objects { release: release(), snapshot });
}

fn row(kind: &str, name: &str, health: Health, reason: &str) -> ObjectRow {
    let api = match kind {
        "Deployment" | "StatefulSet" | "ReplicaSet" => "apps/v1",
        "Job" => "batch/v1",
        _ => "v1",
    };
    ObjectRow {
        api_version: api.to_owned(),
        namespace: "floe-dev".to_owned(),
        uid: format!("uid-{name}"),
        since: Some(at("2026-11-21T10:59:30Z")),
        created: Some(at("2026-11-21T10:58:50Z")),
        ..ObjectRow::bare(kind, name, health, reason)
    }
}

fn below(parent: usize, depth: usize, row: ObjectRow) -> ObjectRow {
    ObjectRow { parent: Some(parent), depth, ..row }
}

fn container(name: &str, state: ContainerState, restarts: i64, problem: Option<&str>) -> ContainerRow {
    ContainerRow {
        name: name.to_owned(),
        image: "registry.example/web:1.5".to_owned(),
        init: false,
        state: Some(state),
        reason: String::new(),
        message: String::new(),
        ready: problem.is_none(),
        restarts,
        since: None,
        last_terminated: None,
        problem: problem.map(str::to_owned),
    }
}

fn replicas(ready: i64, desired: i64) -> Replicas {
    Replicas { desired, ready, available: ready, updated: desired }
}

fn of(rows: Vec<ObjectRow>, events: Vec<EventRow>) -> ObjectsSnapshot {
    ObjectsSnapshot { rows, events, kinds: Vec::new(), at: Some(at(NOW)) }
}

fn pod(name: &str, health: Health, reason: &str, container: ContainerRow) -> ObjectRow {
    ObjectRow {
        containers: vec![container],
        phase: Some("Running".to_owned()),
        node: Some("node-a".to_owned()),
        ..row("Pod", name, health, reason)
    }
}

/// One pod of two is ready.
pub(super) fn snapshot() -> ObjectsSnapshot {
    of(
        vec![
            row("ConfigMap", "floe-config", Health::Healthy, "exists"),
            ObjectRow {
                replicas: Some(replicas(1, 2)),
                ..row("Deployment", "floe-web", Health::Progressing, "1 of 2 ready")
            },
            below(
                1,
                1,
                ObjectRow {
                    replicas: Some(replicas(1, 2)),
                    ..row("ReplicaSet", "floe-web-7c9", Health::Progressing, "1 of 2 ready")
                },
            ),
            below(
                2,
                2,
                pod(
                    "floe-web-7c9-a1",
                    Health::Healthy,
                    "ready",
                    container("web", ContainerState::Running, 0, None),
                ),
            ),
            below(
                2,
                2,
                pod(
                    "floe-web-7c9-b2",
                    Health::Progressing,
                    "container web: not ready",
                    container("web", ContainerState::Running, 0, None),
                ),
            ),
            ObjectRow {
                replicas: Some(replicas(1, 1)),
                ..row("StatefulSet", "floe-db", Health::Healthy, "1 of 1 ready")
            },
        ],
        vec![event("floe-web-7c9-b2", "Started", "Started container web", false)],
    )
}

/// The migration runs, helm has sent nothing else.
pub(super) fn hooks_first() -> ObjectsSnapshot {
    let job = ObjectRow { hook: true, ..row("Job", "floe-migrate", Health::Progressing, "1 active") };
    let pod = ObjectRow {
        hook: true,
        ..pod(
            "floe-migrate-x1",
            Health::Progressing,
            "running",
            container("migrate", ContainerState::Running, 0, None),
        )
    };
    let mut rows = missing().rows;
    let place = rows.len();
    rows.push(job);
    rows.push(below(place, 1, pod));
    of(rows, Vec::new())
}

/// Nothing is there yet.
pub(super) fn missing() -> ObjectsSnapshot {
    let gone = |kind, name| ObjectRow {
        uid: String::new(),
        since: None,
        ..row(kind, name, Health::Missing, "it does not exist")
    };
    of(vec![gone("ConfigMap", "floe-config"), gone("Deployment", "floe-web")], Vec::new())
}

/// The web server crashes.
pub(super) fn crashing() -> ObjectsSnapshot {
    let why = "CrashLoopBackOff, 3 restarts (exit code 1)";
    let reason = format!("container web: {why}");
    of(
        vec![
            row("ConfigMap", "floe-config", Health::Healthy, "exists"),
            ObjectRow {
                replicas: Some(replicas(1, 2)),
                ..row("Deployment", "floe-web", Health::Degraded, &reason)
            },
            below(
                1,
                1,
                ObjectRow {
                    replicas: Some(replicas(0, 1)),
                    ..row("ReplicaSet", "floe-web-7c9", Health::Degraded, &reason)
                },
            ),
            below(
                2,
                2,
                pod(
                    "floe-web-7c9-a1",
                    Health::Degraded,
                    &reason,
                    container("web", ContainerState::Waiting, 3, Some(why)),
                ),
            ),
            ObjectRow {
                replicas: Some(replicas(1, 1)),
                ..row("StatefulSet", "floe-db", Health::Healthy, "1 of 1 ready")
            },
        ],
        vec![event(
            "floe-web-7c9-a1",
            "BackOff",
            "Back-off restarting failed container web in pod floe-web-7c9-a1",
            true,
        )],
    )
}

fn event(name: &str, reason: &str, message: &str, warning: bool) -> EventRow {
    EventRow {
        at: Some(at("2026-11-21T10:59:48Z")),
        first: None,
        kind: "Pod".to_owned(),
        name: name.to_owned(),
        namespace: "floe-dev".to_owned(),
        uid: format!("uid-{name}"),
        reason: reason.to_owned(),
        message: message.to_owned(),
        warning,
        count: if warning { 4 } else { 1 },
        source: "kubelet".to_owned(),
    }
}

/// The room as it looks, without and with styles.
pub(super) fn buffer(room: &mut Run, session: &Session, width: u16, height: u16) -> ratatui::buffer::Buffer {
    let theme = Theme::built_in("dark");
    let look = Look { theme: &theme, zoomed: false };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| room.view(session, frame, frame.area(), &look)).unwrap();
    terminal.backend().buffer().clone()
}

pub(super) fn draw(room: &mut Run, session: &Session, width: u16, height: u16) -> String {
    let shown = crate::ui::test::with_styles(&buffer(room, session, width, height));
    shown.split("--- styles").next().unwrap().to_owned()
}
