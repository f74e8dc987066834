//! How a release does at a glance: counts of health, what is wrong, what it is made of, and the ways out when
//! helm refuses to touch it.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::base::time;
use crate::cluster::Health;
use crate::helm::record::ApplyMethod;
use crate::operations::Life;
use crate::operations::life::artifact_version;
use crate::operations::recovery::{self, Known as KnownRevision, Way};
use crate::screens::scroll_text;
use crate::session::Command;
use crate::ui::text;
use crate::ui::text_view::{TextState, TextView};
use crate::ui::theme::Theme;
use crate::ui::{Rich, Role};

use super::applied::Applied;
use super::inside::{Known, Wish};
use super::rows::{age, said};
use super::state::{Tone, mark};

/// At most so many objects are named as problems; Resources has them all.
const PROBLEMS: usize = 12;

/// The view's own state.
#[derive(Debug, Default)]
pub(super) struct Overview {
    ways: Vec<Way>,
    /// The last revision as the state machine saw it.
    life: Option<Life>,
    /// Which way is marked.
    at: usize,
    lines: Vec<Rich>,
    state: TextState,
}

impl Overview {
    /// Works the ways out again.
    pub(super) fn sync(&mut self, known: &Known) {
        self.life = known.lives().into_iter().next();
        let history: Vec<KnownRevision> = known
            .row
            .map(|row| &row.history[..])
            .unwrap_or_default()
            .iter()
            .map(|kept| KnownRevision {
                revision: kept.revision,
                status: kept.status,
                modified: kept.modified,
            })
            .collect();
        // An operation of ours is no stuck one.
        self.ways = if known.session.world.running_on(known.release).is_some() {
            Vec::new()
        } else {
            recovery::ways(&history, known.session.settings.timeout, known.session.now)
        };
        self.at = self.at.min(self.ways.len().saturating_sub(1));
    }

    pub(super) fn command(&mut self, command: Command) -> Wish {
        match command {
            Command::Up if !self.ways.is_empty() && self.at > 0 => self.at -= 1,
            Command::Down if self.at + 1 < self.ways.len() => self.at += 1,
            Command::Enter => {
                return match self.ways.get(self.at) {
                    Some(Way { verb: Some(verb), revision, .. }) => Wish::Plan(*verb, *revision),
                    Some(_) => {
                        Wish::Say("nothing to plan: the record is watched, this screen follows it".to_owned())
                    }
                    None => Wish::Next,
                };
            }
            _ => {
                if !scroll_text(&mut self.state, &self.lines, command) {
                    return Wish::Unhandled;
                }
            }
        }
        Wish::Nothing
    }

    pub(super) fn view(
        &mut self,
        known: &Known,
        applied: &Applied,
        frame: &mut Frame,
        area: Rect,
        theme: &Theme,
    ) {
        self.lines = self.make(known, applied, usize::from(area.width), theme);
        let mut view = TextView::new(&self.lines);
        view.numbers = false;
        view.draw(frame.buffer_mut(), area, &mut self.state, theme);
    }

    fn make(&self, known: &Known, applied: &Applied, width: usize, theme: &Theme) -> Vec<Rich> {
        let mut lines = vec![counts(known, theme)];
        if !self.ways.is_empty() {
            lines.push(Rich::default());
            self.ways_lines(&mut lines, width, theme);
        }
        lines.push(Rich::default());
        facts(known, applied, self.life.as_ref(), width, theme, &mut lines);
        problems(known, theme, &mut lines);
        lines
    }

    fn ways_lines(&self, lines: &mut Vec<Rich>, width: usize, theme: &Theme) {
        lines.push(
            Rich::of(Role::Title, "The ways out, safest first")
                .then(Role::Muted, "   Enter plans the marked one"),
        );
        for (index, way) in self.ways.iter().enumerate() {
            let here = index == self.at;
            let lead = if here { theme.glyphs.closed } else { " " };
            let role = if here { Role::Selection } else { Role::Text };
            lines.push(Rich::of(Role::Accent, format!("{lead} ")).then(role, format!(" {} ", way.title)));
            let words = std::iter::once(&way.why).chain(&way.caveats);
            for words in words {
                let wrapped = text::wrap(words, width.saturating_sub(6).max(20));
                lines.extend(wrapped.into_iter().map(|line| Rich::of(Role::Muted, format!("     {line}"))));
            }
        }
    }
}

/// `◐ progressing   11 healthy · 1 progressing`.
pub(super) fn counts(known: &Known, theme: &Theme) -> Rich {
    let glyphs = theme.glyphs;
    let Some(objects) = known.objects.filter(|objects| objects.at.is_some()) else {
        return match known.row {
            Some(_) if known.record.is_none() => Rich::of(Role::Muted, "waiting for the release record"),
            Some(_) => Rich::of(Role::Muted, "looking at the objects"),
            None => Rich::of(Role::Muted, "nothing is known of this release"),
        };
    };
    let health = objects.health();
    let mut line = mark(Tone::from(health), health.word(), glyphs).then(Role::Muted, "   ");
    for (index, (health, count)) in objects.counts().into_iter().enumerate() {
        if index > 0 {
            line.push(Role::Muted, format!(" {} ", glyphs.dot));
        }
        line.push(Tone::from(health).role(), format!("{count} {}", health.word()));
    }
    if objects.is_loading() {
        line.push(Role::Busy, "   still looking");
    } else if let Some(fault) = objects.fault() {
        line.push(Role::Warn, format!("   stale: {}", fault.word()));
    }
    line
}

fn facts(
    known: &Known,
    applied: &Applied,
    life: Option<&Life>,
    width: usize,
    theme: &Theme,
    lines: &mut Vec<Rich>,
) {
    let now = known.session.now;
    let mut fact = |name: &str, value: Rich| {
        lines.push(Rich::of(Role::Muted, format!("{name:<16}")).join(value));
    };
    if let Some(row) = known.row {
        let mut value = Rich::of(Role::Text, row.revision.to_string()).then(Role::Text, " ").join(mark(
            Tone::from(row.status),
            row.status.word(),
            theme.glyphs,
        ));
        if let Some(deployed) = row.deployed.filter(|deployed| *deployed != row.revision) {
            value.push(Role::Muted, format!("   revision {deployed} is deployed"));
        }
        value.push(Role::Muted, format!("   {} kept", text::count(row.revisions, "revision")));
        fact("revision", value);
    }
    if let Some(life) = life {
        state(known, life, width, theme, &mut fact);
    }
    let Some(record) = known.record else { return };
    let mut chart = Rich::from(said(known.session, &record.chart.label()));
    if !record.chart.app_version.is_empty() {
        chart.push(Role::Muted, format!("   app {}", said(known.session, &record.chart.app_version)));
    }
    chart.push(Role::Muted, format!("   artifacts {}", said(known.session, artifact_version(record))));
    fact("chart", chart);
    let mut when = |name: &str, at: Option<jiff::Timestamp>| {
        if let Some(at) = at {
            fact(name, Rich::from(time::absolute(at)).then(Role::Muted, format!("   {} ago", age(at, now))));
        }
    };
    when("deployed", record.last_deployed);
    when("first deployed", record.first_deployed);
    let how = match record.apply_method {
        ApplyMethod::ClientSide => "client-side apply",
        ApplyMethod::ServerSide => "server-side apply",
    };
    fact("applied by", Rich::of(Role::Text, how));
    match applied {
        Applied::Unknown => {}
        Applied::Same => fact("workspace", Rich::of(Role::Text, "the same values and chart")),
        Applied::Differs { .. } => {
            let words = format!("{} not applied yet, U plans it", applied.words());
            fact("workspace", Rich::of(Role::Changed, words));
        }
    }
    let back = known.brings_back();
    for (index, words) in back.iter().enumerate() {
        fact(if index == 0 { "would come back" } else { "" }, Rich::of(Role::Warn, words.clone()));
    }
    if !back.is_empty() {
        let words = "the workspace still has what was rolled back from: the next upgrade brings it back";
        for line in text::wrap(words, width.saturating_sub(16).max(20)) {
            fact("", Rich::of(Role::Muted, line));
        }
    }
    let description = said(known.session, &record.description);
    for (index, line) in text::wrap(&description, width.saturating_sub(16).max(20)).into_iter().enumerate() {
        fact(if index == 0 { "helm says" } else { "" }, Rich::from(line));
    }
}

/// Where the deployment is in the platform's words, since when, and who brought it there.
fn state(known: &Known, life: &Life, width: usize, theme: &Theme, fact: &mut impl FnMut(&str, Rich)) {
    let mut value = mark(Tone::from(life.status), life.status.word(), theme.glyphs);
    if let Some(last) = life.last() {
        value.push(Role::Text, format!(" {}", last.when()));
        let how = format!("   {}", last.how());
        if 16 + value.width() + text::width(&how) <= width {
            value.push(Role::Muted, how);
        }
    }
    fact("state", value);
    for refused in life.transitions.iter().filter(|transition| transition.refused.is_some()) {
        let words = refused.refused.as_deref().unwrap_or_default();
        let words = format!("helm's record says {} ({}): {words}", refused.status, refused.when());
        let words = text::wrap(&said(known.session, &words), width.saturating_sub(16).max(20));
        for (index, line) in words.into_iter().enumerate() {
            fact(if index == 0 { "refused" } else { "" }, Rich::of(Role::Warn, line));
        }
    }
    let (who, how) = life.who();
    let mut value = Rich::from(said(known.session, who));
    let how = format!("   {how}");
    if 16 + value.width() + text::width(&how) <= width {
        value.push(Role::Muted, how);
    }
    fact("by", value);
}

fn problems(known: &Known, theme: &Theme, lines: &mut Vec<Rich>) {
    let Some(objects) = known.objects else { return };
    let bad = |health: Health| !matches!(health, Health::Healthy | Health::Suspended);
    // The lowest one that is not well says why; its owners only repeat it.
    let rows: Vec<_> = objects
        .rows
        .iter()
        .enumerate()
        .filter(|(at, row)| {
            bad(row.health) && row.new_revision && !objects.children(*at).any(|(_, child)| bad(child.health))
        })
        .map(|(_, row)| row)
        .collect();
    if rows.is_empty() {
        return;
    }
    lines.push(Rich::default());
    lines.push(Rich::of(Role::Title, "Not well"));
    for row in rows.iter().take(PROBLEMS) {
        let mut line = mark(Tone::from(row.health), row.health.word(), theme.glyphs);
        line.push(Role::Text, format!("  {}  ", row.title()));
        line.push(Role::Muted, known.session.redactor.text(&row.reason));
        if let Some(at) = row.since {
            line.push(Role::Muted, format!("  {}", age(at, known.session.now)));
        }
        lines.push(line);
    }
    if rows.len() > PROBLEMS {
        lines.push(Rich::of(Role::Muted, format!("and {} more in Resources", rows.len() - PROBLEMS)));
    }
}
