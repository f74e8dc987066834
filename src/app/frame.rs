//! What stands around the rooms: header, tabs, footer, notices, and the layers above them. A pure function of
//! the model, apart from geometry.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::base::{Problem, time};
use crate::cluster::Pinned;
use crate::screens::Look;
use crate::session::{
    Ask, Choice, Command, EnvironmentView, Fetched, Level, Notice, Place, RoomId, Session, command,
};
use crate::ui::chrome::{Header, Hint, Part, Shorten, Tab, footer, tabs};
use crate::ui::dialog::{Dialog, overlay};
use crate::ui::help::{self, HelpRow, Section};
use crate::ui::menu::{Menu, MenuRow, Places};
use crate::ui::notice::{Toast, Tone, message_lines, toasts};
use crate::ui::theme::Theme;
use crate::ui::{Filter, Rich, Role, layout, text};

use super::model::{Drawn, Model};
use super::overlays::{Open, Question};

/// Draws everything.
pub(super) fn draw(model: &mut Model, frame: &mut Frame, theme: &Theme) {
    theme.take_caret();
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(frame, theme);
        return;
    }
    let parts = layout::frame(area);
    header(&model.session).draw(frame.buffer_mut(), parts.header, theme);
    let names = room_tabs(&model.session);
    model.places_drawn = Drawn { tabs: parts.tabs, menu: None };
    let current = RoomId::ALL.iter().position(|room| *room == model.session.room).unwrap_or(0);
    tabs(frame.buffer_mut(), parts.tabs, &names, current, theme);
    let look = Look { theme, zoomed: model.zoomed };
    let room = model.session.room;
    model.rooms.get(room).view(&model.session, frame, parts.body, &look);
    footer(frame.buffer_mut(), parts.footer, &hints(model), theme);
    draw_toasts(&model.session, frame, parts.body, theme);
    for open in &mut model.open {
        theme.take_caret();
        match open {
            Open::Question(question) => {
                question.drawn = true;
                model.places_drawn.menu = draw_question(question, &model.session, frame, area, theme);
            }
            Open::Help { places, offset } => draw_help(places, offset, &model.session, frame, area, theme),
            Open::Messages { offset } => draw_messages(offset, &model.session, frame, area, theme),
            Open::Reading { title, lines, offset } => draw_lines(title, lines, offset, frame, area, theme),
        }
    }
    // The terminal's own cursor is shown only where a key is text.
    if let Some(at) =
        theme.take_caret().filter(|_| model.places().first().is_some_and(|place| place.takes_text()))
    {
        frame.set_cursor_position(at);
    }
}

/// Columns and rows below which a room would hide what a key acts on.
const SMALLEST: (u16, u16) = (36, 7);

/// What is said instead of rooms; no question counts as seen.
fn too_small(frame: &mut Frame, theme: &Theme) {
    let area = frame.area();
    let lines = [
        Rich::of(Role::Warn, format!("{}x{} is too small", area.width, area.height)),
        Rich::of(Role::Muted, format!("needs {}x{} or more", SMALLEST.0, SMALLEST.1)),
        Rich::of(Role::Muted, "nothing is lost"),
    ];
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        line.draw(frame.buffer_mut(), (area.x, y), area.width, theme, None);
    }
}

/// `floe-platform · prod → aks-shared-prod / floe-prod            helm 4.2.4 · connected`
fn header(session: &Session) -> Header {
    let mut left = Vec::new();
    let mut protected = false;
    match (&session.selection.foreign, session.environment()) {
        (Some(release), _) => {
            left.push(Part { shorten: Shorten::Middle(8, 0), ..Part::fixed("", release.release.clone()) });
            left.push(Part::spare(" · ", "not of this workspace", 2).role(Role::Muted));
            left.push(Part::middle(" → ", release.context.clone()));
            left.push(Part::fixed(" / ", release.namespace.clone()));
            if let Some(mapped) = &session.selection.mapped
                && matches!(session.room, RoomId::Values | RoomId::Diff)
            {
                let chart = session.chart().map(|chart| chart.name.clone()).unwrap_or_default();
                let words = format!("(here: {chart} · {})", mapped.environment);
                left.push(Part::name("  ", words).role(Role::Warn));
            }
        }
        (None, Some(view)) => {
            protected = view.protected;
            let chart = session.chart().map(|chart| chart.name.clone()).unwrap_or_default();
            left.push(Part::name("", chart));
            left.push(Part::fixed(" · ", view.name.clone()));
            left.extend(where_to(session, view));
        }
        (None, None) => left.push(Part::fixed("", nothing_selected(session))),
    }
    let unsaved = session.documents.dirty().count();
    if unsaved > 0 {
        left.push(Part::late("   ", format!("{unsaved} unsaved")).role(Role::Changed));
    }
    let mut right = Vec::new();
    match &session.helm {
        Fetched::Ready { value, .. } => right.push(Part::spare("", format!("helm {}", value.version), 3)),
        Fetched::Failed { .. } => right.push(Part::fixed("", "no helm").role(Role::Bad)),
        Fetched::Awaited { .. } => {}
    }
    if let Some((role, word)) = connection(session) {
        right.push(Part::spare(" · ", word, 1).role(role));
    }
    if session.given.read_only {
        right.push(Part::fixed(" · ", "read-only").role(Role::Warn));
    }
    Header { left, right, protected }
}

fn where_to(session: &Session, view: &EnvironmentView) -> Vec<Part> {
    match &view.target {
        Ok(target) => {
            let mut parts = vec![Part::middle(" → ", target.cluster.clone())];
            match &target.context {
                // Where there is room for one of them only, the context says what a key would act on.
                Some(context) if *context != target.cluster => {
                    parts = vec![
                        Part::spare(" → ", target.cluster.clone(), 2),
                        Part::middle(" ", format!("({context})")).role(Role::Muted),
                    ];
                }
                Some(_) => {}
                None if matches!(session.contexts, Fetched::Awaited { .. }) => {}
                None => parts.push(Part::fixed(" ", "(no context)").role(Role::Warn)),
            }
            parts.push(Part::fixed(" / ", target.namespace.clone()));
            let name = session.chart().map(|chart| chart.name.as_str());
            if name != Some(target.release.as_str()) {
                parts.push(Part::spare(" / ", target.release.clone(), 1));
            }
            parts
        }
        Err(error) => vec![Part::middle(" → ", error.what.clone()).role(Role::Warn)],
    }
}

fn nothing_selected(session: &Session) -> String {
    match &session.workspace {
        Fetched::Awaited { .. } => "floe-tui".to_owned(),
        Fetched::Failed { .. } => "no workspace".to_owned(),
        Fetched::Ready { value, .. } if value.charts.is_empty() => {
            format!("no charts in {}", session.given.root.display())
        }
        Fetched::Ready { .. } => "no environment selected".to_owned(),
    }
}

fn connection(session: &Session) -> Option<(Role, String)> {
    let cluster = session.target().filter(|target| target.context.is_some())?.cluster.clone();
    let view = session.world.clusters.get(&cluster)?;
    Some(match &view.answer {
        Fetched::Awaited { .. } => (Role::Busy, "connecting".to_owned()),
        Fetched::Failed { error, .. } => (Role::Bad, error.what.clone()),
        Fetched::Ready { value: (_, Pinned::Mismatch { .. }), .. } => {
            (Role::Bad, "another cluster than pinned".to_owned())
        }
        Fetched::Ready { .. } => (Role::Good, "connected".to_owned()),
    })
}

/// The tabs as they are drawn now.
pub(super) fn room_tabs(session: &Session) -> Vec<Tab> {
    RoomId::ALL.iter().map(|room| tab(session, *room)).collect()
}

fn tab(session: &Session, room: RoomId) -> Tab {
    let key = (RoomId::ALL.iter().position(|r| *r == room).unwrap_or(0) + 1).to_string();
    let badge = match room {
        RoomId::Values => {
            let problems: usize = session.environments.iter().map(|view| view.problems.len()).sum();
            (problems > 0).then(|| (Role::Bad, problems.to_string()))
        }
        RoomId::Charts | RoomId::Clusters => {
            // What is wrong with a chart itself is seen in Charts, what is wrong with its mapping in Clusters.
            let charts = session.workspace.ready().map_or(&[][..], |workspace| workspace.charts.as_slice());
            let broken = session.workspace.ready().map_or(0, |workspace| workspace.broken.len());
            let of_chart =
                |problem: &&Problem| problem.file.as_ref().is_some_and(|file| file.ends_with("Chart.yaml"));
            let all = || charts.iter().flat_map(|found| &found.problems);
            let problems: usize = if room == RoomId::Charts {
                let own: usize = charts.iter().map(|found| found.chart.problems.len()).sum();
                broken + own + all().filter(of_chart).count()
            } else {
                all().filter(|problem| !of_chart(problem)).count()
            };
            (problems > 0).then(|| (Role::Bad, problems.to_string()))
        }
        RoomId::Run => {
            let running = session.world.operations.values().filter(|view| view.is_running()).count();
            (running > 0).then(|| (Role::Busy, "●".to_owned()))
        }
        _ => None,
    };
    Tab { key, name: room.title().to_owned(), badge }
}

/// The footer: the keys of the innermost place first, then those that are always there. A key that writes names
/// its target.
fn hints(model: &Model) -> Vec<Hint> {
    let mut places = model.places();
    if let Some(modal) = places.iter().position(|place| place.is_modal()) {
        places.truncate(modal + 1);
    }
    let session = &model.session;
    let target = session.release().map(|release| {
        let environment = session.environment().filter(|_| session.selection.foreign.is_none());
        match environment {
            Some(view) => format!("{} @ {}", release.release, view.name),
            None => format!("{} in {}", release.release, release.namespace),
        }
    });
    let mut found: Vec<(usize, u8, Hint)> = command::TABLE
        .iter()
        .filter(|info| info.footer > 0 && places.contains(&info.place))
        .filter(|info| !(info.writes && session.given.read_only))
        .filter(|info| fits(session, info.command))
        .filter(|info| model.rooms.peek(session.room).offers(session, info.command))
        .filter_map(|info| {
            let key = session.keymap.hint(info.command)?;
            let label = match &target {
                Some(target) if info.writes && info.place == Place::Everywhere => {
                    format!("{} {target}", info.title)
                }
                _ => info.title.to_owned(),
            };
            let place = places.iter().position(|place| *place == info.place)?;
            Some((place, info.footer, Hint::new(key, label)))
        })
        .collect();
    // Innermost first, so that a key stands for what it does here and not for what it would do further out.
    found.sort_by_key(|(place, _, _)| *place);
    let mut keys = HashSet::new();
    found.retain(|(_, _, hint)| keys.insert(hint.key.clone()));
    let mut found: Vec<(u8, Hint)> = found.into_iter().map(|(_, order, hint)| (order, hint)).collect();
    found.sort_by_key(|(order, _)| *order);
    // The last one always stays: help, or the way out of an overlay.
    let help = found.iter().position(|(_, hint)| hint.label == Command::Help.info().title);
    if let Some(at) = help {
        let help = found.remove(at);
        found.push(help);
    }
    let mut hints: Vec<Hint> = found.into_iter().map(|(_, hint)| hint).collect();
    // What `Space` does in a list of marks is the list's own and no command.
    if let Some(Open::Question(Question { ask: Ask::Mark { .. }, .. })) = model.open.last() {
        let page = session.keymap.hint(Command::MenuPageDown).map(|key| Hint::new(key, "read on"));
        hints.splice(0..0, [Hint::new("Space", "mark")].into_iter().chain(page));
    }
    hints
}

/// Keys that would do nothing now are not offered.
fn fits(session: &Session, command: Command) -> bool {
    let dirty = || session.documents.dirty().next().is_some();
    match command {
        Command::Save | Command::Diff => dirty(),
        Command::Interrupt => session.world.operations.values().any(|view| view.is_running()),
        Command::Undo => session
            .focused_file
            .as_ref()
            .and_then(|f| session.documents.get(f))
            .is_some_and(crate::session::Document::can_undo),
        Command::Install | Command::Upgrade | Command::Rollback | Command::Test => {
            let Some(release) = session.release() else { return false };
            let known = session.world.releases.get(&release.context);
            let exists = known.map(|snapshot| {
                snapshot
                    .rows
                    .iter()
                    .any(|row| row.name == release.release && row.namespace == release.namespace)
            });
            match command {
                Command::Install => exists != Some(true),
                _ => exists != Some(false),
            }
        }
        _ => true,
    }
}

fn draw_toasts(session: &Session, frame: &mut Frame, area: Rect, theme: &Theme) {
    // Of what is only said in passing the last word is enough; the list has them all.
    let newest = session.notices.shown(session.now).filter(|n| n.level == Level::Notice).last();
    let shown: Vec<Toast> = session
        .notices
        .shown(session.now)
        .filter(|notice| notice.level != Level::Notice || newest.is_some_and(|n| std::ptr::eq(n, *notice)))
        .map(toast)
        .collect();
    toasts(frame.buffer_mut(), area, &shown, theme);
}

fn toast(notice: &Notice) -> Toast<'_> {
    let tone = match notice.level {
        Level::Notice => Tone::Plain,
        Level::Warning => Tone::Warn,
        Level::Error => Tone::Bad,
    };
    Toast { tone, lines: &notice.lines, count: notice.count }
}

/// Gives where the parts of a menu are.
fn draw_question(
    question: &mut Question,
    session: &Session,
    frame: &mut Frame,
    area: Rect,
    theme: &Theme,
) -> Option<Places> {
    let rows = question.rows();
    match &question.ask {
        Ask::Confirm { title, body, deed, typed } => {
            let body: Vec<Rich> = body.iter().map(|line| Rich::of(Role::Text, line)).collect();
            let dialog = Dialog {
                title,
                body: &body,
                deed,
                typed: typed.as_deref().map(|wanted| (wanted, question.typed.as_str())),
                on_deed: question.cursor == 1,
                danger: typed.is_some(),
            };
            dialog.draw(frame.buffer_mut(), area, &mut question.offset, theme);
            None
        }
        Ask::Line { title, .. } => {
            let foot = Rich::of(Role::Key, "Enter").then(Role::KeyLabel, " takes it  ");
            let foot = foot.then(Role::Key, "Esc").then(Role::KeyLabel, " leaves");
            let title = Rich::of(Role::Title, title);
            let size = (area.width.saturating_sub(4).min(90), 3);
            let inside = overlay(frame.buffer_mut(), area, size, &title, &foot, theme);
            // The end is where one types: a long line is cut at its start.
            let room = usize::from(inside.width).saturating_sub(1);
            let shown = text::elide(&question.typed, room, text::Cut::Start, "…");
            let line = Rich::of(Role::Text, shown).then(Role::Cursor, " ");
            line.draw(frame.buffer_mut(), (inside.x, inside.y), inside.width, theme, Some(Role::Overlay));
            None
        }
        Ask::Choose { title, choices } | Ask::Mark { title, choices } => {
            let marks = matches!(question.ask, Ask::Mark { .. });
            let filter = Filter::parse(&format!("~{}", question.typed));
            let rows: Vec<MenuRow> = rows
                .iter()
                .filter_map(|row| Some((*row, choices.get(*row)?)))
                .map(|(row, choice)| menu_row(choice, row, question, marks, &filter, session))
                .collect();
            let below = question.below().0;
            let menu = Menu {
                title,
                rows: &rows,
                total: choices.len(),
                cursor: question.cursor,
                typed: &question.typed,
                below: &below,
                offset: question.offset,
            };
            let places = menu.draw(frame.buffer_mut(), area, theme);
            question.offset = places.offset;
            let scrolled = if below.is_empty() { places.rows } else { places.below };
            question.page = usize::from(scrolled.height.saturating_sub(1)).max(1);
            Some(places)
        }
    }
}

fn menu_row(
    choice: &Choice,
    row: usize,
    question: &Question,
    marks: bool,
    filter: &Filter,
    session: &Session,
) -> MenuRow {
    let key = match &question.then {
        crate::session::Then::Command(commands) => {
            commands.get(row).map(|command| session.keymap.keys(*command).join(" ")).unwrap_or_default()
        }
        _ => String::new(),
    };
    let matched = if question.typed.is_empty() {
        Vec::new()
    } else {
        filter.matches(&choice.label).unwrap_or_default()
    };
    MenuRow {
        label: choice.label.clone(),
        matched,
        detail: choice.detail.clone(),
        key,
        current: choice.current && !marks,
        ticked: marks.then(|| question.marked.contains(&row)),
    }
}

fn draw_help(
    places: &[Place],
    offset: &mut usize,
    session: &Session,
    frame: &mut Frame,
    area: Rect,
    theme: &Theme,
) {
    let sections: Vec<Section> = places
        .iter()
        .map(|place| Section {
            title: place.title().to_owned(),
            rows: command::TABLE
                .iter()
                .filter(|info| info.place == *place)
                .map(|info| HelpRow {
                    keys: session.keymap.keys(info.command).join(" "),
                    title: info.title.to_owned(),
                    help: info.help.to_owned(),
                })
                .collect(),
        })
        .collect();
    let title = format!("Keys of {}", session.room.title());
    help::draw(frame.buffer_mut(), area, &title, &sections, offset, theme);
}

fn draw_messages(offset: &mut usize, session: &Session, frame: &mut Frame, area: Rect, theme: &Theme) {
    let title = format!("Messages ({})", session.notices.all().len());
    draw_reading(&title, offset, frame, area, theme, |width| {
        let mut lines: Vec<Rich> = session
            .notices
            .all()
            .iter()
            .rev()
            .flat_map(|notice| {
                let time = time::absolute_in(notice.at, TimeZone::system());
                message_lines(&time, &toast(notice), width, theme)
            })
            .collect();
        if lines.is_empty() {
            lines.push(Rich::of(Role::Muted, "nothing was said yet"));
        }
        lines
    });
}

/// Plain lines: what is indented is cut at the right, everything else goes on in the next line.
fn draw_lines(
    title: &str,
    lines: &[String],
    offset: &mut usize,
    frame: &mut Frame,
    area: Rect,
    theme: &Theme,
) {
    draw_reading(title, offset, frame, area, theme, |width| {
        let rows = |line: &String| {
            if line.starts_with(' ') {
                vec![Rich::of(Role::Muted, text::elide(line, width, text::Cut::End, "…"))]
            } else {
                text::wrap(line, width).into_iter().map(|line| Rich::of(Role::Text, line)).collect()
            }
        };
        lines.iter().flat_map(rows).collect()
    });
}

/// Something to read, in lines made for the columns there are.
fn draw_reading(
    title: &str,
    offset: &mut usize,
    frame: &mut Frame,
    area: Rect,
    theme: &Theme,
    lines: impl FnOnce(usize) -> Vec<Rich>,
) {
    let size = (area.width.saturating_sub(8).min(120), area.height.saturating_sub(4));
    let foot = Rich::of(Role::Key, "Esc").then(Role::KeyLabel, " close");
    let inside = overlay(frame.buffer_mut(), area, size, &Rich::of(Role::Title, title), &foot, theme);
    let lines = lines(usize::from(inside.width));
    *offset = (*offset).min(lines.len().saturating_sub(usize::from(inside.height)));
    for (line, y) in lines.iter().skip(*offset).zip(inside.top()..inside.bottom()) {
        line.draw(frame.buffer_mut(), (inside.x, y), inside.width, theme, None);
    }
}
