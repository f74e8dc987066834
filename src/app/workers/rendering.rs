//! What runs helm to see: previews, comparisons, one template, and building dependencies.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use crate::base::text::neutralise;
use crate::base::{Error, Result};
use crate::helm::renderer::CliRenderer;
use crate::helm::{Helm, argv, run};
use crate::manifest::{self, ChangeSet, DiffOptions, Mask, Object, mask_unstable};
use crate::render::{DryRun, Renderer, Request};
use crate::session::{CompareRequest, Comparison, Message, Preview, PreviewRequest, ReleaseRef, SideSource};

use super::{Shared, clusters};

/// Looks for the helm program once.
pub(super) async fn find_helm(shared: Shared) {
    let found = Helm::find(shared.given.helm.as_deref()).await.map(Arc::new);
    if let Ok(helm) = &found {
        let renderer = CliRenderer::new(helm.clone(), shared.folders.runtime.clone(), shared.redactor());
        *shared.renderer.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((helm.clone(), Arc::new(renderer)));
    }
    shared.answer(Message::Helm(found)).await;
}

async fn objects(renderer: &CliRenderer, request: &Request) -> Result<(Vec<Object>, Vec<String>)> {
    let rendered = renderer.render(request).await.map_err(|error| error.error)?;
    Ok((manifest::parse(&rendered.manifest)?, rendered.warnings))
}

/// The saved text rendered twice, so that what is random is known, and the edited text once.
pub(super) async fn preview(shared: Shared, request: PreviewRequest) {
    let result = preview_of(&shared, &request).await.map(Arc::new);
    shared.answer(Message::Preview { target: request.target, generation: request.generation, result }).await;
}

async fn preview_of(shared: &Shared, request: &PreviewRequest) -> Result<Preview> {
    let (_, renderer) = shared.helm()?;
    let (saved, mask) = saved_objects(&renderer, &request.saved).await?;
    let edited = request.edited.as_ref().unwrap_or(&request.saved);
    let (new, warnings) = objects(&renderer, edited).await?;
    let options = DiffOptions {
        mask,
        redact: Some(manifest::Redact::by((*shared.redactor()).clone())),
        ..DiffOptions::default()
    };
    let changes = manifest::diff(&saved, &new, &options);
    let quiet = manifest::diff(&saved, &new, &DiffOptions { hide_noise: true, ..options });
    Ok(Preview { objects: new.into(), changes, quiet, warnings })
}

async fn saved_objects(renderer: &CliRenderer, request: &Request) -> Result<(Vec<Object>, Mask)> {
    let (first, _) = objects(renderer, request).await?;
    // The renderer answers a request that it knows from memory; the second look must really run.
    let again = renderer.render_again(request).await.map_err(|error| error.error)?;
    let second = manifest::parse(&again.manifest)?;
    let mask = mask_unstable(&first, &second);
    Ok((first, mask))
}

/// Two sides of the Diff room.
pub(super) async fn compare(shared: Shared, request: CompareRequest) {
    let generation = request.generation;
    let result = compare_of(&shared, request).await.map(Arc::new);
    shared.answer(Message::Compared { generation, result }).await;
}

struct SideObjects {
    objects: Vec<Object>,
    mask: Mask,
    side: manifest::diff::Side,
    warnings: Vec<String>,
    /// A record and a live cluster have no hooks beside the objects.
    without_hooks: bool,
}

async fn compare_of(shared: &Shared, request: CompareRequest) -> Result<Comparison> {
    let ((left, left_source), (right, right_source)) = (request.left, request.right);
    // A live side is asked about the other side's objects, so that one comes second.
    let (before, after) = match (&left_source, &right_source) {
        (SideSource::Live { release }, _) => {
            let after = side(shared, &right_source, &left_source).await?;
            (live(shared, release, &after).await?, after)
        }
        (_, SideSource::Live { release }) => {
            let before = side(shared, &left_source, &right_source).await?;
            let after = live(shared, release, &before).await?;
            (before, after)
        }
        _ => (
            side(shared, &left_source, &right_source).await?,
            side(shared, &right_source, &left_source).await?,
        ),
    };
    let options = DiffOptions {
        hide_noise: request.hide_noise,
        mask: before.mask.with(after.mask),
        old: before.side,
        new: after.side,
        skip_hooks: before.without_hooks || after.without_hooks,
        redact: Some(manifest::Redact::by((*shared.redactor()).clone())),
    };
    let changes: ChangeSet = manifest::diff(&before.objects, &after.objects, &options);
    let warnings = before.warnings.into_iter().chain(after.warnings).collect();
    Ok(Comparison { left, right, changes, warnings })
}

async fn side(shared: &Shared, source: &SideSource, other: &SideSource) -> Result<SideObjects> {
    match source {
        SideSource::Render(request) => {
            let (helm, renderer) = shared.helm()?;
            let mut request = (**request).clone();
            let mut warnings = Vec::new();
            // Against what is deployed the cluster is asked, so that `lookup` finds stored passwords.
            let wants_cluster = matches!(other, SideSource::Revision { .. } | SideSource::Live { .. });
            if wants_cluster && request.cluster.is_some() && helm.renders_with_cluster() {
                request.is_upgrade = true;
                request.dry_run = DryRun::Server;
            } else if wants_cluster {
                warnings.push(
                    "rendered without the cluster: values that the chart looks up there may differ"
                        .to_owned(),
                );
            }
            let rendered = match saved_objects(&renderer, &request).await {
                Ok(rendered) => rendered,
                Err(error) if request.dry_run == DryRun::Server => {
                    warnings.push(format!("rendered without the cluster: {}", error.headline()));
                    request.dry_run = DryRun::Client;
                    saved_objects(&renderer, &request).await?
                }
                Err(error) => return Err(error),
            };
            Ok(SideObjects {
                objects: rendered.0,
                mask: rendered.1,
                side: manifest::diff::Side {
                    namespace: Some(request.namespace.clone()),
                    release: Some(request.release.clone()),
                },
                warnings,
                without_hooks: false,
            })
        }
        SideSource::Revision { release, revision } => {
            let record = clusters::record(shared, release, *revision).await?;
            Ok(SideObjects {
                objects: manifest::parse(&record.manifest)?,
                mask: Mask::default(),
                side: of_release(release),
                warnings: Vec::new(),
                without_hooks: true,
            })
        }
        SideSource::Live { release } => {
            Err(Error::new("two live sides cannot be compared").at(release.to_string()))
        }
    }
}

fn of_release(release: &ReleaseRef) -> manifest::diff::Side {
    manifest::diff::Side {
        namespace: Some(release.namespace.clone()),
        release: Some(release.release.clone()),
    }
}

async fn live(shared: &Shared, release: &ReleaseRef, other: &SideObjects) -> Result<SideObjects> {
    let connection = shared.connections.open(&release.context).await?;
    let mut found = Vec::new();
    let mut warnings = Vec::new();
    for object in other.objects.iter().filter(|object| object.hook.is_none()) {
        let id = &object.id;
        let namespace = id.namespace.as_deref().unwrap_or(&release.namespace);
        match connection.live(&id.api_version, &id.kind, namespace, &id.name).await {
            Ok(value) => found.extend(value),
            Err(fault) => warnings.push(format!("{}: {}", id.short(), Error::from(fault).headline())),
        }
    }
    Ok(SideObjects {
        objects: manifest::live_side(&other.objects, &found, &other.side),
        mask: Mask::default(),
        side: of_release(release),
        warnings,
        without_hooks: true,
    })
}

/// What one template renders to.
pub(super) async fn template(shared: Shared, generation: u64, mut request: Request, template: PathBuf) {
    let result = async {
        let (_, renderer) = shared.helm()?;
        request.show_only = vec![template.clone()];
        let rendered = renderer.render(&request).await.map_err(|error| error.error)?;
        Ok(Arc::from(shared.redactor().manifest(&rendered.manifest)))
    }
    .await;
    shared.answer(Message::Template { generation, template, result }).await;
}

/// `helm dependency build`.
pub(super) async fn build_dependencies(shared: Shared, chart: PathBuf) {
    let result = async {
        let (helm, _) = shared.helm()?;
        let call = run::Call::new(&helm.path, argv::dependency_build(&chart));
        let output = run::run(&call).await?;
        if output.success() {
            Ok(format!(
                "dependencies of {} are built",
                chart.file_name().unwrap_or_default().to_string_lossy()
            ))
        } else {
            Err(crate::helm::errors::explain(&shared.redactor().text(&neutralise(&output.stderr)))
                .1
                .at(chart.display().to_string()))
        }
    }
    .await;
    shared.answer(Message::DependenciesBuilt { chart, result }).await;
}
