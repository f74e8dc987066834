//! What renders to look at: previews, comparisons, one template; and building dependencies. The engine answers within
//! milliseconds; then, when nothing newer was asked for a while, helm is run to judge, and where it differs its result
//! takes the place of the engine's. A newer wish ends the task, and with it the helm that it runs.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::base::redact::Redactor;
use crate::base::text::{self, neutralise};
use crate::base::{Error, Result};
use crate::helm::renderer::CliRenderer;
use crate::helm::{By, Helm, Prepared, Previewer, Refused, Source, Verdict, argv, run};
use crate::manifest::{self, DiffOptions, Redact};
use crate::render::why::KeyUse;
use crate::render::{Output, Renderer as _};
use crate::session::{
    Cause, CompareRequest, Comparison, ExplainRequest, Explained, Judged, Message, Preview, PreviewRequest,
    ReleaseRef, SideSource, TraceRequest, Traced,
};
use crate::values::Merged;
use crate::workspace::unread_keys;
use crate::yaml::KeyPath;

use super::{Shared, clusters};

/// Typing goes on for so long before a helm process is started for what only helm can render.
const TYPING_PAUSE: Duration = Duration::from_millis(120);

/// Nothing newer is asked for so long before helm judges what is looked at.
const IDLE: Duration = Duration::from_millis(600);

/// The same for what is not looked at.
const IDLE_BESIDES: Duration = Duration::from_secs(1);

/// Looks for the helm program once.
pub(super) async fn find_helm(shared: Shared) {
    let found = Helm::find(shared.given.helm.as_deref()).await.map(Arc::new);
    if let Ok(helm) = &found {
        let renderer = CliRenderer::new(helm.clone(), shared.folders.runtime.clone(), shared.redactor());
        let mut previewer = shared.previewer.lock().unwrap_or_else(PoisonError::into_inner);
        *previewer = previewer.with_helm(helm.clone(), Arc::new(renderer));
    }
    shared.answer(Message::Helm(found)).await;
}

/// Who is to render.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// The engine; helm where the engine cannot.
    Engine,
    /// Helm, because the engine gives something else.
    Judge,
}

async fn prepared(previewer: &Previewer, source: &Source, who: Who) -> Result<Arc<Prepared>> {
    if who == Who::Judge {
        return previewer.by_helm(source, By::Judge).await;
    }
    match previewer.by_engine(source).await {
        Ok(prepared) => Ok(prepared),
        Err(Refused::Failed(error)) => Err(error),
        Err(Refused::Cannot(why)) => {
            tokio::time::sleep(TYPING_PAUSE).await;
            previewer.by_helm(source, By::Helm(why)).await
        }
    }
}

/// What helm says of what the engine made of these sources: what is known at once, else after a pause by running it.
async fn judged(shared: &Shared, previewer: &Previewer, sources: &[Source], pause: Duration) -> Verdict {
    if previewer.helm().is_err() {
        return Verdict::Pending;
    }
    let known = Verdict::of_all(sources.iter().map(|source| previewer.known_verdict(source)));
    if !known.is_pending() {
        return known;
    }
    tokio::time::sleep(pause).await;
    let redactor = shared.redactor();
    let mut verdict = Verdict::of_all([]);
    for source in sources {
        verdict = verdict.with(previewer.judge(source, &redactor).await);
        if let Verdict::Differs(_) | Verdict::Unknown(_) = verdict {
            break;
        }
    }
    verdict
}

/// The saved text against the edited one.
pub(super) async fn preview(shared: Shared, request: PreviewRequest) {
    let previewer = shared.previewer();
    let sources = [request.saved.clone(), request.edited.clone().unwrap_or_else(|| request.saved.clone())];
    let (target, generation) = (request.target, request.generation);
    let answer = async |result: Result<(Preview, Verdict)>, verdict: Option<Verdict>| {
        let (result, own) = match result {
            Ok((preview, verdict)) => (Ok(Arc::new(preview)), verdict),
            Err(error) => (Err(error), Verdict::Pending),
        };
        let verdict = verdict.unwrap_or(own);
        let message =
            Message::Preview { target: target.clone(), generation, result, verdict: verdict.clone() };
        shared.answer(message).await;
        verdict
    };
    let first = answer(preview_of(&shared, &previewer, &sources, Who::Engine).await, None).await;
    if !first.is_pending() {
        return;
    }
    let pause = if request.first { IDLE } else { IDLE_BESIDES };
    match judged(&shared, &previewer, &sources, pause).await {
        Verdict::Pending => {}
        verdict @ Verdict::Differs(_) => {
            answer(preview_of(&shared, &previewer, &sources, Who::Judge).await, Some(verdict)).await;
        }
        verdict => {
            let of = Judged::Preview(target.clone());
            shared.answer(Message::Verdict { of, generation, verdict }).await;
        }
    }
}

async fn preview_of(
    shared: &Shared,
    previewer: &Previewer,
    [saved, edited]: &[Source; 2],
    who: Who,
) -> Result<(Preview, Verdict)> {
    let before = prepared(previewer, saved, who).await?;
    let after = prepared(previewer, edited, who).await?;
    let options = DiffOptions { redact: Some(Redact::by(shared.redactor())), ..DiffOptions::default() };
    let (changes, quiet) = Prepared::compare_both(&before, &after, options);
    let preview = Preview { changes, quiet, warnings: after.warnings.clone() };
    Ok((preview, before.verdict().with(after.verdict())))
}

/// Two sides of the Diff room.
pub(super) async fn compare(shared: Shared, request: CompareRequest) {
    let previewer = shared.previewer();
    let generation = request.generation;
    let answer = async |result: Result<Compared>, verdict: Option<Verdict>| {
        let (result, own, sources) = match result {
            Ok(compared) => (Ok(Arc::new(compared.comparison)), compared.verdict, compared.sources),
            Err(error) => (Err(error), Verdict::Pending, rendered_of(&request)),
        };
        let verdict = verdict.unwrap_or(own);
        shared.answer(Message::Compared { generation, result, verdict: verdict.clone() }).await;
        (verdict, sources)
    };
    let (first, sources) = answer(compare_of(&shared, &previewer, &request, Who::Engine).await, None).await;
    if !first.is_pending() || sources.is_empty() {
        return;
    }
    match judged(&shared, &previewer, &sources, IDLE).await {
        Verdict::Pending => {}
        verdict @ Verdict::Differs(_) => {
            answer(compare_of(&shared, &previewer, &request, Who::Judge).await, Some(verdict)).await;
        }
        verdict => shared.answer(Message::Verdict { of: Judged::Comparison, generation, verdict }).await,
    }
}

/// The sides of a comparison that are rendered without a cluster, when it failed before that was known.
fn rendered_of(request: &CompareRequest) -> Vec<Source> {
    match (&request.left.1, &request.right.1) {
        (SideSource::Render(left), SideSource::Render(right)) => vec![offline(left), offline(right)],
        _ => Vec::new(),
    }
}

/// A source that no cluster is asked for.
fn offline(source: &Source) -> Source {
    let mut source = source.clone();
    source.request.cluster = None;
    source
}

/// A comparison with what it stands on.
struct Compared {
    comparison: Comparison,
    verdict: Verdict,
    /// What the engine rendered.
    sources: Vec<Source>,
}

/// A side, and what it was rendered from, where the engine did it.
type SideMade = (Arc<Prepared>, Option<Source>);

async fn compare_of(
    shared: &Shared,
    previewer: &Previewer,
    request: &CompareRequest,
    who: Who,
) -> Result<Compared> {
    let ((left, left_source), (right, right_source)) = (&request.left, &request.right);
    // A live side is asked about the other side's objects, so that one comes second.
    let (before, after) = match (left_source, right_source) {
        (SideSource::Live { release }, _) => {
            let after = side(shared, previewer, right_source, left_source, who).await?;
            (live(shared, release, &after.0).await?, after)
        }
        (_, SideSource::Live { release }) => {
            let before = side(shared, previewer, left_source, right_source, who).await?;
            let after = live(shared, release, &before.0).await?;
            (before, after)
        }
        _ => (
            side(shared, previewer, left_source, right_source, who).await?,
            side(shared, previewer, right_source, left_source, who).await?,
        ),
    };
    let options = DiffOptions {
        hide_noise: request.hide_noise,
        redact: Some(Redact::by(shared.redactor())),
        ..DiffOptions::default()
    };
    let (before, after, sources) = (before.0, after.0, before.1.into_iter().chain(after.1).collect());
    let comparison = Comparison {
        left: left.clone(),
        right: right.clone(),
        changes: Prepared::compare(&before, &after, options),
        warnings: before.warnings.iter().chain(&after.warnings).cloned().collect(),
    };
    Ok(Compared { comparison, verdict: before.verdict().with(after.verdict()), sources })
}

async fn side(
    shared: &Shared,
    previewer: &Previewer,
    source: &SideSource,
    other: &SideSource,
    who: Who,
) -> Result<SideMade> {
    match source {
        SideSource::Render(source) => {
            let cluster = source.request.cluster.clone();
            let mut source = offline(source);
            // Against what is deployed the cluster is asked, so that `lookup` finds stored passwords.
            let made = if matches!(other, SideSource::Revision { .. } | SideSource::Live { .. }) {
                source.request.is_upgrade = cluster.is_some();
                match who {
                    Who::Engine => previewer.with_cluster(&source, cluster).await?,
                    Who::Judge => prepared(previewer, &source, who).await?,
                }
            } else {
                prepared(previewer, &source, who).await?
            };
            let judged = (made.by == By::Engine).then_some(source);
            Ok((made, judged))
        }
        SideSource::Revision { release, revision } => {
            let record = clusters::record(shared, release, *revision).await?;
            let made = Prepared {
                without_hooks: true,
                ..Prepared::of(manifest::parse(&record.manifest)?, of_release(release))
            };
            Ok((Arc::new(made), None))
        }
        SideSource::Live { release } => {
            Err(Error::new("two live sides cannot be compared").at(release.to_string()))
        }
    }
}

fn of_release(release: &ReleaseRef) -> manifest::Side {
    manifest::Side { namespace: Some(release.namespace.clone()), release: Some(release.release.clone()) }
}

async fn live(shared: &Shared, release: &ReleaseRef, other: &Prepared) -> Result<SideMade> {
    let connection = shared.connections.open(&release.context).await?;
    let side = of_release(release);
    let (objects, warnings) = connection.live_side(&other.objects, &side).await;
    let made = Prepared { warnings, without_hooks: true, ..Prepared::of(objects, side) };
    Ok((Arc::new(made), None))
}

/// What one template renders to.
pub(super) async fn template(shared: Shared, generation: u64, mut source: Source, template: PathBuf) {
    let previewer = shared.previewer();
    source.request.show_only = vec![template.clone()];
    let answer = async |result: Result<String>, verdict: Verdict| {
        let result = result.map(|text| Arc::from(shared.redactor().manifest(&text)));
        shared.answer(Message::Template { generation, template: template.clone(), result, verdict }).await;
    };
    let by_helm = async |renderer: Arc<CliRenderer>| Ok(renderer.render(&source.request).await?.manifest);
    match previewer.render(&source).await {
        Ok(rendered) => answer(Ok(rendered.manifest), Verdict::Pending).await,
        Err(Refused::Failed(error)) => answer(Err(error), Verdict::Pending).await,
        Err(Refused::Cannot(why)) => {
            let result = match previewer.helm_because(&why) {
                Ok((_, renderer)) => {
                    tokio::time::sleep(TYPING_PAUSE).await;
                    by_helm(renderer).await
                }
                Err(error) => Err(error),
            };
            answer(result, Verdict::ByHelm(format!("the engine cannot: {why}"))).await;
            return;
        }
    }
    match judged(&shared, &previewer, std::slice::from_ref(&source), IDLE).await {
        Verdict::Pending => {}
        verdict @ Verdict::Differs(_) => {
            if let Ok((_, renderer)) = previewer.helm() {
                answer(by_helm(renderer).await, verdict).await;
            }
        }
        verdict => shared.answer(Message::Verdict { of: Judged::Template, generation, verdict }).await,
    }
}

/// What the environments of a chart read, and what is set for nothing.
pub(super) async fn trace(shared: Shared, request: TraceRequest) {
    let previewer = shared.previewer();
    let count = request.environments.len();
    let mut outputs: Vec<(String, Output)> = Vec::new();
    for (name, source) in request.environments {
        outputs.extend(previewer.traced(&source).await.ok().map(|output| (name, output)));
    }
    let all: Vec<&Output> = outputs.iter().map(|(_, output)| output).collect();
    // Where one does not render it is not known what it reads.
    let unread = if all.len() == count { unread_keys(&all, &request.schema) } else { Vec::new() };
    let traced = Traced { chart: request.chart, generation: request.generation, outputs, unread };
    shared.answer(Message::Traced(Arc::new(traced))).await;
}

/// Where fields of an object come from.
pub(super) async fn explain(shared: Shared, request: ExplainRequest) {
    let previewer = shared.previewer();
    let traced = async |source: &Source| previewer.traced(&offline(source)).await;
    let other = match &request.other {
        Some(other) => traced(other).await.ok().and_then(|output| output.merged),
        None => None,
    };
    let output = traced(&request.source).await;
    let result =
        output.map(|output| Arc::new(causes(&output, other.as_deref(), &request, &shared.redactor())));
    shared.answer(Message::Explained { generation: request.generation, result }).await;
}

fn causes(
    output: &Output,
    other: Option<&Merged>,
    request: &ExplainRequest,
    redactor: &Redactor,
) -> Explained {
    let object = &request.object;
    let mut explained = Explained::default();
    let Some(merged) = output.merged.as_deref() else { return explained };
    let shown = |path: &KeyPath, value: Option<&Value>| {
        let value = value.map(|value| text::one_line(&redactor.value(path, value).to_string()));
        value.unwrap_or_else(|| "not set".to_owned())
    };
    let why = |(path, text): &(KeyPath, String)| output.why_field(&object.kind, &object.name, path, text);
    for why in request.fields.iter().filter_map(why) {
        explained.unstable |= why.unstable;
        for at in why.templates {
            if !explained.templates.iter().any(|known| known.template == at.template) {
                explained.templates.push(at);
            }
        }
        for KeyUse { path, role, .. } in why.keys {
            if let Some(known) = explained.keys.iter_mut().find(|known| known.path == path) {
                known.role = known.role.min(role);
                continue;
            }
            let (own, other) = (merged.get(&path), other.map(|other| other.get(&path)));
            let value = shown(&path, own);
            let other = other.filter(|other| *other != own).map(|other| shown(&path, other));
            let origin = merged.setters(&path).pop();
            explained.keys.push(Cause { path, role, value, other, origin });
        }
    }
    // Of maps in each other that differ the innermost says most.
    let differing: Vec<KeyPath> =
        explained.keys.iter().filter(|cause| cause.other.is_some()).map(|cause| cause.path.clone()).collect();
    explained.keys.sort_by_key(|cause| {
        let inner = |path: &KeyPath| *path != cause.path && path.starts_with(&cause.path);
        (cause.other.is_none(), differing.iter().any(inner), cause.role)
    });
    explained
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
