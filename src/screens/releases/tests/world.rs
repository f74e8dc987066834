//! A workspace on disk, two clusters, releases in every state, and the room over them.

use std::fs;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::base::redact::Redactor;
use crate::cluster::events::EventRow;
use crate::cluster::health::{ContainerRow, ContainerState, Termination};
use crate::cluster::objects::join::{Expected, Input, join};
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot, Replicas, Wanted, WatchState};
use crate::cluster::releases::{ReleasesSnapshot, RevisionRow, fold};
use crate::cluster::{Fault, Health};
use crate::helm::record::{ChartInfo, HookPhase, HookRecord, HookRun, Record, Status, storage_name};
use crate::screens::releases::Releases;
use crate::screens::{Look, Room};
use crate::session::{Action, Command, Effect, Given, Keymap, LogRef, Message, ReleaseRef, RoomId, Session};
use crate::ui::test::with_styles;
use crate::ui::theme::Theme;
use crate::workspace::{ContextInfo, Settings, discover};

pub(super) const NONPROD: &str = "nonprod-deployer";
pub(super) const PROD: &str = "prod-deployer";

/// Noon of a day.
pub(super) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(super) fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub(super) fn release(environment: &str) -> ReleaseRef {
    ReleaseRef {
        context: if environment == "prod" { PROD } else { NONPROD }.to_owned(),
        namespace: format!("floe-{environment}"),
        release: "floe".to_owned(),
    }
}

/// Revision, status and how many seconds ago it was written.
pub(super) type Revisions<'a> = &'a [(u32, Status, i64)];

pub(super) fn revisions(namespace: &str, name: &str, all: Revisions) -> Vec<RevisionRow> {
    all.iter()
        .map(|(revision, status, seconds)| RevisionRow {
            namespace: namespace.to_owned(),
            release: name.to_owned(),
            revision: *revision,
            status: *status,
            modified: Some(ago(*seconds)),
            created: Some(ago(1_000_000 - 10 * i64::from(*revision))),
            writer: Some("Helm".to_owned()),
            storage: storage_name(name, *revision),
            resource_version: format!("{revision}-{status}"),
        })
        .collect()
}

/// The room with its session, and the folder that holds the workspace.
pub(super) struct Stage {
    pub(super) session: Session,
    pub(super) room: Releases,
    pub(super) effects: Vec<Effect>,
    _folder: TempDir,
}

const VALUES: &str = "clusterMapping:
  non-prod:
    cluster: aks-shared-nonprod
    environments: [dev, qa, uat]
    namespaceTemplate: floe-{{ .environment }}
  prod:
    cluster: aks-shared-prod
    environments: [prod]
    namespaceTemplate: floe-{{ .environment }}
replicas: 1
";

/// What dev runs on is what its file says.
pub(super) fn config() -> Value {
    json!({"global": {"environment": "dev"}, "web": {"replicas": 2, "adminPassword": "hunter2"}})
}

impl Stage {
    /// A workspace with four environments; nothing was heard of the clusters yet.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path().join("charts/floe-platform");
        fs::create_dir_all(&chart).unwrap();
        let write = |name: &str, text: &str| fs::write(chart.join(name), text).unwrap();
        write("Chart.yaml", "apiVersion: v2\nname: floe-platform\nversion: 0.2.0\n");
        write("values.yaml", VALUES);
        for name in ["dev", "qa", "uat", "prod"] {
            let text =
                format!("global:\n  environment: {name}\nweb:\n  replicas: 2\n  adminPassword: hunter2\n");
            write(&format!("values-{name}.yaml"), &text);
        }
        write("floe-tui.toml", "");
        fs::write(folder.path().join("floe-tui.toml"), "[charts.floe-platform]\nrelease = \"floe\"\n")
            .unwrap();
        let workspace = discover(folder.path()).unwrap();
        let mut settings = Settings::default();
        settings.clusters.insert("aks-shared-nonprod".to_owned(), NONPROD.to_owned());
        settings.clusters.insert("aks-shared-prod".to_owned(), PROD.to_owned());
        let redactor = Arc::new(Redactor::with_key([7; 32]));
        let given = Given { root: folder.path().to_owned(), ..Given::default() };
        let mut session = Session::new(given, settings, Keymap::default(), redactor, now());
        for file in workspace.charts.iter().flat_map(|c| &c.environments).flat_map(|e| &e.values_files) {
            session.documents.loaded(file, Arc::from(fs::read_to_string(file).unwrap()), None);
        }
        let dir = workspace.charts[0].dir.clone();
        session.workspace.take(now(), Ok(Arc::new(workspace)));
        let context = |name: &str| ContextInfo { name: name.to_owned(), ..ContextInfo::default() };
        session.contexts.take(now(), Ok(vec![context(NONPROD), context(PROD)]));
        session.select_chart(&dir);
        session.refresh_environments();
        session.room = RoomId::Releases;
        let mut stage = Self { session, room: Releases::default(), effects: Vec::new(), _folder: folder };
        stage.enter();
        stage
    }

    /// The usual world: dev crashes, qa failed, uat is stuck, prod does well, and two that nobody here maps.
    pub(super) fn usual() -> Self {
        let mut stage = Self::new();
        stage.hear_releases(
            NONPROD,
            &[
                ("floe-dev", "floe", &DEV),
                ("floe-qa", "floe", &[(1, Status::Deployed, 90_000), (2, Status::Failed, 7_200)]),
                ("floe-uat", "floe", &[(1, Status::Deployed, 90_000), (2, Status::PendingUpgrade, 3_600)]),
                ("monitoring", "prometheus", &[(7, Status::Deployed, 400_000)]),
            ],
        );
        stage.hear_releases(
            PROD,
            &[
                ("floe-prod", "floe", &[(12, Status::Superseded, 900_000), (13, Status::Deployed, 600_000)]),
                ("ingress", "nginx", &[(3, Status::Deployed, 2_000_000)]),
            ],
        );
        stage
    }

    /// [`Stage::usual`] with dev open: records, objects and events were heard.
    pub(super) fn inside_dev() -> Self {
        let mut stage = Self::usual();
        stage.select("dev");
        for revision in [1, 2, 3, 4] {
            stage.hear_record("dev", dev_record(revision));
        }
        stage.hear(Message::Objects { release: release("dev"), snapshot: Arc::new(crashing()) });
        stage.press(Command::Enter);
        stage
    }

    pub(super) fn enter(&mut self) {
        let effects = self.room.enter(&mut self.session);
        self.session.goto = None;
        self.effects.extend(effects);
    }

    /// What the frame does with an answer, then the room.
    #[allow(clippy::needless_pass_by_value, reason = "the tests build the answer in place")]
    pub(super) fn hear(&mut self, message: Message) {
        let world = &mut self.session.world;
        match &message {
            Message::Releases { context, snapshot } => {
                world.releases.insert(context.clone(), snapshot.clone());
            }
            Message::Objects { release, snapshot } => {
                world.objects.insert(release.clone(), snapshot.clone());
            }
            Message::Record { release, revision, result } => {
                let fetched = world.records.entry((release.clone(), *revision));
                let since = self.session.now;
                fetched.or_insert(crate::session::Fetched::Awaited { since }).take(since, result.clone());
            }
            Message::LogLines { log, lines, dropped } => {
                world.log_lines(log.clone(), lines.clone(), *dropped);
            }
            _ => {}
        }
        let effects = self.room.hear(&mut self.session, &message);
        self.effects.extend(effects);
    }

    pub(super) fn hear_releases(&mut self, context: &str, all: &[(&str, &str, Revisions)]) {
        let revisions: Vec<RevisionRow> =
            all.iter().flat_map(|(namespace, name, all)| revisions(namespace, name, all)).collect();
        let snapshot = ReleasesSnapshot {
            rows: fold(context, &revisions),
            state: WatchState::Live,
            at: Some(self.session.now),
            ..ReleasesSnapshot::default()
        };
        self.hear(Message::Releases { context: context.to_owned(), snapshot: Arc::new(snapshot) });
    }

    pub(super) fn hear_fault(&mut self, context: &str, fault: Fault) {
        let state = WatchState::Failed(fault);
        let snapshot = ReleasesSnapshot { state, at: Some(self.session.now), ..ReleasesSnapshot::default() };
        self.hear(Message::Releases { context: context.to_owned(), snapshot: Arc::new(snapshot) });
    }

    pub(super) fn hear_record(&mut self, environment: &str, record: Record) {
        let revision = Some(record.revision);
        self.hear(Message::Record { release: release(environment), revision, result: Ok(Arc::new(record)) });
    }

    pub(super) fn press(&mut self, command: Command) {
        self.act(&Action::Command(command));
    }

    pub(super) fn act(&mut self, action: &Action) {
        let effects = self.room.update(&mut self.session, action);
        self.effects.extend(effects);
    }

    pub(super) fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char(c));
            let effects = self.room.update(&mut self.session, &Action::Text(key));
            self.effects.extend(effects);
        }
    }

    /// As `e` does it.
    pub(super) fn select(&mut self, environment: &str) {
        self.session.select_environment(environment);
        self.enter();
    }

    /// The records that were asked for since the last call.
    pub(super) fn asked(&mut self) -> Vec<(ReleaseRef, Option<u32>)> {
        std::mem::take(&mut self.effects)
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::FetchRecord { release, revision } => Some((release, revision)),
                _ => None,
            })
            .collect()
    }

    fn drawn(&mut self, width: u16, height: u16) -> ratatui::buffer::Buffer {
        let theme = Theme::built_in("dark");
        let look = Look { theme: &theme, zoomed: false };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| {
                let area = frame.area();
                self.room.view(&self.session, frame, area, &look);
            })
            .unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen with its styles; times of day depend on the zone of the machine and are left out.
    pub(super) fn picture(&mut self, width: u16, height: u16) -> String {
        with_styles(&self.drawn(width, height))
    }

    /// The text of the screen.
    pub(super) fn screen(&mut self) -> String {
        let buffer = self.drawn(120, 40);
        let mut text = String::new();
        for y in 0..buffer.area.height {
            for x in 0..buffer.area.width {
                text.push_str(buffer[(x, y)].symbol());
            }
            text.push('\n');
        }
        text
    }
}

/// The revisions of dev: the second never worked.
pub(super) const DEV: [(u32, Status, i64); 4] = [
    (1, Status::Superseded, 90_000),
    (2, Status::Failed, 80_000),
    (3, Status::Superseded, 10_000),
    (4, Status::Deployed, 300),
];

/// A revision of dev; each has its own image tag, the last one a new value.
pub(super) fn dev_record(revision: u32) -> Record {
    let tag = format!("1.{revision}");
    let mut config = config();
    if revision == 4 {
        config["web"]["replicas"] = json!(3);
    }
    let manifest = format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: floe-web\nspec:\n  template:\n    spec:\n      \
         containers:\n      - name: web\n        image: registry/floe/web:{tag}\n---\napiVersion: v1\nkind: Secret\n\
         metadata:\n  name: floe-db\nstringData:\n  password: hunter2\n---\napiVersion: apps/v1\nkind: StatefulSet\n\
         metadata:\n  name: floe-db\nspec: {{}}\n"
    );
    let ran = |name: &str, event: &str, phase: HookPhase| HookRecord {
        name: name.to_owned(),
        kind: "Job".to_owned(),
        events: vec![event.to_owned()],
        manifest: format!("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n"),
        delete_policies: vec!["before-hook-creation".to_owned()],
        last_run: match phase {
            HookPhase::Unknown => HookRun::default(),
            _ => HookRun { phase, started: Some(ago(320)), completed: Some(ago(305)) },
        },
        ..HookRecord::default()
    };
    Record {
        name: "floe".to_owned(),
        namespace: "floe-dev".to_owned(),
        revision,
        status: Status::Deployed,
        description: if revision == 2 {
            "Upgrade \"floe\" failed: context deadline exceeded".to_owned()
        } else {
            "Upgrade complete".to_owned()
        },
        first_deployed: Some(ago(90_000)),
        last_deployed: Some(ago(300)),
        notes: "Open http://floe.dev\nThe password: hunter2 \u{1b}[31mred\n".to_owned(),
        chart: ChartInfo {
            name: "floe-platform".to_owned(),
            version: "0.2.0".to_owned(),
            app_version: tag,
            ..ChartInfo::default()
        },
        config,
        manifest,
        hooks: vec![
            ran("floe-migrate", "pre-upgrade", HookPhase::Succeeded),
            ran("floe-smoke", "test", if revision == 3 { HookPhase::Succeeded } else { HookPhase::Unknown }),
        ],
        ..Record::default()
    }
}

pub(super) fn object(kind: &str, name: &str, health: Health, reason: &str) -> ObjectRow {
    ObjectRow {
        api_version: match kind {
            "Deployment" | "StatefulSet" | "ReplicaSet" => "apps/v1",
            "Job" => "batch/v1",
            _ => "v1",
        }
        .to_owned(),
        namespace: "floe-dev".to_owned(),
        uid: format!("uid-{name}-{kind}"),
        since: Some(ago(240)),
        created: Some(ago(300)),
        ..ObjectRow::bare(kind, name, health, reason)
    }
}

/// A web that crashes beside a database that does well.
pub(super) fn crashing() -> ObjectsSnapshot {
    let below =
        |parent: usize, depth: usize, row: ObjectRow| ObjectRow { parent: Some(parent), depth, ..row };
    let container = ContainerRow {
        name: "web".to_owned(),
        image: "registry/floe/web:1.4".to_owned(),
        init: false,
        state: Some(ContainerState::Waiting),
        reason: "CrashLoopBackOff".to_owned(),
        message: String::new(),
        ready: false,
        restarts: 3,
        since: Some(ago(20)),
        last_terminated: Some(Termination {
            reason: "Error".to_owned(),
            exit_code: 1,
            message: String::new(),
            at: Some(ago(20)),
        }),
        problem: Some("CrashLoopBackOff, 3 restarts (exit code 1)".to_owned()),
    };
    let sidecar = ContainerRow {
        name: "proxy".to_owned(),
        state: Some(ContainerState::Running),
        reason: String::new(),
        ready: true,
        restarts: 0,
        last_terminated: None,
        problem: None,
        ..container.clone()
    };
    let why = "container web: CrashLoopBackOff, 3 restarts (exit code 1)";
    let web = ObjectRow {
        replicas: Some(Replicas { desired: 2, ready: 1, available: 1, updated: 1 }),
        ..object("Deployment", "floe-web", Health::Degraded, why)
    };
    let set = below(1, 1, object("ReplicaSet", "floe-web-7c9", Health::Degraded, why));
    let pod = ObjectRow {
        containers: vec![sidecar, container],
        phase: Some("Running".to_owned()),
        ..below(2, 2, object("Pod", "floe-web-7c9-x2k", Health::Degraded, why))
    };
    let db = ObjectRow {
        replicas: Some(Replicas { desired: 1, ready: 1, available: 1, updated: 1 }),
        ..object("StatefulSet", "floe-db", Health::Healthy, "1 of 1 ready")
    };
    let event = EventRow {
        at: Some(ago(20)),
        first: Some(ago(240)),
        kind: "Pod".to_owned(),
        name: "floe-web-7c9-x2k".to_owned(),
        namespace: "floe-dev".to_owned(),
        uid: pod.uid.clone(),
        reason: "BackOff".to_owned(),
        message: "Back-off restarting failed container web in pod floe-web-7c9-x2k".to_owned(),
        warning: true,
        count: 12,
        source: "kubelet".to_owned(),
    };
    ObjectsSnapshot {
        rows: vec![db, web, set, pod, object("Secret", "floe-db", Health::Healthy, "exists")],
        events: vec![event],
        kinds: Vec::new(),
        at: Some(now()),
    }
}

/// A schedule with three runs, of which the last failed, one that is suspended, and a job of its own at work: as the
/// API server gives them.
pub(super) fn with_jobs() -> ObjectsSnapshot {
    let meta = |name: &str, made: i64, owner: Option<&str>| {
        let owners: Vec<Value> =
            owner.iter().map(|uid| json!({"kind": "CronJob", "uid": uid, "controller": true})).collect();
        json!({"name": name, "namespace": "floe-dev", "uid": format!("uid-{name}"),
            "creationTimestamp": ago(made).to_string(), "ownerReferences": owners})
    };
    let job = |name: &str, made: i64, owner: Option<&str>, status: Value| json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta(name, made, owner), "spec": {}, "status": status});
    let ended = |kind: &str, made: i64, took: i64| {
        let end = ago(made - took).to_string();
        let mut status = json!({"startTime": ago(made).to_string(),
            "conditions": [{"type": kind, "status": "True", "lastTransitionTime": end}]});
        if kind == "Complete" {
            status["completionTime"] = json!(end);
            status["succeeded"] = json!(1);
        } else {
            status["failed"] = json!(3);
        }
        status
    };
    let schedule = |name: &str, spec: Value, status: Value| json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta(name, 900_000, None), "spec": spec, "status": status});
    let nightly = "uid-floe-nightly";
    let objects = [
        schedule(
            "floe-nightly",
            json!({"schedule": "0 6 * * *", "timeZone": "Europe/Berlin"}),
            json!({"lastScheduleTime": ago(25_200).to_string(), "lastSuccessfulTime": ago(111_500).to_string()}),
        ),
        schedule("floe-backfill", json!({"schedule": "@yearly", "suspend": true}), json!({})),
        job("floe-nightly-1", 198_000, Some(nightly), ended("Complete", 198_000, 95)),
        job("floe-nightly-2", 111_600, Some(nightly), ended("Complete", 111_600, 100)),
        job("floe-nightly-3", 25_200, Some(nightly), ended("Failed", 25_200, 410)),
        job("floe-load", 65, None, json!({"active": 1, "ready": 1, "startTime": ago(60).to_string()})),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "floe-nightly-3-x1", "namespace": "floe-dev",
            "uid": "uid-pod", "ownerReferences": [{"kind": "Job", "uid": "uid-floe-nightly-3"}]},
            "spec": {"containers": [{"name": "dbt", "image": "dbt:1"}]},
            "status": {"phase": "Failed", "containerStatuses": [{"name": "dbt", "image": "dbt:1", "restartCount": 0,
                "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}}),
    ];
    let expected: Vec<Expected> =
        [("CronJob", "floe-nightly"), ("CronJob", "floe-backfill"), ("Job", "floe-load")]
            .map(|(kind, name)| Expected {
                wanted: Wanted {
                    api_version: "batch/v1".to_owned(),
                    kind: kind.to_owned(),
                    namespace: None,
                    name: name.to_owned(),
                    hook: false,
                },
                namespace: "floe-dev".to_owned(),
                state: WatchState::Live,
            })
            .into();
    let live: Vec<&Value> = objects.iter().collect();
    let (rows, events) = join(&Input { expected: &expected, objects: &live, events: &[], now: now() });
    ObjectsSnapshot { rows, events, kinds: Vec::new(), at: Some(now()) }
}

/// The log of the container that crashes.
pub(super) fn web_log(previous: bool) -> LogRef {
    LogRef {
        context: NONPROD.to_owned(),
        namespace: "floe-dev".to_owned(),
        pod: "floe-web-7c9-x2k".to_owned(),
        container: "web".to_owned(),
        previous,
    }
}
