//! The rooms. Each is one slice: its own state, how an action changes it, which watches it wants, how it looks.
//! Rooms know the session and the widgets, never each other: a jump goes through [`Session::goto`].

mod cause;
mod changes;
pub mod charts;
pub mod clusters;
pub mod diff;
pub mod releases;
pub mod run;
pub mod values;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::session::{Action, Command, Effect, Message, Place, RoomId, Session, Watch};
use crate::ui::text_view::{Lines, TextState};
use crate::ui::theme::Theme;
use crate::ui::{Rich, Role};

/// What a room is to the frame around it.
pub trait Room {
    /// Where a key would be pressed, innermost first, without the frame's own [`Place::Everywhere`].
    fn places(&self, session: &Session) -> Vec<Place>;

    /// The room was chosen, or the selection changed while it is shown: take [`Session::goto`] if it is meant,
    /// and ask for what the first picture needs.
    fn enter(&mut self, session: &mut Session) -> Vec<Effect>;

    /// An action that the frame did not handle itself.
    fn update(&mut self, session: &mut Session, action: &Action) -> Vec<Effect>;

    /// An answer came and the session has taken it; every room hears every answer.
    fn hear(&mut self, session: &mut Session, message: &Message) -> Vec<Effect> {
        let _ = (session, message);
        Vec::new()
    }

    /// Something changed, whoever changed it: an undo of the frame, an answer, another selection. Brings the room
    /// up to date before it is drawn; called for the room that is shown.
    fn settle(&mut self, session: &mut Session) -> Vec<Effect> {
        let _ = session;
        Vec::new()
    }

    /// What should be watched for as long as the room is shown like this.
    fn watches(&self, session: &Session) -> Vec<Watch> {
        let _ = session;
        Vec::new()
    }

    /// Whether it shows that something is being worked on, so that time has to be drawn.
    fn is_working(&self, session: &Session) -> bool {
        let _ = session;
        false
    }

    /// Whether a command of one of its places would do something now: the footer and the palette offer no other.
    fn offers(&self, session: &Session, command: Command) -> bool {
        let _ = (session, command);
        true
    }

    /// Draws the room. May write only geometry: offsets, page heights, where a row was drawn for the mouse.
    fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look);
}

/// How things are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub theme: &'a Theme,
    /// One pane has the whole area and no borders.
    pub zoomed: bool,
}

/// All rooms; they live as long as the program, so that position and filter survive leaving.
#[derive(Debug, Default)]
pub struct Rooms {
    pub charts: charts::Charts,
    pub values: values::Values,
    pub clusters: clusters::Clusters,
    pub diff: diff::DiffRoom,
    pub releases: releases::Releases,
    pub run: run::Run,
}

impl Rooms {
    /// The room of an id.
    pub fn get(&mut self, id: RoomId) -> &mut dyn Room {
        match id {
            RoomId::Charts => &mut self.charts,
            RoomId::Values => &mut self.values,
            RoomId::Clusters => &mut self.clusters,
            RoomId::Diff => &mut self.diff,
            RoomId::Releases => &mut self.releases,
            RoomId::Run => &mut self.run,
        }
    }

    /// The room of an id, to look at.
    pub fn peek(&self, id: RoomId) -> &dyn Room {
        match id {
            RoomId::Charts => &self.charts,
            RoomId::Values => &self.values,
            RoomId::Clusters => &self.clusters,
            RoomId::Diff => &self.diff,
            RoomId::Releases => &self.releases,
            RoomId::Run => &self.run,
        }
    }

    /// Lets every room hear an answer.
    pub fn hear(&mut self, session: &mut Session, message: &Message) -> Vec<Effect> {
        RoomId::ALL.iter().flat_map(|id| self.get(*id).hear(session, message)).collect()
    }
}

/// How long something has been going on; zero when the clock went backwards.
pub(crate) fn elapsed(since: jiff::Timestamp, now: jiff::Timestamp) -> std::time::Duration {
    std::time::Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

/// Scrolls a text by a command. `false` for commands that do not.
pub(crate) fn scroll_text(state: &mut TextState, lines: &(impl Lines + ?Sized), command: Command) -> bool {
    match command {
        Command::Up => state.scroll(lines, -1),
        Command::Down => state.scroll(lines, 1),
        Command::PageUp => state.page(lines, -1),
        Command::PageDown => state.page(lines, 1),
        Command::Top => state.first(lines),
        Command::Bottom => state.last(lines),
        Command::Left => state.shift(-SIDEWAYS),
        Command::Right => state.shift(SIDEWAYS),
        Command::Wrap => state.wrap = !state.wrap,
        _ => return false,
    }
    true
}

/// Says why a key that is listed does nothing where it was pressed. Moving against an end is seen by itself.
pub(crate) fn nothing_to(session: &mut Session, command: Command) {
    let why = match command {
        Command::Up
        | Command::Down
        | Command::Left
        | Command::Right
        | Command::PageUp
        | Command::PageDown
        | Command::Top
        | Command::Bottom
        | Command::Back => return,
        Command::Filter => "there is nothing to filter here".to_owned(),
        Command::Wrap => "lines are not wrapped here".to_owned(),
        Command::Fold => "there is nothing to fold or mark here".to_owned(),
        Command::FoldAll => "there is nothing to fold here".to_owned(),
        Command::PaneNext | Command::PanePrevious => "there is one pane here".to_owned(),
        Command::Enter => "there is nothing to open here".to_owned(),
        Command::NextMatch | Command::PreviousMatch => {
            "nothing is searched for: / starts a search".to_owned()
        }
        Command::DiffRevision => "choose a revision in the History view first".to_owned(),
        Command::RunJob | Command::SuspendJob => "choose a schedule in the Jobs view first".to_owned(),
        Command::RetryJob => "only a job that failed is tried again".to_owned(),
        Command::PreviousLogs => "open the log of a container first: o".to_owned(),
        other => format!("{} means nothing here", other.info().title),
    };
    session.say(why);
}

/// Cells that a text scrolls sideways at once.
const SIDEWAYS: isize = 8;

/// A filter after a key or a paste.
pub(crate) fn typed_filter(filter: &crate::ui::Filter, action: &Action) -> crate::ui::Filter {
    use crossterm::event::{KeyCode, KeyModifiers};
    let mut text = filter.text().to_owned();
    match action {
        Action::Text(key) => match key.code {
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => text.clear(),
            KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::CONTROL) => text.push(c),
            KeyCode::Backspace => drop(text.pop()),
            _ => {}
        },
        Action::Paste(pasted) => text.push_str(pasted.lines().next().unwrap_or_default()),
        _ => {}
    }
    crate::ui::Filter::parse(&text)
}

/// A path as the user knows it: relative to the selected chart, else to the workspace.
pub(crate) fn relative(session: &Session, path: &std::path::Path) -> String {
    let chart = session.selection.mapped.as_ref().map(|mapped| mapped.chart.as_path());
    let inside = chart.and_then(|chart| path.strip_prefix(chart).ok());
    inside.or_else(|| path.strip_prefix(&session.given.root).ok()).unwrap_or(path).display().to_string()
}

/// YAML tokens as roles, line by line.
pub(crate) fn highlight(text: &str) -> Vec<Vec<(std::ops::Range<usize>, Role)>> {
    use crate::yaml::lex::TokenKind;
    crate::yaml::lex::highlight(text)
        .into_iter()
        .map(|line| {
            line.into_iter()
                .map(|token| {
                    let role = match token.kind {
                        TokenKind::Key => Role::YamlKey,
                        TokenKind::String | TokenKind::Block => Role::YamlString,
                        TokenKind::Number => Role::YamlNumber,
                        TokenKind::Keyword => Role::YamlBool,
                        TokenKind::Comment => Role::YamlComment,
                        TokenKind::Reference => Role::YamlAnchor,
                        TokenKind::Punctuation => Role::YamlPunct,
                        TokenKind::Invalid => Role::Bad,
                    };
                    (token.range, role)
                })
                .collect()
        })
        .collect()
}

/// A YAML text ready to be read.
pub(crate) fn yaml_lines(text: &str) -> Vec<Rich> {
    text.lines().zip(highlight(text)).map(|(line, spans)| Rich::from_spans(line, &spans)).collect()
}

/// A Go template: actions stand out, the rest is YAML.
pub(crate) fn template_lines(text: &str) -> Vec<Rich> {
    // An action may span lines; the lexer gets blanks in its place, so that it sees YAML only.
    let mut actions: Vec<Vec<std::ops::Range<usize>>> = Vec::new();
    let mut yaml = String::new();
    let mut inside = false;
    for line in text.lines() {
        let mut found = Vec::new();
        let mut at = 0;
        let mut from = 0;
        loop {
            let rest = line.get(at..).unwrap_or_default();
            let next = if inside { rest.find("}}").map(|i| i + 2) } else { rest.find("{{") };
            match next {
                Some(offset) if inside => {
                    found.push(from..at + offset);
                    inside = false;
                    at += offset;
                }
                Some(offset) => {
                    from = at + offset;
                    at = from;
                    inside = true;
                }
                None => break,
            }
        }
        if inside {
            found.push(from..line.len());
        }
        let mut plain = line.to_owned();
        for range in &found {
            plain.replace_range(range.clone(), &" ".repeat(range.len()));
        }
        yaml.push_str(&plain);
        yaml.push('\n');
        actions.push(found);
    }
    let tokens = highlight(&yaml);
    text.lines()
        .zip(actions)
        .zip(tokens)
        .map(|((line, actions), tokens)| {
            let mut spans: Vec<(std::ops::Range<usize>, Role)> =
                actions.into_iter().map(|range| (range, Role::Template)).collect();
            let taken = |range: &std::ops::Range<usize>| {
                spans.iter().any(|(action, _)| action.start < range.end && range.start < action.end)
            };
            let free: Vec<_> = tokens.into_iter().filter(|(range, _)| !taken(range)).collect();
            spans.extend(free);
            spans.sort_by_key(|(range, _)| range.start);
            Rich::from_spans(line, &spans)
        })
        .collect()
}
