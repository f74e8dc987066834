//! What a preview is worth, in words. The engine's own rendering is shown at once; helm judges it when nothing is
//! typed.

use crate::helm::Verdict;
use crate::render::Profile;
use crate::ui::{Rich, Role};

use super::{Command, Fetched, Session};

impl Session {
    /// A few words for the border of a preview.
    pub fn worth(&self, verdict: &Verdict) -> Rich {
        let why = || {
            self.keymap
                .keys(Command::Worth)
                .first()
                .map(|key| format!(", {key} says why"))
                .unwrap_or_default()
        };
        match verdict {
            Verdict::Verified(_) => Rich::of(Role::Good, "verified"),
            Verdict::ByHelm(reason) if reason.is_empty() => Rich::of(Role::Muted, "by helm"),
            Verdict::ByHelm(_) => Rich::of(Role::Muted, format!("by helm{}", why())),
            Verdict::Differs(_) => Rich::of(Role::Warn, format!("differs{}", why())),
            Verdict::Unknown(_) => Rich::of(Role::Warn, format!("not verified{}", why())),
            Verdict::Pending => match &self.helm {
                Fetched::Failed { .. } => Rich::of(Role::Warn, "not verified: no helm"),
                Fetched::Ready { value, .. } if !Profile::of(&value.version).is_proven() => {
                    Rich::of(Role::Muted, "not verified")
                }
                Fetched::Ready { .. } | Fetched::Awaited { .. } => Rich::of(Role::Muted, "not yet verified"),
            },
        }
    }

    /// All there is to say about it.
    pub fn worth_lines(&self, verdict: &Verdict) -> Vec<String> {
        let helm = self.helm.ready().map(ToString::to_string);
        let mut lines = Vec::new();
        match verdict {
            Verdict::Verified(report) => {
                lines.push("The engine rendered it, and helm printed the same.".to_owned());
                lines.extend(report.lines());
            }
            Verdict::ByHelm(reason) => {
                lines.push("It is what helm printed; the engine had no part in it.".to_owned());
                lines.extend((!reason.is_empty()).then(|| reason.clone()));
            }
            Verdict::Differs(report) => {
                lines.push("What is shown is what helm gives. The engine gives something else:".to_owned());
                lines.extend(report.lines());
            }
            Verdict::Unknown(why) => {
                lines.push("The engine rendered it, and helm could not be asked:".to_owned());
                lines.push(why.clone());
            }
            Verdict::Pending => match (&helm, self.helm.error()) {
                (Some(helm), _) => {
                    lines.push(format!("The engine rendered it as {helm} would."));
                    lines.push(format!("{helm} is asked when nothing is typed for a moment."));
                    let proven = self.helm.ready().is_some_and(|helm| Profile::of(&helm.version).is_proven());
                    if !proven {
                        lines.push(format!(
                            "{helm} is not one of the versions that the engine is tested with."
                        ));
                    }
                }
                (None, Some(error)) => {
                    lines.push(format!(
                        "There is no helm to ask, so the engine rendered it as helm {} would.",
                        Profile::FOUR.version()
                    ));
                    lines.extend(error.lines());
                }
                (None, None) => lines.push(format!(
                    "helm is still looked for; until then the engine renders as helm {} would.",
                    Profile::FOUR.version()
                )),
            },
        }
        lines
    }
}
