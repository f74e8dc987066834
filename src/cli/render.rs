//! `floe-tui render`: the manifests, exactly as helm prints them. Another program gets them as they are; on a terminal
//! secrets are masked.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use super::args::{Global, Render};
use super::setup::{self, Setup};
use super::{OK, out};
use crate::base::redact::Redactor;
use crate::base::{Context as _, Error, Result};
use crate::chart;
use crate::render::{
    Engine, Profile, Refusal, RenderError, Rendered, Renderer as _, Request, Session, ValuesSource,
};
use crate::workspace;

pub(super) async fn run(global: Global, args: Render) -> Result<u8> {
    let setup = Setup::new(global)?;
    let shown = args.chart.display().to_string();
    let dir = std::fs::canonicalize(&args.chart).context_at("cannot open this folder", &shown)?;
    if !chart::is_chart(&dir) {
        return Err(Error::new("there is no chart here")
            .at(shown)
            .next("name the folder that holds Chart.yaml"));
    }
    let workspace = workspace::discover(&dir)?;
    let Some(chart) = workspace.charts.first() else {
        return Err(workspace
            .broken
            .first()
            .map_or_else(|| Error::new("there is no chart here").at(shown), |(_, error)| error.clone()));
    };
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
        files.push(std::path::absolute(&file).context_at("cannot make the path absolute", file.display())?);
    }
    let redactor = setup::redactor_of(chart, &files, Redactor::new());
    let (helm, renderer) = setup.helm(&redactor).await?;
    let mut request = Request::new(
        &dir,
        args.release.as_deref().unwrap_or(&release),
        args.namespace.as_deref().unwrap_or(&namespace),
    );
    request.values = files.into_iter().map(ValuesSource::File).collect();
    let own =
        if args.engine == "own" { by_engine(Profile::of(&helm.version), &request).await? } else { None };
    let rendered = match own {
        Some(rendered) => rendered,
        None => renderer.render(&request).await.map_err(|error| error.error)?,
    };
    for warning in &rendered.warnings {
        out::note(&format!("warning: {warning}"));
    }
    if std::io::stdout().is_terminal() {
        out::line(redactor.manifest(&rendered.manifest).trim_end());
        out::note(
            "secrets are masked on a terminal; a pipe or a file gets the manifests as helm printed them",
        );
    } else {
        out::raw(&rendered.manifest);
    }
    Ok(OK)
}

/// Renders in this process; `None` where only helm can, which is said.
async fn by_engine(profile: Profile, request: &Request) -> Result<Option<Rendered>> {
    let request = request.clone();
    let work =
        tokio::task::spawn_blocking(move || Engine::new(profile, Session::default()).render(&request, false));
    match work.await.context("the rendering broke off")? {
        Ok(output) => Ok(Some(output.rendered)),
        Err(Refusal::Unsupported(why)) => {
            out::note(&format!("note: rendered by helm, because the engine cannot: {why}"));
            Ok(None)
        }
        Err(refusal) => Err(RenderError::from(refusal).error),
    }
}
