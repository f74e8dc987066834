//! The kept revisions of a release, each with what it would change against the deployed one; the way back starts
//! here. What a rollback does not bring back is said beside it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use serde_json::Value;

use crate::base::time;
use crate::cluster::releases::{Kept, ReleaseRow};
use crate::helm::record::{HookPhase, HookRecord, Record, Status};
use crate::manifest::{self, Object};
use crate::model::DeploymentStatus;
use crate::operations::{Life, Verb};
use crate::session::{Command, Fetched};
use crate::ui::table::{Column, Listed, Row, Table};
use crate::ui::theme::Theme;
use crate::ui::{ListState, Rich, Role, layout, text};

use super::applied::differing;
use super::inside::{Known, Wish};
use super::memory;
use super::moving;
use super::rows::{age, said};
use super::state::{Tone, mark};

/// Records read for the history at once.
pub(super) const RECORDS: usize = 30;

/// What a revision's record tells against the deployed one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Facts {
    /// Objects that differ in any way.
    objects: usize,
    /// Values that differ, by path.
    values: Vec<String>,
    /// `web 1.2 → 1.3`, only those that differ.
    images: Vec<String>,
    /// Name, phase and event of the hooks and tests that ran.
    hooks: Vec<(Tone, String)>,
    /// What stays as it is when this revision is rolled back to.
    stays: Vec<String>,
}

/// The view's own state.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) cursor: ListState,
    /// By revision; for which pair of records.
    facts: HashMap<u32, (String, Facts)>,
    rows: Vec<Kept>,
    /// The same as the state machine saw them.
    lives: Vec<Life>,
}

/// Where a rollback would go to: what is deployed while something newer failed or hangs, else the newest one
/// that was deployed before it. Failed and pending ones are never proposed.
pub(super) fn candidate(row: &ReleaseRow) -> Option<u32> {
    if let Some(deployed) = row.deployed.filter(|deployed| *deployed < row.revision) {
        return Some(deployed);
    }
    let before = |kept: &&Kept| kept.revision < row.revision;
    let good = |kept: &&Kept| matches!(kept.status, Status::Superseded | Status::Deployed);
    row.history.iter().filter(before).filter(good).map(|kept| kept.revision).max()
}

impl History {
    /// Takes the kept revisions and compares those whose records have come.
    pub(super) fn sync(&mut self, known: &Known) {
        self.rows = known.row.map(|row| row.history.clone()).unwrap_or_default();
        self.lives = known.lives();
        let keys = self.keys();
        self.cursor.sync(keys.as_slice());
        self.facts.retain(|revision, _| self.rows.iter().any(|kept| kept.revision == *revision));
        let Some(deployed) = known.row.and_then(|row| row.deployed) else { return };
        let Some(now) = memory::record(known.session, known.release, deployed) else { return };
        let mut parsed: Option<Vec<Object>> = None;
        for kept in &self.rows {
            let Some(record) = memory::record(known.session, known.release, kept.revision) else { continue };
            let stamp = format!("{deployed} {} {}", kept.resource_version, record.status);
            if self.facts.get(&kept.revision).is_some_and(|(made, _)| *made == stamp) {
                continue;
            }
            let objects = parsed.get_or_insert_with(|| manifest::parse(&now.manifest).unwrap_or_default());
            self.facts.insert(kept.revision, (stamp, Facts::of(record, now, objects)));
        }
    }

    fn keys(&self) -> Vec<String> {
        self.rows.iter().map(|kept| kept.revision.to_string()).collect()
    }

    /// The revision under the cursor.
    pub(super) fn selected(&self) -> Option<&Kept> {
        let revision: u32 = self.cursor.selected()?.parse().ok()?;
        self.rows.iter().find(|kept| kept.revision == revision)
    }

    /// Puts the cursor on the revision that a rollback would go to.
    pub(super) fn go_to_candidate(&mut self, row: &ReleaseRow) {
        if let Some(revision) = candidate(row) {
            self.cursor.select(revision.to_string());
        }
    }

    /// `true` on the row that had the cursor already.
    pub(super) fn click(&mut self, at: Position) -> bool {
        let keys = self.keys();
        self.cursor.click(keys.as_slice(), at) == Some(true)
    }

    pub(super) fn command(&mut self, known: &Known, command: Command) -> Wish {
        let keys = self.keys();
        if moving::rows(&mut self.cursor, &keys, command) {
            return Wish::Nothing;
        }
        let deployed = known.row.and_then(|row| row.deployed);
        let Some(kept) = self.selected() else { return Wish::Unhandled };
        let is_deployed = deployed == Some(kept.revision);
        match command {
            Command::Enter | Command::DiffRevision if is_deployed => Wish::Say(format!(
                "revision {} is the deployed one: choose another to compare with",
                kept.revision
            )),
            Command::Enter | Command::DiffRevision if deployed.is_none() => {
                Wish::Say("no revision is deployed, so there is nothing to compare with".to_owned())
            }
            Command::Enter | Command::DiffRevision => Wish::Diff(kept.revision),
            Command::RollbackHere
                if is_deployed && known.row.is_some_and(|row| row.revision == kept.revision) =>
            {
                Wish::Say(format!("revision {} is what runs: choose another", kept.revision))
            }
            Command::RollbackHere if kept.status.is_pending() => Wish::Say(format!(
                "revision {} never came to its end ({}): choose another",
                kept.revision, kept.status
            )),
            Command::RollbackHere => Wish::Plan(Verb::Rollback, Some(kept.revision)),
            _ => Wish::Unhandled,
        }
    }

    pub(super) fn view(&mut self, known: &Known, frame: &mut Frame, area: Rect, theme: &Theme) {
        let split = layout::rows(area, 55, 5, 6);
        let (upper, lower) = match split {
            Some((upper, lower)) => {
                // Few revisions need little room.
                let height = upper.height.min(u16::try_from(self.rows.len() + 1).unwrap_or(u16::MAX).max(4));
                let rest = upper.height - height;
                (
                    Rect { height, ..upper },
                    Some(Rect { y: lower.y - rest, height: lower.height + rest, ..lower }),
                )
            }
            None => (area, None),
        };
        self.view_rows(known, frame, upper, theme);
        if let Some(lower) = lower {
            let mut lines = self.detail(known, usize::from(lower.width), theme);
            let room = usize::from(lower.height.saturating_sub(1));
            if lines.len() > room && room > 0 {
                let hidden = text::count(lines.len() - (room - 1), "more line");
                lines.truncate(room - 1);
                lines.push(Rich::of(Role::Muted, format!("{hidden} in a taller window")));
            }
            let buf = frame.buffer_mut();
            let rule = theme.glyphs.border.horizontal_top.repeat(usize::from(lower.width));
            Rich::of(Role::Border, rule).draw(buf, (lower.x, lower.y), lower.width, theme, None);
            for (line, y) in lines.iter().zip(lower.y + 1..lower.bottom()) {
                line.draw(buf, (lower.x, y), lower.width, theme, None);
            }
        }
    }

    fn view_rows(&mut self, known: &Known, frame: &mut Frame, area: Rect, theme: &Theme) {
        let deployed = known.row.and_then(|row| row.deployed);
        let columns = [
            Column::fit("rev", 3, 5).right(),
            Column::fit("status", 10, 18),
            Column::fit("age", 3, 5).right(),
            Column::fit("chart", 8, 28).cut(text::Cut::Middle).spare(2),
            Column::fit("app", 3, 10).spare(4),
            Column::fit("against deployed", 12, 24),
            Column::fill("helm says", 12).spare(1),
        ];
        let rows = self.rows.iter().map(|kept| {
            let record = known.session.world.records.get(&(known.release.clone(), Some(kept.revision)));
            let (chart, app, says) = match record {
                Some(Fetched::Ready { value, .. }) => (
                    Rich::from(said(known.session, &value.chart.label())),
                    Rich::of(Role::Muted, said(known.session, &value.chart.app_version)),
                    Rich::from(said(known.session, &value.description)),
                ),
                Some(Fetched::Failed { error, .. }) => {
                    (Rich::default(), Rich::default(), Rich::of(Role::Bad, error.headline()))
                }
                _ => (Rich::of(Role::Muted, theme.glyphs.ellipsis), Rich::default(), Rich::default()),
            };
            let against = if deployed == Some(kept.revision) {
                Rich::of(Role::Good, "deployed")
            } else {
                self.facts.get(&kept.revision).map(|(_, facts)| facts.hint()).unwrap_or_default()
            };
            let row = Row::new([
                Rich::from(kept.revision.to_string()),
                mark(Tone::from(kept.status), kept.status.word(), theme.glyphs),
                Rich::from(kept.modified.map(|at| age(at, known.session.now)).unwrap_or_default()),
                chart,
                app,
                against,
                says,
            ]);
            (kept.revision.to_string(), row)
        });
        let rows = Listed(rows.collect());
        Table::new(&columns, &rows).draw(frame.buffer_mut(), area, &mut self.cursor, theme);
    }

    /// About the revision under the cursor.
    fn detail(&self, known: &Known, width: usize, theme: &Theme) -> Vec<Rich> {
        let Some(kept) = self.selected() else { return Vec::new() };
        let mut lines = Vec::new();
        let mut first = Rich::of(Role::Title, format!("revision {}", kept.revision));
        if let Some(at) = kept.modified {
            first.push(Role::Muted, format!("   written {}", time::absolute(at)));
        }
        lines.push(first);
        let life = self.lives.iter().find(|life| life.revision == kept.revision);
        let Some((_, facts)) = self.facts.get(&kept.revision) else {
            let words = match known.session.world.records.get(&(known.release.clone(), Some(kept.revision))) {
                Some(Fetched::Failed { error, .. }) => error.lines().join("  "),
                Some(Fetched::Ready { .. }) => "no revision is deployed to compare with".to_owned(),
                _ => "reading its record".to_owned(),
            };
            lines.extend(text::wrap(&words, width).into_iter().map(|line| Rich::of(Role::Muted, line)));
            if let Some(life) = life {
                life_lines(known, life, width, theme, &mut lines);
            }
            return lines;
        };
        let is_deployed = known.row.and_then(|row| row.deployed) == Some(kept.revision);
        let mut section = |name: &str, role: Role, words: &str| {
            let room = width.saturating_sub(12).max(20);
            for (index, line) in text::wrap(words, room).into_iter().enumerate() {
                let name = if index == 0 { name } else { "" };
                lines.push(Rich::of(Role::Muted, format!("{name:<12}")).then(role, line));
            }
        };
        if is_deployed {
            section("against", Role::Text, "this is the deployed one");
        } else {
            section("against", Role::Changed, &facts.hint().text());
            if !facts.images.is_empty() {
                section("images", Role::Changed, &facts.images.join(", "));
            }
            if !facts.values.is_empty() {
                section("values", Role::Changed, &facts.values.join(", "));
            }
        }
        section("health", Role::Muted, &health(known, kept));
        if !is_deployed {
            section("not undone", Role::Warn, &facts.stays.join("; "));
        }
        if let Some(life) = life {
            life_lines(known, life, width, theme, &mut lines);
        }
        // One line each: what did not succeed is what the eye looks for.
        for (index, (tone, words)) in facts.hooks.iter().enumerate() {
            let role = if *tone == Tone::Bad { Role::Bad } else { Role::Text };
            let name = if index == 0 { "hooks" } else { "" };
            let words = format!("{} {words}", tone.glyph(theme.glyphs));
            lines.push(Rich::of(Role::Muted, format!("{name:<12}")).then(role, words));
        }
        lines
    }
}

/// The life of a revision: what it came from, who began it, each transition with its time, and what was refused.
fn life_lines(known: &Known, life: &Life, width: usize, theme: &Theme, lines: &mut Vec<Rich>) {
    let room = width.saturating_sub(12).max(20);
    let mut section = |name: &str, role: Role, words: &str, quiet: &str| {
        let words = said(known.session, words);
        let quiet = said(known.session, quiet);
        let name = Rich::of(Role::Muted, format!("{name:<12}"));
        // What is less telling stands behind, if there is room for it.
        if text::width(&words) + text::width(&quiet) + 3 <= room {
            lines.push(name.then(role, words).then(Role::Muted, format!("   {quiet}")));
            return;
        }
        let mut name = Some(name);
        for line in text::wrap(&words, room) {
            let lead = name.take().unwrap_or_else(|| Rich::from(" ".repeat(12)));
            lines.push(lead.then(role, line));
        }
    };
    let (who, how) = life.who();
    section("began", Role::Text, &format!("{}, by {who}", life.origin()), how);
    for transition in &life.transitions {
        if let Some(refused) = &transition.refused {
            let words = format!("{} {}: {refused}", transition.status, transition.when());
            section("refused", Role::Warn, &words, &transition.how());
            continue;
        }
        let glyph = Tone::from(transition.status).glyph(theme.glyphs);
        let role = if transition.status == DeploymentStatus::Failed { Role::Bad } else { Role::Text };
        let because = transition.reason.as_ref().map(|reason| format!(", because: {reason}"));
        let words = format!("{glyph} {}{}", transition.when(), because.unwrap_or_default());
        section(transition.status.word(), role, &words, &transition.how());
    }
    if let Some(retry) = life.retried_as {
        section("retried", Role::Text, &format!("as revision {retry}"), "");
    }
}

/// Only what runs now is observed.
fn health(known: &Known, kept: &Kept) -> String {
    let runs = known.row.is_some_and(|row| row.revision == kept.revision);
    match known.objects.filter(|objects| runs && !objects.is_loading()) {
        Some(objects) => format!("{} now", objects.health().word()),
        None => "not observed".to_owned(),
    }
}

impl Facts {
    fn of(record: &Record, deployed: &Record, objects: &[Object]) -> Self {
        let own = manifest::parse(&record.manifest).unwrap_or_default();
        let texts = |objects: &[Object]| -> HashMap<_, Arc<str>> {
            objects.iter().map(|object| (object.id.key(), object.text.clone())).collect()
        };
        let (here, there) = (texts(&own), texts(objects));
        let changed = here.iter().filter(|(key, text)| there.get(*key) != Some(*text)).count();
        let gone = there.keys().filter(|key| !here.contains_key(*key)).count();
        let ran = record.hooks.iter().filter(|hook| ran(hook));
        let mut hooks: Vec<(Tone, String)> = ran
            .map(|hook| {
                let what = if hook.is_test() { "test" } else { "hook" };
                (
                    Tone::from(hook.last_run.phase),
                    crate::base::text::one_line(&format!(
                        "{what} {} {}",
                        hook.name,
                        hook.last_run.phase.word()
                    )),
                )
            })
            .collect();
        hooks.sort_by_key(|(tone, _)| *tone != Tone::Bad);
        Self {
            objects: changed + gone,
            values: differing(&record.config, &deployed.config).iter().map(ToString::to_string).collect(),
            images: images_changed(&images(objects), &images(&own)),
            hooks,
            stays: stays(deployed, objects),
        }
    }

    /// `3 objects, 2 values`.
    fn hint(&self) -> Rich {
        let mut parts = Vec::new();
        if self.objects > 0 {
            parts.push(text::count(self.objects, "object"));
        }
        if !self.values.is_empty() {
            parts.push(text::count(self.values.len(), "value"));
        }
        if parts.is_empty() {
            return Rich::of(Role::Muted, "the same");
        }
        Rich::of(Role::Changed, parts.join(", "))
    }
}

/// Whether a hook did something; accounts and settings that come with it only stand beside the job.
fn ran(hook: &HookRecord) -> bool {
    matches!(hook.kind.as_str(), "Job" | "Pod") && hook.last_run.phase != HookPhase::Unknown
}

/// What a rollback leaves as the deployed revision made it.
fn stays(deployed: &Record, objects: &[Object]) -> Vec<String> {
    let mut stays = Vec::new();
    let migrations: Vec<&str> = deployed
        .hooks
        .iter()
        .filter(|hook| !hook.is_test() && ran(hook))
        .map(|hook| hook.name.as_str())
        .collect();
    if !migrations.is_empty() {
        let names = crate::base::text::one_line(&migrations.join(", "));
        stays.push(format!("what hooks did to data ({names})"));
    }
    let volumes = objects
        .iter()
        .filter(|object| matches!(object.id.kind.as_str(), "StatefulSet" | "PersistentVolumeClaim"))
        .count();
    if volumes > 0 {
        stays.push(format!("data on volumes ({})", text::count(volumes, "stateful object")));
    }
    stays.push("CRDs".to_owned());
    stays
}

/// The images of workloads: the last part of the repository with the tag.
fn images(objects: &[Object]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for object in objects {
        collect_images(&object.value, &mut found);
    }
    found
}

fn collect_images(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(key.as_str(), "containers" | "initContainers") {
                    let containers = value.as_array().into_iter().flatten();
                    found.extend(
                        containers.filter_map(|c| c.get("image")?.as_str()).map(crate::base::text::one_line),
                    );
                } else {
                    collect_images(value, found);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect_images(value, found)),
        _ => {}
    }
}

/// `web 1.2 → 1.3`: from the deployed images to those of the revision.
fn images_changed(from: &BTreeSet<String>, to: &BTreeSet<String>) -> Vec<String> {
    let split = |image: &str| -> (String, String) {
        let slash = image.rfind('/').map_or(0, |at| at + 1);
        match image[slash..].find([':', '@']) {
            Some(at) => (image[..slash + at].to_owned(), image[slash + at + 1..].to_owned()),
            None => (image.to_owned(), "latest".to_owned()),
        }
    };
    let mut changed = Vec::new();
    for image in to.difference(from) {
        let (name, tag) = split(image);
        let before = from.iter().map(|image| split(image)).find(|(other, _)| *other == name);
        let short = name.rsplit('/').next().unwrap_or(&name).to_owned();
        changed.push(match before {
            Some((_, before)) => format!("{short} {before} → {tag}"),
            None => format!("+ {short} {tag}"),
        });
    }
    for image in from.difference(to) {
        let (name, tag) = split(image);
        if !to.iter().any(|image| split(image).0 == name) {
            changed.push(format!("- {} {tag}", name.rsplit('/').next().unwrap_or(&name)));
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_by_their_tags() {
        let set = |images: &[&str]| images.iter().map(|image| (*image).to_owned()).collect::<BTreeSet<_>>();
        let from = set(&["registry:5000/a/web:1.2", "db:16", "old:1"]);
        let to = set(&["registry:5000/a/web:1.3", "db:16", "new@sha256:ff"]);
        assert_eq!(images_changed(&from, &to), ["+ new sha256:ff", "web 1.2 → 1.3", "- old 1"]);
        assert!(images_changed(&from, &from).is_empty());
    }
}
