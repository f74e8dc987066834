//! Where the hunk under the cursor comes from: the keys that feed it or decide about it, each with its value and layer,
//! and the template lines that write it. Choosing one opens it.

use std::sync::Arc;

use super::{ASK_CAUSE, DiffRoom};
use crate::base::Error;
use crate::screens::changes::HunkFields;
use crate::session::{
    Ask, Choice, Effect, ExplainRequest, Explained, Goto, RoomId, Session, Side, SideSource, Then,
};

/// The last question.
#[derive(Debug, Default)]
pub(super) struct Why {
    generation: u64,
    /// Of what the answer will be.
    title: String,
    /// It was asked about the side after.
    is_after: bool,
    told: Option<Arc<Explained>>,
}

impl DiffRoom {
    /// Asks where the lines of the hunk come from: those after, or those that are gone when there are none after.
    pub(super) fn ask_why(&mut self, session: &mut Session) -> Vec<Effect> {
        let (Some(hunk), Some(view)) = (self.changes.hunk_fields(), session.environment()) else {
            session.say("no hunk is under the cursor");
            return Vec::new();
        };
        let HunkFields { object, path, is_after, fields } = hunk;
        let (side, other) = if is_after { (&self.right, &self.left) } else { (&self.left, &self.right) };
        let rendered = |side: &Side| match Self::source(session, view, side) {
            Ok(SideSource::Render(source)) => Ok(Some(*source)),
            Ok(SideSource::Revision { .. } | SideSource::Live { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let source = match rendered(side) {
            Ok(Some(source)) => source,
            Ok(None) => {
                session.say(format!(
                    "the {side} side was not rendered here, so its keys are not known; v compares others"
                ));
                return Vec::new();
            }
            Err(error) => {
                session.fail(&error);
                return Vec::new();
            }
        };
        let other = rendered(other).ok().flatten();
        self.why.is_after = is_after;
        self.why.generation += 1;
        self.why.title = format!("{} {}: {path} @ {}", object.kind, object.name, view.name);
        let generation = self.why.generation;
        vec![Effect::Explain(Box::new(ExplainRequest { generation, source, other, object, fields }))]
    }

    /// Shows what came of it.
    pub(super) fn tell_why(
        &mut self,
        session: &mut Session,
        generation: u64,
        result: &Result<Arc<Explained>, Error>,
    ) {
        if generation != self.why.generation || session.room != RoomId::Diff {
            return;
        }
        let told = match result {
            Ok(told) => told,
            Err(error) => return session.fail(error),
        };
        let keys = told.keys.iter().map(|cause| {
            let value = match &cause.other {
                None => cause.value.clone(),
                Some(before) if self.why.is_after => format!("{before} → {}", cause.value),
                Some(after) => format!("{} → {after}", cause.value),
            };
            let place =
                cause.origin.as_ref().map(|origin| format!("{}  ", origin.place())).unwrap_or_default();
            let detail = format!("{:7}  {place}{value}", cause.role.word());
            Choice::new(cause.path.to_string()).detail(detail).current(cause.other.is_some())
        });
        let templates = told.templates.iter().map(|at| Choice::new(at.to_string()).detail("writes it"));
        let choices: Vec<Choice> = keys.chain(templates).collect();
        if choices.is_empty() {
            session.say(format!("{}: it is not rendered on this side", self.why.title));
            return;
        }
        self.why.told = Some(told.clone());
        let random = if told.unstable { ", with something random in it" } else { "" };
        session.ask(
            Ask::Choose { title: format!("{}{random}", self.why.title), choices },
            Then::Room(ASK_CAUSE),
        );
    }

    /// Opens the key in Values, or the template at its line.
    pub(super) fn go_to_cause(&mut self, session: &mut Session, row: usize) {
        let Some(told) = &self.why.told else { return };
        if let Some(cause) = told.keys.get(row) {
            session.goto = Some(Goto::Value(cause.path.clone()));
        } else if let Some(at) = told.templates.get(row - told.keys.len()) {
            session.goto = Some(Goto::Template(at.clone()));
        }
    }
}
