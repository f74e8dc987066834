//! Whole flows: key presses through the key map, the model, the rooms and the real workers, on copied charts. Only
//! the terminal is in memory; there is no helm and no cluster.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)]

mod disk;
mod frame;
mod generated;
mod mouse;
mod pictures;
mod sizes;
mod typing;
mod values;
mod why;
mod worth;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::model::Model;
use super::workers::{Workers, files};
use super::{frame as picture, terminal::Terminal};
use crate::base::folders::Folders;
use crate::base::redact::Redactor;
use crate::helm::Verdict;
use crate::manifest::{self, DiffOptions, Redact};
use crate::session::keymap::Keymap;
use crate::session::{
    Action, CompareRequest, Effect, Given, Mapped, Message, Preview, PreviewRequest, RoomId, Session,
};
use crate::ui::theme::Theme;
use crate::workspace::{ContextInfo, Settings};

/// The program without a terminal.
struct Flow {
    folder: tempfile::TempDir,
    model: Model,
    workers: Workers,
    answers: mpsc::Receiver<Message>,
    runtime: Runtime,
    /// What was asked of the loop itself: copies, editors, the end.
    asked: Vec<Effect>,
    /// The last preview asked for of each environment.
    previews: Vec<PreviewRequest>,
    /// Comparisons asked for and not answered.
    compared: Vec<CompareRequest>,
}

impl Flow {
    /// Opens a copy of a chart of `tests/fixtures/charts`, or `charts` for the project's own.
    fn open(chart: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("ws");
        match chart {
            "charts" => copy(&root.join("charts"), &workspace.join("charts")),
            one => copy(&root.join("tests/fixtures/charts").join(one), &workspace.join(one)),
        }
        Self::on(folder)
    }

    /// Opens what a folder holds under `ws`.
    fn on(folder: tempfile::TempDir) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let given = Given {
            root: folder.path().join("ws"),
            helm: Some(folder.path().join("no-helm")),
            kubeconfig: Some(folder.path().join("no-kubeconfig")),
            read_only: false,
        };
        let named = |name: &str| Some(folder.path().join(name).into_os_string());
        let folders = Folders::resolve_with(named).unwrap();
        let (sender, answers) = mpsc::channel(64);
        let redactor = Arc::new(Redactor::with_key([7; 32]));
        let config = folder.path().join("config.toml");
        let workers = Workers::new(given.clone(), folders, redactor.clone(), config, sender);
        let (keymap, warnings) = Keymap::new(&std::collections::BTreeMap::new());
        assert!(warnings.is_empty());
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let session = Session::new(given, Settings::default(), keymap, redactor, now);
        let themes = ["dark", "light", "mono"].map(str::to_owned).to_vec();
        let model = Model::new(session, themes, "terminal".to_owned(), true);
        let mut flow = Self {
            folder,
            model,
            workers,
            answers,
            runtime,
            asked: Vec::new(),
            previews: Vec::new(),
            compared: Vec::new(),
        };
        flow.reload();
        let context = |name: &str| ContextInfo { name: name.to_owned(), ..ContextInfo::default() };
        let contexts = vec![context("aks-shared-nonprod"), context("aks-shared-prod")];
        flow.hear(Message::Contexts(Ok(contexts)));
        flow
    }

    /// Reads the disk as the worker does.
    fn reload(&mut self) {
        let Effect::LoadWorkspace { generation, known } = self.model.session.reload() else {
            panic!("reading the disk is another effect")
        };
        let result = files::read(&self.model.session.given.root, &known);
        self.hear(Message::Workspace { generation, result });
    }

    fn hear(&mut self, message: Message) {
        let effects = self.model.hear(&message);
        self.dispatch(effects);
    }

    fn dispatch(&mut self, effects: Vec<Effect>) {
        let _inside = self.runtime.enter();
        for effect in effects {
            match effect {
                Effect::Preview(request) => {
                    self.previews.retain(|known| known.target != request.target);
                    self.previews.push(*request);
                }
                Effect::Compare(request) => self.compared.push(*request),
                Effect::Copy { .. }
                | Effect::OpenEditor { .. }
                | Effect::CaptureMouse(_)
                | Effect::Quit
                | Effect::Suspend
                | Effect::Redraw
                | Effect::Login { .. } => self.asked.push(effect),
                // No cluster is there to be asked.
                Effect::CheckCluster { .. } => {}
                effect => self.workers.dispatch(effect),
            }
        }
    }

    /// Presses keys: names of the key map between spaces, `'text` for what is typed.
    fn press(&mut self, keys: &str) -> &mut Self {
        for word in keys.split(' ') {
            match word.strip_prefix('\'') {
                Some(text) => text.chars().for_each(|c| self.key(&c.to_string())),
                None => self.key(word),
            }
        }
        self
    }

    fn key(&mut self, name: &str) {
        let key = key(name);
        // What is pressed was seen: dialogs take no key before they were drawn.
        self.draw(120, 40);
        self.model.session.now += jiff::SignedDuration::from_millis(50);
        if let Some(action) = self.model.meaning(key) {
            self.act(&action);
        }
    }

    fn act(&mut self, action: &Action) {
        let effects = self.model.act(action);
        self.dispatch(effects);
    }

    fn type_text(&mut self, text: &str) -> &mut Self {
        text.chars().for_each(|c| if c == ' ' { self.key("Space") } else { self.key(&c.to_string()) });
        self
    }

    fn click(&mut self, text: &str) -> &mut Self {
        let screen = self.screen(120, 40);
        let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains(text)).unwrap();
        let column = line.split(text).next().unwrap().chars().count();
        self.click_at(u16::try_from(column).unwrap() + 1, u16::try_from(row).unwrap())
    }

    fn click_at(&mut self, column: u16, row: u16) -> &mut Self {
        let kind = MouseEventKind::Down(MouseButton::Left);
        self.act(&Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
        self.draw(120, 40);
        self
    }

    fn wheel(&mut self, column: u16, row: u16, by: i32) -> &mut Self {
        let kind = if by < 0 { MouseEventKind::ScrollUp } else { MouseEventKind::ScrollDown };
        self.act(&Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
        self
    }

    /// Takes the workers' answers until the state is as wanted.
    fn wait(&mut self, what: &str, wanted: impl Fn(&Model) -> bool) -> &mut Self {
        let end = std::time::Instant::now() + Duration::from_secs(20);
        while !wanted(&self.model) {
            let left = end.saturating_duration_since(std::time::Instant::now());
            let answers = &mut self.answers;
            let next = self.runtime.block_on(async { tokio::time::timeout(left, answers.recv()).await });
            match next {
                Ok(Some(message)) => self.hear(message),
                _ => panic!("no {what}:\n{}", self.screen(120, 40)),
            }
        }
        self
    }

    fn draw(&mut self, width: u16, height: u16) -> Terminal {
        let mut terminal = Terminal::in_memory(width, height);
        let theme = Theme::built_in("terminal");
        terminal.draw(|target| picture::draw(&mut self.model, target, &theme)).unwrap();
        terminal
    }

    /// The screen as text.
    fn screen(&mut self, width: u16, height: u16) -> String {
        let terminal = self.draw(width, height);
        let buffer = terminal.buffer().unwrap();
        let row = |y| (0..width).map(move |x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// Where the terminal shows its own cursor.
    fn caret(&mut self) -> Option<ratatui::layout::Position> {
        self.draw(120, 40).caret()
    }

    /// The screen as text and styles.
    fn styled(&mut self, width: u16, height: u16) -> String {
        let terminal = self.draw(width, height);
        crate::ui::test::with_styles(terminal.buffer().unwrap())
    }

    #[track_caller]
    fn sees(&mut self, text: &str) -> &mut Self {
        let screen = self.screen(120, 40);
        assert!(screen.contains(text), "no `{text}` on\n{screen}");
        self
    }

    #[track_caller]
    fn misses(&mut self, text: &str) -> &mut Self {
        let screen = self.screen(120, 40);
        assert!(!screen.contains(text), "`{text}` on\n{screen}");
        self
    }

    fn file(&self, name: &str) -> PathBuf {
        let chart = self.model.session.selection.mapped.as_ref().unwrap().chart.clone();
        chart.join(name)
    }

    fn on_disk(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    /// Gives the preview that was asked for: these manifests before and after.
    fn previewed(&mut self, environment: &str, before: &str, after: &str) -> &mut Self {
        let request = self.previews.iter().find(|r| r.target.environment == environment).unwrap();
        let (target, generation) = (request.target.clone(), request.generation);
        let (old, new) = (manifest::parse(before).unwrap(), manifest::parse(after).unwrap());
        let redact = Some(Redact::by(Redactor::with_key([7; 32])));
        let options = DiffOptions { redact, ..DiffOptions::default() };
        let changes = manifest::diff(&old, &new, &options);
        let quiet = manifest::diff(&old, &new, &DiffOptions { hide_noise: true, ..options });
        let preview = Preview { changes, quiet, warnings: Vec::new() };
        let (result, verdict) = (Ok(Arc::new(preview)), Verdict::Pending);
        self.hear(Message::Preview { target, generation, result, verdict });
        self
    }

    fn notice(&self) -> String {
        self.model.session.notices.all().last().map(|n| n.lines.join("\n")).unwrap_or_default()
    }

    fn mapped(&self) -> Mapped {
        self.model.session.selection.mapped.clone().unwrap()
    }
}

fn key(name: &str) -> KeyEvent {
    let (modifiers, rest) = match name.strip_prefix("Ctrl-") {
        Some(rest) => (KeyModifiers::CONTROL, rest),
        None => (KeyModifiers::NONE, name),
    };
    let code = match rest {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        "Delete" => KeyCode::Delete,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "PageUp" => KeyCode::PageUp,
        "PageDown" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        one => {
            let mut chars = one.chars();
            let c = chars.next().unwrap();
            assert!(chars.next().is_none(), "{name} is no key");
            if modifiers.is_empty() { KeyCode::Char(c) } else { KeyCode::Char(c.to_ascii_lowercase()) }
        }
    };
    KeyEvent::new(code, modifiers)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn room(flow: &Flow) -> RoomId {
    flow.model.session.room
}
