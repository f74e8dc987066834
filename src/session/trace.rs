//! What reads a key: asked for when a room wants to know, kept until the texts move on.

use std::sync::Arc;

use super::{Effect, Session, TraceRequest, Traced};
use crate::render::Output;
use crate::render::unread::UnreadKey;
use crate::yaml::KeyPath;

impl Session {
    /// Asks for a trace of the selected chart, once for each state of its texts.
    pub fn want_trace(&mut self) -> Option<Effect> {
        let chart = self.chart()?;
        let (chart, schema) = (chart.dir.clone(), chart.schema.clone());
        let read = self.workspace.ready().map_or(0, |workspace| Arc::as_ptr(workspace) as usize);
        let generation = self.documents.generation();
        let asked = (chart.clone(), generation, read);
        if self.environments.is_empty() || self.trace_asked.as_ref() == Some(&asked) {
            return None;
        }
        self.trace_asked = Some(asked);
        let request = |view| self.render_source(view, true).or_else(|| self.render_source(view, false));
        let environments =
            self.environments.iter().filter_map(|view| Some((view.name.clone(), request(view)?))).collect();
        Some(Effect::Trace(Box::new(TraceRequest { chart, schema, generation, environments })))
    }

    /// The last trace of the selected chart; perhaps of texts that were edited since.
    pub fn trace(&self) -> Option<&Traced> {
        let chart = self.chart()?;
        self.traced.as_deref().filter(|traced| traced.chart == chart.dir)
    }

    /// What an environment of the selected chart rendered to, with its trace.
    pub fn traced_output(&self, environment: &str) -> Option<&Output> {
        let (_, output) = self.trace()?.outputs.iter().find(|(name, _)| name == environment)?;
        Some(output)
    }

    /// The unread key that a key is, or is in.
    pub fn unread(&self, path: &KeyPath) -> Option<&UnreadKey> {
        self.trace()?.unread.iter().find(|key| path.starts_with(&key.path))
    }
}
