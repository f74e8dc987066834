//! What the key under the cursor reaches: a list of template lines that read it and of object lines it is in or
//! decides about. Choosing one opens the template.

use crate::render::why::{Reach, Role};
use crate::screens::values::{ASK_PLACE, Values};
use crate::session::{Ask, Choice, Goto, Session, Then};

/// More lines than anybody reads in a list.
const MOST: usize = 500;

impl Values {
    fn reach(&self, session: &Session) -> Option<(Reach, String)> {
        let (node, view) = (self.node()?, session.environments.get(self.column)?);
        Some((session.traced_output(&view.name)?.reach(&node.path), view.name.clone()))
    }

    pub(super) fn explain(&mut self, session: &mut Session) {
        let Some(key) = self.node().map(|node| node.key.clone()) else { return };
        let Some((reach, environment)) = self.reach(session) else {
            session.say("what reads this key is not known: the chart does not render here, or not yet");
            return;
        };
        let mut choices: Vec<Choice> = Vec::new();
        for at in &reach.read_at {
            choices.push(Choice::new(at.to_string()).detail("reads it"));
        }
        for line in reach.lines.iter().take(MOST) {
            let head = &line.document.head;
            let shown = session.redactor.manifest(&line.document.content);
            let text = shown.lines().nth(line.line.saturating_sub(1)).unwrap_or_default().trim().to_owned();
            let detail = if line.role == Role::Decides { format!("if there: {text}") } else { text };
            choices.push(Choice::new(format!("{} {}:{}", head.kind, head.name, line.line)).detail(detail));
        }
        if choices.is_empty() {
            let words = session.unread(&self.node().map(|node| node.path.clone()).unwrap_or_default());
            let words = words.map_or_else(
                || "is read by no template with these values".to_owned(),
                crate::render::unread::UnreadKey::words,
            );
            session.say(format!("{key}: {words}"));
            return;
        }
        let title = format!(
            "{key} @ {environment}: {} reached, {} read it",
            counted(reach.lines.len(), "line"),
            counted(reach.read_at.len(), "place")
        );
        session.ask(Ask::Choose { title, choices }, Then::Room(ASK_PLACE));
    }

    /// Opens the template of the chosen row.
    pub(super) fn go_to_reached(&mut self, session: &mut Session, row: usize) {
        let Some((reach, environment)) = self.reach(session) else { return };
        let place = match reach.read_at.get(row) {
            Some(at) => Some(at.clone()),
            None => reach.lines.get(row - reach.read_at.len()).and_then(|line| {
                let head = &line.document.head;
                let output = session.traced_output(&environment)?;
                let why = output.why_object(&line.document.source, &head.kind, &head.name, line.line)?;
                why.templates.last().cloned()
            }),
        };
        session.goto = place.map(Goto::Template);
    }
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
