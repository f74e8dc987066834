//! What `y` offers of a release: the thing under the cursor, and the command that shows the same outside.

use crate::cluster::objects::ObjectRow;
use crate::session::{ReleaseRef, Session};

use super::super::memory::Memory;
use super::super::rows::said;
use super::{Inside, Known, View};

impl Inside {
    /// What `y` offers.
    pub(in super::super) fn copyable(&self, session: &Session, memory: &Memory) -> Vec<(String, String)> {
        let known = Known::of(session, memory, &self.release);
        let release = &self.release;
        let mut all = Vec::new();
        let mut add = |label: &str, text: String| {
            if !text.is_empty() {
                all.push((label.to_owned(), text));
            }
        };
        match self.view {
            View::Overview => {}
            View::Components => {
                if let Some(component) = self.components.selected(&known) {
                    for (label, text) in object(&known, component.row, None) {
                        add(label, text);
                    }
                }
            }
            View::Resources => {
                if let Some((row, container)) = self.resources.object(&known) {
                    for (label, text) in object(&known, row, container.map(|found| found.name.as_str())) {
                        add(label, text);
                    }
                }
            }
            View::History => {
                if let Some(kept) = self.history.selected() {
                    add("revision", kept.revision.to_string());
                    add(
                        "command",
                        helm(
                            release,
                            &format!("get manifest {} --revision {}", release.release, kept.revision),
                        ),
                    );
                }
            }
            View::Values => add("values", self.values.whole()),
            View::Manifest => add("manifest", self.manifest.whole()),
            View::Notes => add("notes", self.notes.whole()),
            View::Hooks => {
                if let Some(hook) = self.hooks.selected(&known) {
                    add("hook", said(session, &hook.name));
                }
            }
            View::Jobs => {
                if let Some(row) = self.jobs.selected(&known) {
                    for (label, text) in object(&known, row, None) {
                        add(label, text);
                    }
                }
            }
            View::Events => {
                if let Some(event) = self.events.selected(&known, self.search()) {
                    add("event", format!("{}: {}", event.reason, session.redactor.text(&event.message)));
                }
            }
            View::Logs => {
                add("last 200 lines", self.logs.text(session).unwrap_or_default());
                if let Some(log) = self.logs.shown() {
                    let previous = if log.previous { " --previous" } else { "" };
                    add(
                        "command",
                        format!(
                            "kubectl --context {} -n {} logs {} -c {}{previous}",
                            log.context, log.namespace, log.pod, log.container
                        ),
                    );
                }
            }
        }
        if let Some(cause) = &known.cause {
            add("root cause", session.redactor.text(&cause.render()));
        }
        add("release", release.release.clone());
        add("helm command", helm(release, &format!("status {}", release.release)));
        all
    }
}

/// An object, why it does as it does, and the command that tells more of it or of a container.
fn object(known: &Known, row: &ObjectRow, container: Option<&str>) -> [(&'static str, String); 3] {
    let kind = row.kind.to_lowercase();
    let place = format!("--context {} -n {}", known.release.context, row.namespace);
    let command = match container {
        Some(container) => format!("kubectl {place} logs {} -c {container}", row.name),
        None => format!("kubectl {place} describe {kind} {}", row.name),
    };
    [
        ("object", format!("{kind}/{}", row.name)),
        ("reason", said(known.session, &row.reason)),
        ("command", command),
    ]
}

fn helm(release: &ReleaseRef, words: &str) -> String {
    format!("helm --kube-context {} --namespace {} {words}", release.context, release.namespace)
}
