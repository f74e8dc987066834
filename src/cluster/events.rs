//! Events: what controllers and kubelets say about objects, often the only place where a reason stands.

use jiff::Timestamp;
use serde_json::Value;

use super::fault::clean;
use super::health::{Warning, int, parse_time, text};

/// How many events of a release are kept.
const KEPT: usize = 500;

/// One event, or several that say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// When it happened last.
    pub at: Option<Timestamp>,
    /// When it happened first.
    pub first: Option<Timestamp>,
    /// The kind and name of the object it is about.
    pub kind: String,
    pub name: String,
    pub namespace: String,
    pub uid: String,
    pub reason: String,
    /// Neutralised; may have several lines.
    pub message: String,
    pub warning: bool,
    /// How often, all repeats added up.
    pub count: i64,
    /// Who says it: `kubelet`, `replicaset-controller`.
    pub source: String,
}

impl EventRow {
    /// Reads an event of `v1` or `events.k8s.io/v1`.
    pub fn read(event: &Value) -> Option<Self> {
        let about = event.get("involvedObject").or_else(|| event.get("regarding"))?;
        let time_at = |pointer: &str| text(event, pointer).and_then(parse_time);
        let created = time_at("/metadata/creationTimestamp");
        let last = ["/series/lastObservedTime", "/lastTimestamp", "/deprecatedLastTimestamp", "/eventTime"]
            .into_iter()
            .find_map(time_at)
            .or(created);
        let first = ["/firstTimestamp", "/deprecatedFirstTimestamp", "/eventTime"]
            .into_iter()
            .find_map(time_at)
            .or(created);
        let count = ["/series/count", "/count", "/deprecatedCount"].into_iter().find_map(|at| int(event, at));
        let words = |pointers: &[&str]| {
            pointers.iter().find_map(|pointer| text(event, pointer)).map(clean).unwrap_or_default()
        };
        Some(Self {
            at: last,
            first,
            kind: text(about, "/kind").map(clean).unwrap_or_default(),
            name: text(about, "/name").map(clean).unwrap_or_default(),
            namespace: text(about, "/namespace").map(clean).unwrap_or_default(),
            uid: text(about, "/uid").unwrap_or_default().to_owned(),
            reason: words(&["/reason"]),
            message: words(&["/message", "/note"]),
            warning: text(event, "/type") == Some("Warning"),
            count: count.unwrap_or(1).max(1),
            source: words(&["/source/component", "/reportingComponent", "/reportingController"]),
        })
    }

    /// As the health rules want it.
    pub(crate) fn as_warning(&self) -> Warning {
        Warning { reason: self.reason.clone(), message: self.message.clone(), at: self.at }
    }
}

/// Puts events in order, newest first, and adds repeats up: the same words about the same object are one row.
pub fn fold(events: impl IntoIterator<Item = EventRow>) -> Vec<EventRow> {
    let mut rows: Vec<EventRow> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for event in events {
        let key = (
            event.uid.clone(),
            event.kind.clone(),
            event.name.clone(),
            event.reason.clone(),
            event.message.clone(),
        );
        match index.get(&key) {
            None => {
                index.insert(key, rows.len());
                rows.push(event);
            }
            Some(&at) => {
                if let Some(row) = rows.get_mut(at) {
                    row.count += event.count;
                    row.first = match (row.first, event.first) {
                        (Some(a), Some(b)) => Some(a.min(b)),
                        (a, b) => a.or(b),
                    };
                    row.at = row.at.max(event.at);
                }
            }
        }
    }
    rows.sort_by(|a, b| {
        b.at.cmp(&a.at).then_with(|| a.name.cmp(&b.name)).then_with(|| a.reason.cmp(&b.reason))
    });
    rows.truncate(KEPT);
    rows
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(name: &str, message: &str, at: &str, count: i64) -> EventRow {
        EventRow::read(&json!({
            "involvedObject": {"kind": "Pod", "name": name, "namespace": "n", "uid": "u"},
            "type": "Warning", "reason": "BackOff", "message": message,
            "firstTimestamp": at, "lastTimestamp": at, "count": count, "source": {"component": "kubelet"},
        }))
        .unwrap()
    }

    #[test]
    fn repeats_add_up_and_the_newest_stands_first() {
        let rows = fold([
            event("a", "back-off", "2026-11-21T10:00:00Z", 2),
            event("b", "other", "2026-11-21T10:00:05Z", 1),
            event("a", "back-off", "2026-11-21T10:01:00Z", 3),
        ]);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].name.as_str(), rows[0].count), ("a", 5));
        assert_eq!(rows[0].first, Some("2026-11-21T10:00:00Z".parse().unwrap()));
        assert_eq!(rows[0].at, Some("2026-11-21T10:01:00Z".parse().unwrap()));
    }

    #[test]
    fn both_event_apis_are_read_and_neutralised() {
        let row = EventRow::read(&json!({
            "regarding": {"kind": "Job", "name": "j", "uid": "x"}, "type": "Normal", "reason": "Created",
            "note": "made \u{1b}[31mit", "eventTime": "2026-11-21T10:00:00.5Z", "reportingController": "job-controller",
        }))
        .unwrap();
        assert!(!row.warning);
        assert_eq!((row.count, row.source.as_str()), (1, "job-controller"));
        assert!(!row.message.contains('\u{1b}') && row.message.contains("it"));
        assert_eq!(EventRow::read(&json!({"kind": "Event"})), None);
    }
}
