//! Logs of containers: several are kept, each with its own place. A log follows only at its end; scrolling up
//! pauses it and says how much came since.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::base::redact::Redactor;
use crate::screens::scroll_text;
use crate::session::{Command, LogRef, LogView, Session, World};
use crate::ui::face::Face;
use crate::ui::text_view::{Lines, TextState, TextView};
use crate::ui::theme::Theme;
use crate::ui::{Rich, Role};

use super::inside::Wish;
use super::search::Search;

/// Logs kept open for one release.
const KEPT: usize = 6;

/// Lines of a log that are offered for copying.
const COPIED: usize = 200;

/// A log that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) log: LogRef,
    /// How its container does.
    pub(super) note: String,
}

impl Source {
    /// `webserver  floe-webserver-7c9-x`.
    pub(super) fn title(&self) -> String {
        title(&self.log)
    }
}

fn title(log: &LogRef) -> String {
    let before = if log.previous { " (previous)" } else { "" };
    format!("{}{before}", log.container)
}

#[derive(Debug)]
struct Tab {
    log: LogRef,
    state: TextState,
}

/// The view's own state.
#[derive(Debug, Default)]
pub(super) struct Logs {
    tabs: Vec<Tab>,
    at: usize,
}

/// A log as lines, masked line by line.
struct Shown<'a> {
    view: &'a LogView,
    redactor: &'a Redactor,
}

impl Lines for Shown<'_> {
    fn len(&self) -> usize {
        self.view.lines.len()
    }

    fn line(&self, index: usize) -> Rich {
        let Some(line) = self.view.lines.get(index) else { return Rich::default() };
        let line = self.redactor.text(line);
        if line.starts_with("· ") {
            return Rich::of(Role::Muted, line);
        }
        coloured(&line)
    }

    fn dropped(&self) -> usize {
        self.view.total.saturating_sub(self.view.lines.len())
    }
}

/// The level of a line stands out; nothing else is guessed.
fn coloured(line: &str) -> Rich {
    const BAD: [&str; 6] = ["ERROR", "FATAL", "CRITICAL", "PANIC", "level=error", "level=fatal"];
    const WARN: [&str; 3] = ["WARNING", "WARN", "level=warn"];
    let find = |words: &[&str]| words.iter().find_map(|word| line.find(word).map(|at| at..at + word.len()));
    match (find(&BAD), find(&WARN)) {
        (Some(range), _) => Rich::from_spans(line, &[(range, Role::Bad)]),
        (None, Some(range)) => Rich::from_spans(line, &[(range, Role::Warn)]),
        (None, None) => Rich::from(line),
    }
}

impl Logs {
    /// Shows a log; one that was open keeps its place.
    pub(super) fn open(&mut self, log: LogRef) {
        if let Some(at) = self.tabs.iter().position(|tab| tab.log == log) {
            self.at = at;
            return;
        }
        if self.tabs.len() == KEPT {
            self.tabs.remove(0);
        }
        self.tabs.push(Tab { log, state: TextState::following() });
        self.at = self.tabs.len() - 1;
    }

    /// Every log that is open: each goes on while another is read.
    pub(super) fn watched(&self) -> impl Iterator<Item = &LogRef> {
        self.tabs.iter().map(|tab| &tab.log)
    }

    /// The log that is shown.
    pub(super) fn shown(&self) -> Option<&LogRef> {
        self.tabs.get(self.at).map(|tab| &tab.log)
    }

    pub(super) fn command(&mut self, session: &Session, search: &Search, command: Command) -> Wish {
        let count = self.tabs.len();
        match command {
            Command::PaneNext if count > 0 => {
                self.at = (self.at + 1) % count;
                return Wish::Nothing;
            }
            Command::PanePrevious if count > 0 => {
                self.at = (self.at + count - 1) % count;
                return Wish::Nothing;
            }
            Command::ShowLogs => return Wish::PickLog,
            _ => {}
        }
        let Some(tab) = self.tabs.get_mut(self.at) else {
            return if command == Command::Enter { Wish::PickLog } else { Wish::Unhandled };
        };
        if command == Command::PreviousLogs {
            let log = LogRef { previous: !tab.log.previous, ..tab.log.clone() };
            self.open(log);
            return Wish::Nothing;
        }
        let Some(view) = session.world.log(&tab.log) else { return Wish::Unhandled };
        let shown = Shown { view, redactor: &session.redactor };
        let handled = match command {
            Command::NextMatch => tab.state.find(&shown, &search.filter, true),
            Command::PreviousMatch => tab.state.find(&shown, &search.filter, false),
            _ => scroll_text(&mut tab.state, &shown, command),
        };
        if handled { Wish::Nothing } else { Wish::Unhandled }
    }

    /// Goes to the newest line that the search names.
    pub(super) fn find(&mut self, session: &Session, search: &Search) {
        let Some(tab) = self.tabs.get_mut(self.at) else { return };
        if let Some(view) = session.world.log(&tab.log) {
            tab.state.find(&Shown { view, redactor: &session.redactor }, &search.filter, false);
        }
    }

    /// What the lower border says: `paused, 214 new`, how many lines fell out, the end.
    pub(super) fn foot(&self, session: &Session) -> Option<Rich> {
        let tab = self.tabs.get(self.at)?;
        let view = session.world.log(&tab.log)?;
        let shown = Shown { view, redactor: &session.redactor };
        if let Some(words) = tab.state.paused(&shown) {
            return Some(Rich::of(Role::Warn, words).then(Role::Muted, "  G follows"));
        }
        if let Some(error) = &view.error {
            return Some(Rich::of(Role::Bad, error.headline()));
        }
        if view.ended {
            return Some(Rich::of(Role::Muted, "ended"));
        }
        Some(Rich::of(Role::Good, "following"))
    }

    /// The last lines, for copying.
    pub(super) fn text(&self, session: &Session) -> Option<String> {
        let view = session.world.log(self.shown()?)?;
        let skipped = view.lines.len().saturating_sub(COPIED);
        Some(view.lines.iter().skip(skipped).map(|line| session.redactor.text(line) + "\n").collect())
    }

    pub(super) fn view(
        &mut self,
        session: &Session,
        search: &Search,
        frame: &mut Frame,
        area: Rect,
        theme: &Theme,
    ) {
        let buf = frame.buffer_mut();
        let Some(tab) = self.tabs.get(self.at) else {
            let face = Face::Empty { why: "no log is open", hint: Some(("o", "choose a container")) };
            face.draw(buf, area, theme);
            return;
        };
        let mut head = Rich::default();
        for (index, tab) in self.tabs.iter().enumerate() {
            let role = if index == self.at { Role::Selection } else { Role::Muted };
            head.push(role, format!(" {} ", title(&tab.log)));
            head.push(Role::Text, " ");
        }
        head.push(Role::Muted, format!(" {}", tab.log.pod));
        head.draw(buf, (area.x, area.y), area.width, theme, None);
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let Some(view) = session.world.log(&tab.log) else {
            Face::Empty { why: "waiting for the first lines", hint: None }.draw(buf, body, theme);
            return;
        };
        let shown = Shown { view, redactor: &session.redactor };
        if shown.is_empty() {
            match (&view.error, view.ended) {
                (Some(error), _) => {
                    let hint = (tab.log.previous).then_some(("p", "the present container"));
                    Face::Failed { error, hint }.draw(buf, body, theme);
                }
                (None, true) => {
                    Face::Empty { why: "it ended without a word", hint: None }.draw(buf, body, theme);
                }
                (None, false) => {
                    Face::Empty { why: "nothing was said yet", hint: None }.draw(buf, body, theme);
                }
            }
            return;
        }
        let Some(tab) = self.tabs.get_mut(self.at) else { return };
        TextView::new(&shown).search(&search.filter).draw(buf, body, &mut tab.state, theme);
    }
}

/// The last line of a log that says something.
pub(super) fn last_words(world: &World, redactor: &Redactor, log: &LogRef) -> Option<String> {
    let view = world.log(log)?;
    let line = view.lines.iter().rev().find(|line| !line.trim().is_empty() && !line.starts_with("· "))?;
    Some(crate::base::text::one_line(&redactor.text(line)))
}
