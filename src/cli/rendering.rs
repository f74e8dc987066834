//! What `render` and `verify` are asked for: a chart, an environment's files or others, release and namespace.

use std::path::PathBuf;

use super::args::Rendering;
use super::out;
use super::setup::{self, Setup};
use crate::base::redact::Redactor;
use crate::base::{Context as _, Error, Result};
use crate::chart;
use crate::helm::Source;
use crate::render::{Request, ValuesSource};
use crate::workspace;

/// What is rendered, and what must not be shown of it.
pub(super) struct Asked {
    pub(super) source: Source,
    pub(super) redactor: Redactor,
}

impl Asked {
    /// Finds chart and environment. What makes the rendering incomplete is said.
    pub(super) fn find(setup: &Setup, args: Rendering) -> Result<Self> {
        let shown = args.chart.display().to_string();
        let dir = std::fs::canonicalize(&args.chart).context_at("cannot open this folder", &shown)?;
        if !chart::is_chart(&dir) {
            return Err(Error::new("there is no chart here")
                .at(shown)
                .next("name the folder that holds Chart.yaml"));
        }
        let workspace = workspace::discover(&dir)?;
        if workspace.charts.is_empty() {
            return Err(workspace
                .broken
                .first()
                .map_or_else(|| Error::new("there is no chart here").at(shown), |(_, error)| error.clone()));
        }
        let (workspace, index) = workspace::discover_around(workspace);
        let chart = &workspace.charts[index];
        let (mut release, mut namespace) = (chart.name.clone(), "default".to_owned());
        let mut files: Vec<PathBuf> = Vec::new();
        if chart.environments.is_empty() && args.env.is_some() {
            // A chart without environments has one set of values for all of them.
            out::note(&format!("note: {} has no environments, its own values are used", chart.name));
        } else if let Some(name) = &args.env {
            let environment = chart.environment(name).ok_or_else(|| {
                let names: Vec<&str> = chart.environments.iter().map(|own| own.name.as_str()).collect();
                Error::new(format!("the chart has no environment {name}"))
                    .at(chart.name.clone())
                    .next(format!("choose one of: {}", names.join(", ")))
            })?;
            for why in setup::incomplete(chart, environment) {
                out::note(&format!("warning: incomplete: {why}"));
            }
            (release, namespace) = setup::names(chart, environment, &setup.settings)?;
            files.extend(environment.values_files.iter().filter(|file| file.exists()).cloned());
        }
        for file in args.values {
            // helm gets them from another folder.
            files.push(
                std::path::absolute(&file).context_at("cannot make the path absolute", file.display())?,
            );
        }
        let redactor = setup::redactor_of(chart, &files, Redactor::new());
        let release = args.release.unwrap_or(release);
        let namespace = args.namespace.unwrap_or(namespace);
        let mut request = Request::new(&dir, release, namespace);
        request.values = files.into_iter().map(ValuesSource::File).collect();
        request.set = args.set;
        Ok(Self { source: Source::of(request), redactor })
    }
}
