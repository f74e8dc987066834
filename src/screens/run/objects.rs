//! The objects of a release as a tree that does not move while it turns green: what can fail on top, what only
//! exists below.

use std::collections::HashSet;

use crate::base::time;
use crate::cluster::health::{Health, is_static};
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot};
use crate::manifest::{ObjectId, short_kind};
use crate::ui::glyphs::Glyphs;
use crate::ui::list::Keys;
use crate::ui::table::{Fold, Row, Rows};
use crate::ui::tree::{Folds, Node, flatten};
use crate::ui::{Filter, Rich, Role};
use jiff::Timestamp;

/// The identity of a row: what stays when a pod's neighbours change.
pub(super) fn key(row: &ObjectRow) -> String {
    format!("{}/{}/{}", row.kind, row.namespace, row.name)
}

/// As jumps name it.
pub(super) fn id(row: &ObjectRow) -> ObjectId {
    ObjectId {
        api_version: row.api_version.clone(),
        kind: row.kind.clone(),
        namespace: (!row.namespace.is_empty()).then(|| row.namespace.clone()),
        name: row.name.clone(),
    }
}

/// The colour of a health; its glyph and word stand beside it.
pub(super) fn role_of(health: Health) -> Role {
    match health {
        Health::Degraded => Role::Bad,
        Health::Missing => Role::Warn,
        Health::Progressing => Role::Busy,
        Health::Unknown | Health::Suspended => Role::Muted,
        Health::Healthy => Role::Good,
    }
}

/// Glyph and word of a health.
pub(super) fn health(health: Health) -> Rich {
    Rich::of(role_of(health), format!("{} {}", health.glyph(), health.word()))
}

/// What it means that an object is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// It should be there.
    Missing,
    /// helm has not sent it yet.
    Awaited,
    /// An uninstall removed it, as it should.
    Gone,
}

/// The rows that are shown, in order.
pub(super) struct ObjectRows<'a> {
    snapshot: &'a ObjectsSnapshot,
    /// Position in the snapshot, fold mark, key.
    shown: Vec<(usize, Fold, String)>,
    absent: Absent,
    now: Timestamp,
    glyphs: &'static Glyphs,
}

impl<'a> ObjectRows<'a> {
    /// Folds and filters the snapshot.
    pub(super) fn of(
        snapshot: &'a ObjectsSnapshot,
        folds: &Folds,
        filter: &Filter,
        absent: Absent,
        now: Timestamp,
        glyphs: &'static Glyphs,
    ) -> Self {
        let order = order(snapshot);
        let parents: HashSet<usize> = order.iter().filter_map(|at| snapshot.rows.get(*at)?.parent).collect();
        let rows: Vec<(usize, String, &ObjectRow)> =
            order.into_iter().filter_map(|at| snapshot.rows.get(at).map(|row| (at, key(row), row))).collect();
        let nodes =
            rows.iter().map(|(at, key, row)| Node { key, depth: row.depth, branch: parents.contains(at) });
        let matches = |place: usize| rows.get(place).is_some_and(|(_, _, row)| fits(filter, row));
        let matched: Option<&dyn Fn(usize) -> bool> = if filter.is_empty() { None } else { Some(&matches) };
        let shown = flatten(nodes, folds, matched)
            .into_iter()
            .filter_map(|(place, fold)| rows.get(place).map(|(at, key, _)| (*at, fold, key.clone())))
            .collect();
        Self { snapshot, shown, absent, now, glyphs }
    }

    /// The row of the snapshot under a key.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.shown.iter().find(|(_, _, own)| own == key).map(|(at, _, _)| *at)
    }
}

/// What can fail first, then what only exists; an old revision's empty replica sets not at all.
fn order(snapshot: &ObjectsSnapshot) -> Vec<usize> {
    let rows = &snapshot.rows;
    let has_child: HashSet<usize> = rows.iter().filter_map(|row| row.parent).collect();
    let group = |row: &ObjectRow| {
        let api = row.api_version.split_once('/').map_or("", |(group, _)| group);
        is_static(api, &row.kind)
    };
    let (mut lively, mut quiet) = (Vec::new(), Vec::new());
    let mut in_quiet = false;
    for (at, row) in rows.iter().enumerate() {
        if row.depth == 0 {
            in_quiet = group(row);
        }
        if row.kind == "ReplicaSet" && row.depth > 0 && !row.new_revision && !has_child.contains(&at) {
            continue;
        }
        if in_quiet { quiet.push(at) } else { lively.push(at) }
    }
    lively.extend(quiet);
    lively
}

fn fits(filter: &Filter, row: &ObjectRow) -> bool {
    let whole = format!("{} {} {} {}", row.kind, row.name, row.health.word(), row.reason);
    filter
        .matches_fields(&whole, |field| match field {
            "kind" => Some(row.kind.clone().into()),
            "name" => Some(row.name.clone().into()),
            "health" => Some(row.health.word().into()),
            _ => None,
        })
        .is_some()
}

impl Keys for ObjectRows<'_> {
    fn len(&self) -> usize {
        self.shown.len()
    }

    fn key(&self, index: usize) -> std::borrow::Cow<'_, str> {
        self.shown.get(index).map_or("".into(), |(_, _, key)| key.as_str().into())
    }
}

impl Rows for ObjectRows<'_> {
    fn row(&self, index: usize) -> Row {
        let Some((at, fold, _)) = self.shown.get(index) else { return Row::default() };
        let Some(row) = self.snapshot.rows.get(*at) else { return Row::default() };
        let name = Rich::of(Role::Text, row.name.clone());
        let mut kind = Rich::of(Role::Muted, short_kind(&row.kind).to_owned());
        if row.hook && row.depth == 0 {
            kind.push(Role::Accent, " hook");
        }
        let absent = if row.health == Health::Missing { self.absent } else { Absent::Missing };
        let state = match absent {
            Absent::Missing => health(row.health),
            Absent::Awaited => Rich::of(Role::Muted, format!("{} not yet", self.glyphs.missing)),
            Absent::Gone => Rich::of(Role::Good, format!("{} gone", self.glyphs.good)),
        };
        let ready = row
            .replicas
            .map_or_else(String::new, |replicas| format!("{}/{}", replicas.ready, replicas.desired));
        let why = if absent != Absent::Missing || row.reason == "exists" {
            String::new()
        } else {
            row.reason.clone()
        };
        let why_role = match row.health {
            Health::Degraded => Role::Bad,
            Health::Healthy | Health::Unknown | Health::Suspended => Role::Muted,
            Health::Missing | Health::Progressing => Role::Text,
        };
        let age = row.since.or(row.created).map_or_else(String::new, |since| time::relative(since, self.now));
        let cells = [
            name,
            kind,
            state,
            Rich::of(Role::Text, ready),
            Rich::of(why_role, why),
            Rich::of(Role::Muted, age),
        ];
        Row::tree(row.depth, *fold, cells).dimmed(!row.new_revision)
    }
}

impl ObjectRows<'_> {
    /// The key of a row of the snapshot, or of the nearest owner that is shown.
    pub(super) fn shown_key(&self, at: usize) -> Option<&str> {
        let mut next = Some(at);
        for _ in 0..=self.snapshot.rows.len() {
            let here = next?;
            if let Some((_, _, key)) = self.shown.iter().find(|(own, _, _)| *own == here) {
                return Some(key);
            }
            next = self.snapshot.rows.get(here).and_then(|row| row.parent);
        }
        None
    }
}
