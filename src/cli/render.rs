//! `floe-tui render`: the manifests, exactly as helm prints them. Another program gets them as they are; on a terminal
//! secrets are masked.

use std::io::IsTerminal as _;

use super::args::{Global, Render};
use super::rendering::Asked;
use super::setup::Setup;
use super::{OK, out};
use crate::base::Result;
use crate::helm::{Previewer, Refused};
use crate::render::{Rendered, Renderer as _};

pub(super) async fn run(global: Global, args: Render) -> Result<u8> {
    let setup = Setup::new(global)?;
    let asked = Asked::find(&setup, args.rendering)?;
    let rendered = if args.engine == "helm" {
        by_helm(&setup.helm(&asked.redactor).await?.1, &asked).await?
    } else {
        by_engine(&setup.previewer(&asked.redactor).await, &asked).await?
    };
    for warning in &rendered.warnings {
        out::note(&format!("warning: {warning}"));
    }
    if std::io::stdout().is_terminal() {
        out::line(asked.redactor.manifest(&rendered.manifest).trim_end());
        out::note(
            "secrets are masked on a terminal; a pipe or a file gets the manifests as helm would print them",
        );
    } else {
        out::raw(&rendered.manifest);
    }
    Ok(OK)
}

async fn by_helm(renderer: &crate::helm::renderer::CliRenderer, asked: &Asked) -> Result<Rendered> {
    Ok(renderer.render(&asked.source.request).await?)
}

/// Renders in this process, or by helm where only that can, which is said.
async fn by_engine(previewer: &Previewer, asked: &Asked) -> Result<Rendered> {
    match previewer.render(&asked.source).await {
        Ok(rendered) => Ok(rendered),
        Err(Refused::Cannot(why)) => {
            let (_, renderer) = previewer.helm_because(&why)?;
            out::note(&format!("note: rendered by helm, because the engine cannot: {why}"));
            by_helm(&renderer, asked).await
        }
        Err(Refused::Failed(error)) => Err(error),
    }
}
