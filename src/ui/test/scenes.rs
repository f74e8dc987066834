//! The main widgets at 80x24, as text with styles. Look at them before accepting a change.

use std::time::Duration;

use insta::assert_snapshot;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::render_with_styles;
use crate::base::Error;
use crate::ui::chrome::{Header, Hint, Pane, Part, Tab, footer, tabs};
use crate::ui::dialog::Dialog;
use crate::ui::diff_view::{DiffObject, DiffState, DiffView, hunks};
use crate::ui::editor::{Editor, EditorState};
use crate::ui::face::{Face, stale};
use crate::ui::filter::{self, Filter};
use crate::ui::glyphs::Glyphs;
use crate::ui::help::{self, HelpRow, Section};
use crate::ui::input::{Input, LineEdit};
use crate::ui::list::ListState;
use crate::ui::menu::{Menu, MenuRow};
use crate::ui::notice::{Toast, Tone, toasts};
use crate::ui::table::{Column, Fold, Listed, Row, Table};
use crate::ui::text_view::{TextState, TextView};
use crate::ui::{Rich, Role, Theme, layout};

pub(super) fn header(protected: bool) -> Header {
    Header {
        left: vec![
            Part::name("", "floe-platform"),
            Part::fixed(" · ", "prod"),
            Part::middle(" → ", "aks-shared-prod-westeurope"),
            Part::fixed(" / ", "floe-prod"),
            Part::spare("  ", "2 unsaved", 1).role(Role::Warn),
        ],
        right: vec![
            Part::spare("", "helm 4.2.4", 2).role(Role::Muted),
            Part::spare(" · ", "connected", 3).role(Role::Good),
        ],
        protected,
    }
}

pub(super) fn rooms() -> Vec<Tab> {
    let names = ["Charts", "Values", "Clusters", "Diff", "Releases", "Run"];
    let tab = |(index, name): (usize, &&str)| Tab {
        key: (index + 1).to_string(),
        name: (*name).to_owned(),
        badge: (index == 1).then(|| (Role::Bad, "2".to_owned())),
    };
    names.iter().enumerate().map(tab).collect()
}

pub(super) fn hints() -> Vec<Hint> {
    let pairs = [
        ("Enter", "edit"),
        ("e", "environment"),
        ("s", "save"),
        ("d", "diff"),
        ("U", "upgrade floe @ prod"),
        ("u", "undo"),
        ("/", "filter"),
        ("?", "help"),
    ];
    pairs.iter().map(|(key, label)| Hint::new(*key, *label)).collect()
}

pub(super) fn values() -> (Vec<Column>, Listed) {
    let columns = vec![
        Column::fill("key", 16),
        Column::fit("dev", 4, 12).right(),
        Column::fit("uat", 4, 12).right().spare(1),
        Column::fit("prod", 4, 12).right(),
        Column::fixed("", 1),
    ];
    let row = |depth, fold, name: &str, cells: [(Role, &str); 4]| {
        let name_role = if fold == Fold::Leaf { Role::Text } else { Role::YamlKey };
        let first = Rich::of(name_role, name)
            .mark(&Filter::parse("replic").matches(name).unwrap_or_default(), Role::Match);
        Row::tree(depth, fold, std::iter::once(first).chain(cells.map(Rich::from)))
    };
    let none = (Role::Muted, "");
    let rows = vec![
        ("dagster".to_owned(), row(0, Fold::Open, "dagster", [none; 4])),
        ("dagster.webserver".to_owned(), row(1, Fold::Open, "webserver", [none; 4])),
        (
            "dagster.webserver.replicas".to_owned(),
            row(
                2,
                Fold::Leaf,
                "replicas",
                [(Role::Muted, "1"), (Role::Muted, "1"), (Role::Changed, "3"), (Role::Bad, "✗")],
            ),
        ),
        (
            "dagster.webserver.image".to_owned(),
            row(
                2,
                Fold::Leaf,
                "image",
                [
                    (Role::Muted, "dagster/dagster:1.9.1"),
                    (Role::Muted, "dagster/dagster:1.9.1"),
                    (Role::Text, "1.8"),
                    none,
                ],
            ),
        ),
        ("polaris".to_owned(), row(0, Fold::Closed, "polaris", [none; 4])),
        (
            "otel".to_owned(),
            row(0, Fold::Closed, "otel-collector-with-a-very-long-name-that-is-cut", [none; 4]).dimmed(true),
        ),
    ];
    (columns, Listed(rows))
}

pub(super) fn diff() -> Vec<DiffObject> {
    let before = "spec:\n  replicas: 2\n  strategy:\n    type: RollingUpdate\n  template:\n    spec:\n      containers:\n        - name: webserver\n          image: dagster/dagster:1.9.1\n          args: [webserver]\n";
    let after = before.replace("replicas: 2", "replicas: 3").replace(":1.9.1", ":1.9.2");
    let own = hunks(before, &after, 1, |line, _| {
        if line < 3 {
            "spec.replicas".into()
        } else {
            "spec.template.spec.containers[webserver].image".into()
        }
    });
    let title = Rich::of(Role::Title, "Deployment floe-dagster-webserver")
        .then(Role::Changed, "  rolling restart, scale 2 → 3");
    vec![DiffObject { key: "deployment".into(), title, hunks: own }]
}

#[test]
fn a_room() {
    for (name, width, height) in [("room", 80, 24), ("room_small", 48, 12)] {
        let screen =
            render_with_styles(width, height, |buf, area| room(buf, area, &Theme::built_in("dark"), false));
        assert_snapshot!(name, screen);
    }
    let plain = Theme::built_in("mono").with_glyphs(&Glyphs::ASCII);
    assert_snapshot!(
        "room_ascii_mono",
        render_with_styles(80, 24, |buf, area| room(buf, area, &plain, true))
    );
}

pub(super) fn room(buf: &mut Buffer, area: Rect, theme: &Theme, protected: bool) {
    let parts = layout::frame(area);
    header(protected).draw(buf, parts.header, theme);
    tabs(buf, parts.tabs, &rooms(), 1, theme);
    footer(buf, parts.footer, &hints(), theme);
    let (upper, lower) = layout::rows(parts.body, 55, 4, 4).unwrap_or((parts.body, Rect::default()));
    let (columns, rows) = values();
    let mut state = ListState::default();
    state.select("dagster.webserver.replicas");
    let note = filter::summary(&Filter::parse("replic"), 12, 80).unwrap_or_default();
    let inside = Pane::new("Values").focused(true).note((Role::Muted, note)).draw(buf, upper, theme);
    let table = Table { marked_column: Some(3), ..Table::new(&columns, &rows).cursor_column(Some(3)) };
    table.draw(buf, inside, &mut state, theme);
    let pane = Pane::new("values-prod.yaml").note(stale(180)).foot((Role::Warn, "order changed, r"));
    let inside = pane.draw(buf, lower, theme);
    let text =
        "dagster:\n  webserver:\n    # how many pods\n    replicas: 3\n    image: dagster/dagster:1.9.1\n";
    let tokens = vec![
        vec![(0..7, Role::YamlKey)],
        vec![(2..11, Role::YamlKey)],
        vec![(4..19, Role::YamlComment)],
        vec![(4..12, Role::YamlKey), (14..15, Role::YamlNumber)],
    ];
    let signs = |line: usize| (line == 3).then_some((Role::Bad, theme.glyphs.bad));
    let mut editor = EditorState::new(text);
    editor.go_to(3, 15);
    Editor { tokens: &tokens, signs: Some(&signs), search: None, focused: true }.draw(
        buf,
        inside,
        &mut editor,
        theme,
    );
    let lines: Vec<String> = ["values-prod.yaml:12: cannot save", "  read-only file system", "→ save a copy"]
        .map(str::to_owned)
        .to_vec();
    let saved = vec!["saved values.yaml".to_owned()];
    let shown = [
        Toast { tone: Tone::Plain, lines: &saved, count: 1 },
        Toast { tone: Tone::Bad, lines: &lines, count: 3 },
    ];
    toasts(buf, parts.body, &shown, theme);
}

#[test]
fn a_diff() {
    let objects = diff();
    let screen = render_with_styles(80, 24, |buf, area| {
        let theme = Theme::built_in("dark");
        let mut state = DiffState::default();
        state.step_hunk(&objects, true);
        let note = state.summary(&objects).unwrap_or_default();
        let inside = Pane::new("Diff").focused(true).note((Role::Muted, note)).draw(buf, area, &theme);
        DiffView { objects: &objects, focused: true, titles: true }.draw(buf, inside, &mut state, &theme);
    });
    assert_snapshot!("diff", screen);
}

pub(super) fn body() -> Vec<Rich> {
    vec![
        Rich::of(
            Role::Text,
            "helm upgrade floe charts/floe-platform --kube-context aks-shared-prod-westeurope --namespace floe-prod --reset-values -f values.yaml -f values-prod.yaml",
        ),
        Rich::default(),
        Rich::of(Role::Warn, "▲ ")
            .then(Role::Text, "2 rolling restarts: ")
            .then(Role::Title, "webserver, daemon"),
        Rich::of(Role::Bad, "✗ ").then(Role::Text, "1 recreate: ").then(Role::Title, "Job floe-migrate"),
    ]
}

#[test]
fn a_confirm() {
    for (name, typed) in [("confirm", None), ("confirm_typed", Some(("floe@prod", "floe@p")))] {
        let body = body();
        let screen = render_with_styles(80, 24, |buf, area| {
            let theme = Theme::built_in("dark");
            room(buf, area, &theme, true);
            let dialog = Dialog {
                title: "Upgrade floe @ prod",
                body: &body,
                deed: "Upgrade: 2 restarts, 1 recreate",
                typed,
                on_deed: false,
                danger: true,
            };
            dialog.draw(buf, area, &mut 0, &theme);
        });
        assert_snapshot!(name, screen);
    }
}

pub(super) fn menu_rows() -> Vec<MenuRow> {
    let row = |label: &str, detail: &str, key: &str| MenuRow {
        label: label.into(),
        matched: Filter::parse("~rol").matches(label).unwrap_or_default(),
        detail: detail.into(),
        key: key.into(),
        current: label == "reload",
        ticked: None,
    };
    vec![
        row("roll back", "Choose a revision and plan the way back.", "R"),
        row("reload", "Read the workspace again.", "r"),
        row("environment or cluster", "Choose where keys act.", "e"),
    ]
}

#[test]
fn a_palette() {
    let rows = menu_rows();
    let screen = render_with_styles(80, 24, |buf, area| {
        let theme = Theme::built_in("dark");
        Menu { title: "Everything", rows: &rows, total: 64, cursor: 1, typed: "rol", below: &[], offset: 0 }
            .draw(buf, area, &theme);
    });
    assert_snapshot!("palette", screen);
}

pub(super) fn sections() -> Vec<Section> {
    let row = |keys: &str, title: &str, help: &str| HelpRow {
        keys: keys.into(),
        title: title.into(),
        help: help.into(),
    };
    vec![
        Section {
            title: "Values".into(),
            rows: vec![
                row(
                    "Enter",
                    "edit",
                    "Edit the value under the cursor in the column's environment, in an input that fits its type.",
                ),
                row("Space", "fold", "Fold or unfold."),
                row(
                    "Delete",
                    "unset",
                    "Remove this key from the environment's file, so that the layer below wins.",
                ),
            ],
        },
        Section {
            title: "Everywhere".into(),
            rows: vec![
                row("1-6", "rooms", "Go to a room."),
                row(": Ctrl-P", "palette", "Everything else, by name."),
            ],
        },
    ]
}

#[test]
fn help_of_a_room() {
    let screen = render_with_styles(80, 24, |buf, area| {
        help::draw(buf, area, "Help: Values", &sections(), &mut 0, &Theme::built_in("dark"));
    });
    assert_snapshot!("help", screen);
}

#[test]
fn faces_and_inputs() {
    let error = Error::new("cannot list releases")
        .at("context nonprod-viewer")
        .because("secrets is forbidden: User \"viewer\" cannot list resource \"secrets\" in API group \"\" at the cluster scope")
        .next("ask for the role `view` plus `list secrets` in floe-dev, or choose another context");
    let screen = render_with_styles(80, 24, |buf, _| {
        let theme = Theme::built_in("dark");
        let cells = [0, 1, 2, 3].map(|n| Rect { x: (n % 2) * 40, y: (n / 2) * 9, width: 40, height: 9 });
        let faces = [
            Face::Loading { what: "releases of nonprod", since: Duration::from_millis(3_400) },
            Face::Empty { why: "no release here yet", hint: Some(("I", "install floe @ dev")) },
            Face::Failed { error: &error, hint: Some(("L", "log in")) },
            Face::TooSmall { hidden: "the diff" },
        ];
        for ((face, cell), title) in faces.iter().zip(cells).zip(["Loading", "Empty", "Failed", "Too small"])
        {
            let inside = Pane::new(title).draw(buf, cell, &theme);
            face.draw(buf, inside, &theme);
        }
        let choices = ["debug", "info", "warn"].map(str::to_owned);
        let enumerated = Input {
            prompt: "logLevel",
            line: &LineEdit::replacing("info"),
            choices: &choices,
            hint: "one of three, default info",
            error: None,
            secret: false,
            focused: true,
        };
        enumerated.draw(buf, Rect { x: 1, y: 18, width: 38, height: 3 }, &theme);
        let number = Input {
            prompt: "replicas",
            line: &LineEdit::new("-1"),
            choices: &[],
            hint: "integer 1..20, default 1",
            error: Some("must be at least 1"),
            secret: false,
            focused: true,
        };
        number.draw(buf, Rect { x: 41, y: 18, width: 38, height: 3 }, &theme);
    });
    assert_snapshot!("faces", screen);
}

#[test]
fn the_header_shortens_the_context_and_never_environment_or_namespace() {
    for width in 48..120 {
        let text = render_with_styles(width, 1, |buf, area| header(true).draw(buf, area, &Theme::default()));
        let line = text.lines().next().unwrap_or_default();
        assert!(
            line.contains("PROTECTED") && line.contains(" · prod →") && line.contains("/ floe-prod"),
            "{line}"
        );
    }
}

#[test]
fn nothing_blinks_under_200_ms() {
    let face = Face::Loading { what: "releases", since: Duration::from_millis(199) };
    let screen = render_with_styles(20, 3, |buf, area| face.draw(buf, area, &Theme::default()));
    assert!(screen.starts_with("\n\n\n---"), "{screen}");
}

#[test]
fn a_log() {
    let line = |n: usize| {
        let role = if n.is_multiple_of(7) { Role::Warn } else { Role::Text };
        Rich::of(Role::Muted, format!("12:00:{:02} ", n % 60)).then(
            role,
            format!("webserver: handled request {n} of a long line that does not fit into eighty columns"),
        )
    };
    let mut lines: Vec<Rich> = (0..100).map(line).collect();
    let screen = render_with_styles(80, 24, |buf, area| {
        let theme = Theme::built_in("dark");
        let mut state = TextState::following();
        let filter = Filter::parse("request 8");
        TextView::new(&lines).draw(&mut buf.clone(), area, &mut state, &theme);
        state.scroll(&lines, -5);
        lines.extend((100..314).map(line));
        let paused = state.paused(&lines).unwrap_or_default();
        let inside = Pane::new("Logs").focused(true).foot((Role::Warn, paused)).draw(buf, area, &theme);
        TextView::new(&lines).numbered().search(&filter).draw(buf, inside, &mut state, &theme);
    });
    assert_snapshot!("log", screen);
}
