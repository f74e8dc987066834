//! `floe-tui render CHART [-f FILE]… [--env E] [--release N] [--namespace NS]`: manifests on standard output, not
//! redacted, because they are made to be applied.

use super::args::{Global, RenderArgs};
use super::context::Context;
use super::{OK, context, out};
use crate::base::{Context as _, Error, Result};
use crate::render::{Renderer as _, Request, ValuesSource};

pub(super) async fn run(args: &RenderArgs, global: &Global) -> Result<u8> {
    let context = Context::new(global)?;
    let workspace = context::open(&args.chart)?;
    let root = &workspace.root;
    let chart = workspace.charts.iter().find(|chart| chart.dir == *root);
    let (mut release, mut namespace, mut values) =
        (chart.map(|chart| chart.name.clone()), "default".to_owned(), Vec::new());
    if let (Some(name), Some(chart)) = (&args.env, chart) {
        match chart.environment(name) {
            Some(environment) => {
                values.extend(environment.values_files.iter().filter(|file| file.exists()).cloned());
                if environment.mapped {
                    let place = context.place(&workspace, Some(&chart.name), name, None)?;
                    release = Some(place.target.release);
                    namespace = place.target.namespace;
                }
            }
            // A chart without environments has one set of values for all of them.
            None if chart.environments.is_empty() => {
                out::note(&format!("note: {} has no environments, its own values are used", chart.name));
            }
            None => {
                let known: Vec<&str> = chart.environments.iter().map(|own| own.name.as_str()).collect();
                return Err(Error::new(format!("{} has no environment {name}", chart.name))
                    .next(format!("its environments are: {}", known.join(", "))));
            }
        }
    }
    for file in &args.values {
        values.push(std::path::absolute(file).context_at("cannot use this values file", file.display())?);
    }
    let release = args.release.clone().or(release).unwrap_or_else(|| "release".to_owned());
    let mut request = Request::new(root.clone(), release, args.namespace.clone().unwrap_or(namespace));
    request.values = values.into_iter().map(ValuesSource::File).collect();
    let helm = context.helm().await?;
    let rendered = context.renderer(&helm).render(&request).await?;
    for warning in &rendered.warnings {
        out::note(&format!("helm: {warning}"));
    }
    out::raw(&rendered.manifest);
    Ok(OK)
}
