//! Helm is the judge of every preview: it is run on the same chart and values, and what it prints is compared with
//! what the engine made. What it came to is remembered by content.

use std::sync::{Arc, PoisonError};

use serde::Serialize;
use serde_json::json;

use super::compare::{self, Difference, Known};
use super::preview::{Loaded, Previewer, Source, content_hash};
use crate::base::redact::Redactor;
use crate::base::text::neutralise;
use crate::base::{Hash, Result};
use crate::chart::Chart;
use crate::render::{DryRun, Refusal, Renderer as _, Request};

/// Helm's printings that are compared before a difference is believed: some of what is random (the order of a map's
/// keys) is often the same twice.
const PRINTINGS: u8 = 4;

/// Verdicts remembered.
const REMEMBERED: usize = 4096;

/// What engine and helm came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// The same, apart from so many random lines.
    Identical { random: usize },
    /// Neither renders it.
    BothRefuse { engine: String, helm: String },
    /// Only the engine refuses; `cannot`, when it does not say what helm would, but that it cannot tell.
    EngineRefuses { engine: String, cannot: bool },
    /// Only helm refuses.
    HelmRefuses { helm: String },
    /// Both render it, differently.
    Different { differences: Vec<Difference>, random: usize },
}

/// A comparison with helm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The version of helm.
    pub helm: String,
    /// Whether the engine is tested with exactly this version.
    pub proven: bool,
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Report {
    /// Whether the engine gives what helm gives.
    pub fn agrees(&self) -> bool {
        matches!(self.outcome, Outcome::Identical { .. } | Outcome::BothRefuse { .. })
    }

    /// What is to be said, most important first. Redacted.
    pub fn lines(&self) -> Vec<String> {
        let helm = format!("helm {}", self.helm);
        let mut lines = Vec::new();
        let words = |lines: &mut Vec<String>, who: &str, words: &str| {
            lines.push(format!("{who}:"));
            lines
                .extend(words.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("  {line}")));
        };
        match &self.outcome {
            Outcome::Identical { random } => {
                lines.push(format!("identical to {helm}"));
                if *random > 0 {
                    let s = if *random == 1 { "" } else { "s" };
                    lines.push(format!("{random} random line{s} left out"));
                }
            }
            Outcome::BothRefuse { engine, helm: theirs } => {
                lines.push(format!("identical to {helm}: both refuse"));
                words(&mut lines, &helm, theirs);
                words(&mut lines, "the engine", engine);
            }
            Outcome::EngineRefuses { engine, cannot } => {
                let does = if *cannot { "cannot" } else { "refuses" };
                lines.push(format!("{helm} renders it, the engine {does}"));
                words(&mut lines, "the engine", engine);
            }
            Outcome::HelmRefuses { helm: theirs } => {
                lines.push(format!("the engine renders it, {helm} refuses"));
                words(&mut lines, &helm, theirs);
            }
            Outcome::Different { differences, random } => {
                let count = differences.len();
                let s = if count == 1 { "" } else { "s" };
                let random =
                    if *random > 0 { format!(", {random} random lines left out") } else { String::new() };
                lines.push(format!("different from {helm} in {count} document{s}{random}"));
                for difference in differences {
                    lines.push(format!(
                        "{}:{} (document {})",
                        difference.template, difference.line, difference.document
                    ));
                    lines.extend(difference.helm.iter().map(|line| format!("  helm    {line}")));
                    lines.extend(difference.engine.iter().map(|line| format!("  engine  {line}")));
                    if difference.more > 0 {
                        lines.push(format!("  and {} more lines", difference.more));
                    }
                    lines.push(format!("  cause   {}", difference.cause));
                }
            }
        }
        if !self.proven {
            lines.push(format!("{helm} is not one of the versions that the engine is tested with"));
        }
        lines
    }

    /// For programs.
    pub fn json(&self) -> serde_json::Value {
        let mut json = serde_json::to_value(self).unwrap_or_else(|_| json!({}));
        json["identical"] = self.agrees().into();
        json
    }
}

/// What a preview is worth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Helm has not printed it yet.
    #[default]
    Pending,
    /// Helm prints the same.
    Verified(Arc<Report>),
    /// It is what helm printed: why not what the engine made.
    ByHelm(String),
    /// Helm gives something else, which is what is shown.
    Differs(Arc<Report>),
    /// Helm cannot be asked: why.
    Unknown(String),
}

impl Verdict {
    /// The verdict on something that has two sides.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let weight = |verdict: &Self| match verdict {
            Self::ByHelm(why) if why.is_empty() => 0,
            Self::ByHelm(_) => 1,
            Self::Verified(_) => 2,
            Self::Pending => 3,
            Self::Unknown(_) => 4,
            Self::Differs(_) => 5,
        };
        if weight(&other) > weight(&self) { other } else { self }
    }

    /// The verdict on several things.
    pub fn of_all(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().fold(Self::ByHelm(String::new()), Self::with)
    }

    /// Whether helm still has to say something.
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::Pending)
    }
}

/// A remembered verdict.
pub(super) type Judged = Arc<Report>;

impl Previewer {
    /// Runs helm on the same, and compares.
    ///
    /// # Errors
    /// Helm is not there or could not be run.
    pub async fn verify(&self, source: &Source, redactor: &Redactor) -> Result<Report> {
        let (helm, renderer) = self.helm()?;
        let safe = |words: &str| redactor.text(&neutralise(words));
        let ours = self.printed(source).await?;
        let theirs = match renderer.render(&source.request).await {
            Ok(rendered) => Ok(rendered.manifest),
            Err(error) if error.refused => Err(error.error.cause.unwrap_or(error.error.what)),
            Err(error) => return Err(error.error),
        };
        let refusal = |refusal: Refusal| match refusal {
            Refusal::Helm { words, .. } => (safe(&format!("Error: {words}")), false),
            Refusal::Unsupported(why) => (safe(&why), true),
            Refusal::Limit(why) => (safe(&format!("it stops at a limit: {why}")), true),
        };
        let outcome = match (ours.map_err(refusal), theirs.map_err(|words| safe(&words))) {
            (Err((engine, _)), Err(helm)) => Outcome::BothRefuse { engine, helm },
            (Err((engine, cannot)), Ok(_)) => Outcome::EngineRefuses { engine, cannot },
            (Ok(_), Err(helm)) => Outcome::HelmRefuses { helm },
            (Ok(ours), Ok(theirs)) => {
                let chart = match &source.chart {
                    Some(Loaded(chart)) => Some(chart.clone()),
                    None => Chart::load(&source.request.chart_dir).ok().map(Arc::new),
                };
                let known = Known {
                    chart: chart.as_deref(),
                    is_proven: self.profile().is_proven(),
                    version: helm.version.to_string(),
                    redactor,
                };
                let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
                let mut all = vec![theirs];
                loop {
                    let theirs: Vec<&str> = all.iter().map(String::as_str).collect();
                    let compared = compare::compare(&ours, &theirs, &known);
                    let random = compared.random;
                    if compared.differences.is_empty() {
                        break Outcome::Identical { random };
                    }
                    let sample = u8::try_from(all.len()).unwrap_or(PRINTINGS);
                    if sample >= PRINTINGS {
                        break Outcome::Different { differences: compared.differences, random };
                    }
                    let again = Request { sample, ..source.request.clone() };
                    all.push(renderer.render(&again).await.map_err(|error| error.error)?.manifest);
                }
            }
        };
        Ok(Report { helm: helm.version.to_string(), proven: self.profile().is_proven(), outcome })
    }

    /// The verdict that is known already, without running anything.
    pub fn known_verdict(&self, source: &Source) -> Verdict {
        if source.request.dry_run == DryRun::Server {
            return Verdict::ByHelm(String::new());
        }
        let found = self.key(source).and_then(|key| {
            let verdicts = self.shared.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
            verdicts.get(&key).cloned()
        });
        found.map_or(Verdict::Pending, of)
    }

    /// The verdict, by running helm where it is not known. One helm at a time: this is work for idle moments.
    pub async fn judge(&self, source: &Source, redactor: &Redactor) -> Verdict {
        let _one = self.shared.judging.acquire().await;
        let known = self.known_verdict(source);
        if !known.is_pending() {
            return known;
        }
        let report = match self.verify(source, redactor).await {
            Ok(report) => Arc::new(report),
            Err(error) => return Verdict::Unknown(error.headline()),
        };
        // Helm reads the disk, and the engine had read it earlier.
        if !report.agrees()
            && let Some(Loaded(chart)) = &source.chart
            && Chart::load(&chart.dir).map(|now| content_hash(&now)).ok() != Some(self.contents(chart))
        {
            return Verdict::Unknown("the chart changed on disk meanwhile".to_owned());
        }
        if let Some(key) = self.key(source) {
            let mut verdicts = self.shared.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
            if verdicts.len() >= REMEMBERED {
                verdicts.clear();
            }
            verdicts.insert(key, report.clone());
        }
        of(report)
    }

    /// What decides the verdict; `None` when it stands on files that are not in memory.
    fn key(&self, source: &Source) -> Option<Hash> {
        let Loaded(chart) = source.chart.as_ref()?;
        let (helm, _) = self.helm.as_ref()?;
        let request = source.in_memory();
        Some(Hash::of(format!("{}\n{helm}\n{}\n{request:?}", self.contents(chart), helm.path.display())))
    }
}

fn of(report: Judged) -> Verdict {
    if report.agrees() { Verdict::Verified(report) } else { Verdict::Differs(report) }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
