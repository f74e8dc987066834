//! The Clusters room by its keys and by its pictures, on a chart that lies in a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use insta::assert_snapshot;
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tempfile::TempDir;

use super::Clusters;
use crate::base::redact::Redactor;
use crate::base::{Error, Hash};
use crate::cluster::{Identity, Pinned};
use crate::screens::{Look, Room as _};
use crate::session::{
    Action, Answer, Ask, ClusterView, Command, Effect, Fetched, Given, Goto, Keymap, RoomId, Session, Then,
};
use crate::ui::theme::Theme;
use crate::workspace::{ContextInfo, Settings};

const MAPPING: &str = "# who lives where
clusterMapping:
  non-prod:
    cluster: aks-shared-nonprod
    environments: [dev, qa, uat]   # the small ones
    resources: {preset: small}
  prod:
    cluster: aks-shared-prod
    environments: [staging, prod]
    isolation: namespace
";

fn now() -> Timestamp {
    "2026-11-21T11:00:00Z".parse().unwrap()
}

struct World {
    folder: TempDir,
    session: Session,
    room: Clusters,
}

fn world(values: &str) -> World {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Chart.yaml"), "apiVersion: v2\nname: floe\nversion: 0.1.0\n").unwrap();
    std::fs::write(folder.path().join("values.yaml"), values).unwrap();
    let workspace = crate::workspace::discover(folder.path()).unwrap();
    let given = Given { root: workspace.root.clone(), ..Given::default() };
    let (keymap, _) = Keymap::new(&BTreeMap::new());
    let mut session = Session::new(given, Settings::default(), keymap, Arc::new(Redactor::new()), now());
    let dir = workspace.charts[0].dir.clone();
    session.documents.loaded(&dir.join("values.yaml"), values.into(), Some(Hash::of(values)));
    session.workspace.take(now(), Ok(Arc::new(workspace)));
    let context = |name: &str, cluster: &str| ContextInfo {
        name: name.to_owned(),
        cluster: cluster.to_owned(),
        server: format!("https://{cluster}.example"),
        user: name.to_owned(),
        namespace: None,
    };
    session.contexts.take(
        now(),
        Ok(vec![
            context("nonprod-deployer", "aks-shared-nonprod"),
            context("prod-admin", "aks-shared-prod"),
            context("prod-deployer", "aks-shared-prod"),
        ]),
    );
    session.room = RoomId::Clusters;
    session.select_chart(&dir);
    let mut room = Clusters::default();
    room.enter(&mut session);
    World { folder, session, room }
}

impl World {
    fn press(&mut self, command: Command) -> Vec<Effect> {
        self.room.update(&mut self.session, &Action::Command(command))
    }

    fn go_to(&mut self, key: &str) {
        self.press(Command::Top);
        for _ in 0..20 {
            if self.room.rows.selected() == Some(key) {
                return;
            }
            self.press(Command::Down);
        }
        panic!("no row {key}");
    }

    fn asked(&mut self) -> (Ask, Then) {
        let overlay = self.session.overlays.pop().unwrap();
        (overlay.ask, overlay.then)
    }

    fn answer(&mut self, then: Then, answer: Answer) -> Vec<Effect> {
        self.room.update(&mut self.session, &Action::Answered(then, answer))
    }

    fn file(&self) -> PathBuf {
        self.session.chart().unwrap().dir.join("values.yaml")
    }

    fn text(&self) -> String {
        self.session.text(&self.file()).unwrap().to_string()
    }

    fn found(&mut self, cluster: &str, context: &str, answer: Result<(Identity, Pinned), Error>) {
        let mut view = ClusterView { context: context.to_owned(), answer: Fetched::Awaited { since: now() } };
        view.answer.take(now(), answer);
        self.session.world.clusters.insert(cluster.to_owned(), view);
        self.room.enter(&mut self.session);
    }

    fn picture(&mut self, width: u16, height: u16) -> String {
        let theme = Theme::built_in("dark");
        let look = Look { theme: &theme, zoomed: false };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| self.room.view(&self.session, frame, frame.area(), &look)).unwrap();
        crate::ui::test::with_styles(terminal.backend().buffer())
    }
}

fn identity(uid: &str) -> Identity {
    Identity { uid: Some(uid.to_owned()), trust: "t".to_owned(), namespaces: BTreeMap::new() }
}

#[test]
fn an_environment_moves_by_one_line_and_comes_back_by_undo() {
    let mut world = world(MAPPING);
    world.go_to("environment uat");
    world.press(Command::Enter);
    let (Ask::Choose { choices, .. }, then) = world.asked() else { panic!("no choice") };
    assert!(choices[0].current && !choices[1].current);
    assert_eq!(choices[1].detail, "aks-shared-prod / floe-uat");
    world.answer(then, Answer::Chosen(1));
    let text = world.text();
    assert!(text.contains("environments: [dev, qa]   # the small ones"), "{text}");
    assert!(text.contains("environments: [staging, prod, uat]"), "{text}");
    assert_eq!(text.lines().zip(MAPPING.lines()).filter(|(a, b)| a != b).count(), 2);
    assert_eq!(world.session.focused_file, Some(world.file()));
    let file = world.file();
    assert_eq!(world.session.documents.undo(&file).unwrap().0, "moving uat to prod");
    assert_eq!(world.text(), MAPPING);
}

#[test]
fn the_last_environment_of_a_mapping_stays() {
    let mut world = world(
        "clusterMapping:\n  a: {cluster: x, environments: [dev]}\n  b: {cluster: y, environments: [qa]}\n",
    );
    world.go_to("environment dev");
    world.press(Command::Enter);
    let (_, then) = world.asked();
    world.answer(then, Answer::Chosen(1));
    assert!(!world.session.documents.get(&world.file()).unwrap().is_dirty());
    let told = world.session.notices.all().last().unwrap().lines.join(" ");
    assert!(told.contains("a would have no environment left"), "{told}");
}

#[test]
fn the_rules_hold_for_the_text_as_it_is_typed() {
    let mut world = world(MAPPING);
    assert!(world.room.grid.as_ref().unwrap().problems.is_empty());
    let file = world.file();
    let broken = MAPPING.replace("[staging, prod]", "[staging, prod, dev]");
    world.session.documents.edit("typing", [(file.clone(), broken.into())]);
    world.room.enter(&mut world.session);
    let problems = world.room.grid.as_ref().unwrap().problems.clone();
    assert!(problems[0].to_string().starts_with("values.yaml:9 "), "{}", problems[0]);
    assert!(problems[0].message.contains("already in the mapping non-prod"));
    world.press(Command::PaneNext);
    world.press(Command::Enter);
    let Some(Goto::Line { file: to, line: 9 }) = world.session.goto.take() else { panic!("no jump") };
    assert!(
        to.ends_with("values.yaml")
            && Path::new(&to).starts_with(world.folder.path().canonicalize().unwrap())
    );
}

#[test]
fn fields_are_edited_in_their_column() {
    let mut world = world(MAPPING);
    world.go_to("attribute preset");
    world.press(Command::Right);
    world.press(Command::Enter);
    let (Ask::Choose { title, choices }, then) = world.asked() else { panic!("no choice") };
    assert_eq!(title, "Preset of prod");
    let large = choices.iter().position(|choice| choice.label == "large").unwrap();
    world.answer(then, Answer::Chosen(large));
    assert!(world.text().contains("preset: large"));
    world.go_to("attribute namespaces");
    world.press(Command::Left);
    world.press(Command::Enter);
    let (Ask::Line { text, .. }, then) = world.asked() else { panic!("no line") };
    assert_eq!(text, "floe-{{.environment}}");
    world.answer(then, Answer::Typed("x-{{.nope}}".to_owned()));
    let problems = &world.room.grid.as_ref().unwrap().problems;
    assert!(!problems.is_empty(), "a template that knows more than .environment is told at once");
}

#[test]
fn a_name_with_several_contexts_is_asked_and_one_without_is_not_checked() {
    let mut world = world(MAPPING);
    world.go_to("attribute context");
    world.press(Command::Right);
    world.press(Command::Enter);
    let (_, then) = world.asked();
    let contexts = vec!["prod-admin".to_owned(), "prod-deployer".to_owned()];
    assert_eq!(then, Then::WhichContext { cluster: "aks-shared-prod".to_owned(), contexts });
    assert!(world.press(Command::CheckCluster).is_empty());
    assert!(world.picture(100, 24).contains("which of 2?"));
    world.session.settings.clusters.insert("aks-shared-prod".to_owned(), "prod-deployer".to_owned());
    assert!(
        !world.picture(100, 24).contains("which of 2?"),
        "the frame takes the answer, the next picture has it"
    );
    world.press(Command::Left);
    let effects = world.press(Command::CheckCluster);
    assert!(matches!(effects.as_slice(), [Effect::CheckCluster { context, namespace: Some(namespace), .. }]
        if context == "nonprod-deployer" && namespace == "floe-dev"));
}

#[test]
fn pinning_anew_shows_what_was_expected_and_needs_a_yes() {
    let mut world = world(MAPPING);
    let (expected, found) = (identity("11111111-a"), identity("22222222-b"));
    let pinned = Pinned::Mismatch { expected: Box::new(expected), found: Box::new(found.clone()) };
    world.found("aks-shared-nonprod", "nonprod-deployer", Ok((found, pinned)));
    assert!(world.press(Command::PinCluster).is_empty());
    let (Ask::Confirm { body, deed, .. }, then) = world.asked() else { panic!("no confirm") };
    assert!(
        body.contains(&"expected uid 11111111".to_owned())
            && body.contains(&"found    uid 22222222".to_owned())
    );
    assert_eq!(deed, "Pin aks-shared-nonprod as uid 22222222");
    let effects = world.answer(then, Answer::Yes);
    assert!(matches!(effects.as_slice(), [Effect::PinCluster { cluster, context, .. }]
        if cluster == "aks-shared-nonprod" && context == "nonprod-deployer"));
}

#[test]
fn a_chart_that_maps_nothing_explains_itself() {
    let mut world = world("replicas: 1\n");
    assert!(world.session.copyable.iter().any(|(_, text)| text.starts_with("clusterMapping:")));
    let (mapping, problems) = crate::workspace::read_mapping(Path::new("values.yaml"), super::EXAMPLE, None);
    assert_eq!((mapping.unwrap().clusters.len(), problems.len()), (2, 0), "the example is a valid one");
    world.press(Command::Enter);
    assert!(matches!(world.session.goto.take(), Some(Goto::Line { .. })));
    assert_snapshot!("unmapped_80x21", world.picture(80, 21));
}

#[test]
fn pictures() {
    let mut world = world(MAPPING);
    let known = identity("3f9a1c02-a");
    world.found("aks-shared-nonprod", "nonprod-deployer", Ok((known, Pinned::Matches { weak: false })));
    world.go_to("environment qa");
    for (width, height) in [(80, 21), (120, 37), (200, 57)] {
        assert_snapshot!(format!("grid_{width}x{height}"), world.picture(width, height));
    }
    for (width, height) in [(1, 1), (9, 3), (20, 5), (59, 9), (300, 100)] {
        world.picture(width, height);
    }
}

#[test]
fn custom_begins_with_what_was_and_its_numbers_are_edited_by_the_rules() {
    let mut world = world(MAPPING);
    world.go_to("attribute preset");
    world.press(Command::Enter);
    let (Ask::Choose { choices, .. }, then) = world.asked() else { panic!("no choice") };
    assert_eq!(choices[0].detail, "webserver 100m/256Mi to 500m/512Mi, and the other components");
    let custom = choices.iter().position(|choice| choice.label == "custom").unwrap();
    world.answer(then, Answer::Chosen(custom));
    assert!(world.room.grid.as_ref().unwrap().problems.is_empty(), "{}", world.text());
    world.go_to("attribute userCode");
    world.press(Command::Enter);
    let (Ask::Line { text, .. }, then) = world.asked() else { panic!("no line") };
    assert_eq!(text, "250m/512Mi 1000m/1Gi");
    let before = world.text();
    world.answer(then, Answer::Typed("0.5/512Mi 1/1G".to_owned()));
    assert_eq!(world.text(), before, "what breaks a rule is no edit");
    let (Ask::Line { title, text }, then) = world.asked() else { panic!("not asked again") };
    assert!(title.contains("requests.cpu") && title.contains("limits.memory"), "{title}");
    assert_eq!(text, "0.5/512Mi 1/1G", "what was typed stays");
    world.answer(then, Answer::Typed("500m/512Mi 1/1Gi".to_owned()));
    let mapping = world.room.grid.as_ref().unwrap().mapping.clone().unwrap();
    let own = mapping.clusters[0].resources.resolve("userCode").unwrap();
    assert_eq!(own.to_string(), "500m/512Mi 1/1Gi");
    assert!(world.text().contains("# the small ones") && world.text().contains("# who lives where"));
    // The other mapping has a preset: its numbers are shown, not edited.
    world.press(Command::Right);
    world.press(Command::Enter);
    assert!(world.session.overlays.is_empty());
    let file = world.file();
    world.session.documents.undo(&file);
    assert_eq!(world.text(), before);
}
