//! `tpl` before helm 3.13: its text is rendered apart. It takes the name of the file that calls it, all other files are
//! parsed anew after it (so their definitions win over its own), and what the calling file defines is not there.

use std::sync::Arc;

use super::super::errors::Fault;
use super::super::function::FnError;
use super::super::quote::quoted;
use super::super::value::{Str, Value};
use crate::render::refusal;

use super::{Context, Templates, without_no_value};

impl Context {
    pub(super) fn tpl_apart(&mut self, text: &Str, dot: &Value) -> Result<Str, FnError> {
        let Value::Map(scope) = dot else {
            // Helm 3.12's parameter is a map; the newer one's is not, so the evaluator lets everything pass.
            return Err(format!(
                "cannot retrieve Template.Basepath from values inside tpl function: {text}: \
                 \"Template\" is not a table"
            )
            .into());
        };
        let own = |key: &str| match scope.get(b"Template") {
            Some(Value::Map(template)) => {
                template.get(key.as_bytes()).and_then(|value| value.as_str().cloned())
            }
            _ => None,
        };
        let (Some(_), Some(name)) = (own("BasePath"), own("Name")) else {
            return Err(format!(
                "cannot retrieve Template.Basepath from values inside tpl function: {text}: \"BasePath\" is not a value"
            )
            .into());
        };
        let failed = |words: String| {
            let lead = format!("error during tpl function execution for {}: ", quoted(text));
            FnError::Nested(lead, Box::new(Fault::other(words)))
        };
        let trees = self.parse(&name.text(), text).map_err(|words| failed(refusal::parse(&words)))?;
        let mut templates = Templates::default();
        templates.add(&trees);
        for others in &self.templates.texts {
            // The file itself is the last tree of its text.
            if others.last().is_some_and(|file| file.name.as_bytes() != &*name) {
                templates.define(others);
            }
        }
        templates.texts.clone_from(&self.templates.texts);
        let outer = (
            std::mem::replace(&mut self.templates, Arc::new(templates)),
            std::mem::take(&mut self.overlays),
            std::mem::take(&mut self.included),
        );
        let ran = self.run(&name, dot.clone());
        (self.templates, self.overlays, self.included) = outer;
        match ran {
            Ok(out) => Ok(without_no_value(out)),
            Err(fault) if fault.is_limit() => Err(FnError::Limit(Box::new(fault))),
            Err(fault) => Err(failed(refusal::execution(self.profile, &name.text(), &fault))),
        }
    }
}
