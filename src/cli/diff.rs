//! `floe-tui diff`: what an environment, as it is saved, has that something else has not: another environment, the
//! deployed revision, or what the cluster holds. Random values are found by rendering twice and are no difference.

use serde_json::json;

use super::args::{Diff, Global};
use super::observe;
use super::setup::{self, Place, Setup, names};
use super::{CHANGES, OK, changes, out};
use crate::base::redact::Redactor;
use crate::base::{Error, Result};
use crate::helm::renderer::CliRenderer;
use crate::helm::{Helm, ReleaseRef};
use crate::manifest::diff::{Redact, Side};
use crate::manifest::{self, ChangeSet, DiffOptions, Mask, Object};
use crate::render::{DryRun, RenderCluster, RenderError, Rendered, Renderer as _, Request, ValuesSource};
use crate::values::readable;
use crate::workspace::Environment;

pub(super) async fn run(global: Global, args: Diff) -> Result<u8> {
    let setup = Setup::new(global)?;
    let place = Place::find(&args.place)?;
    let mut incomplete = setup::incomplete(place.chart(), &place.environment);
    if let Ok(other) = place.other(&args.against) {
        let more = setup::incomplete(place.chart(), other);
        incomplete.extend(more.into_iter().filter(|why| !incomplete.contains(why)).collect::<Vec<_>>());
    }
    for why in &incomplete {
        out::note(&format!("warning: incomplete: {why}"));
    }
    let differ = Differ { hide_noise: args.hide_noise, setup: &setup, place: &place };
    let changes = match args.against.as_str() {
        "deployed" => differ.cluster(false).await?,
        "live" => differ.cluster(true).await?,
        other => differ.environment(place.other(other)?).await?,
    };
    let words = format!("{} against {}: {}", args.place.env, args.against, changes::headline_of(&changes));
    if args.json {
        out::json(&json!({
            "chart": place.chart().name,
            "environment": args.place.env,
            "against": args.against,
            "incomplete": incomplete,
            "headline": changes.headline(),
            "changes": changes.changes,
            "unchanged": changes.unchanged,
            "unstable": changes.unstable,
            "hidden": changes.hidden,
        }));
    } else {
        changes::print(&changes, true);
        out::line(&words);
    }
    Ok(if changes.is_empty() { OK } else { CHANGES })
}

/// One side of a difference.
struct Seen {
    objects: Vec<Object>,
    mask: Mask,
    side: Side,
    skip_hooks: bool,
}

struct Differ<'a> {
    hide_noise: bool,
    setup: &'a Setup,
    place: &'a Place,
}

impl Differ<'_> {
    fn compare(&self, before: Seen, after: Seen, redactor: Redactor) -> ChangeSet {
        let options = DiffOptions {
            hide_noise: self.hide_noise,
            mask: before.mask.with(after.mask),
            old: before.side,
            new: after.side,
            skip_hooks: before.skip_hooks || after.skip_hooks,
            redact: Some(Redact::by(redactor)),
        };
        manifest::diff(&before.objects, &after.objects, &options)
    }

    async fn environment(&self, other: &Environment) -> Result<ChangeSet> {
        let redactor = self.place.redactor(&[&self.place.environment, other]);
        let (_, renderer) = self.setup.helm(&redactor).await?;
        let (old, new) = (self.request(other)?, self.request(&self.place.environment)?);
        let (before, after) = tokio::try_join!(rendered(&renderer, &old), rendered(&renderer, &new))
            .map_err(|error| error.error)?;
        Ok(self.compare(seen(&old, &before)?, seen(&new, &after)?, redactor))
    }

    /// Against the deployed revision, or against what the cluster holds of what is rendered.
    async fn cluster(&self, live: bool) -> Result<ChangeSet> {
        let redactor = self.place.redactor(&[&self.place.environment]);
        let (helm, renderer) = self.setup.helm(&redactor).await?;
        let kubeconfig = self.setup.kubeconfig()?;
        let (_, release) = self.place.target(&kubeconfig, &self.setup.settings)?;
        let connection = self.setup.connect(&kubeconfig, &release).await?;
        let record = observe::current(&connection, &release).await?;
        if record.is_none() && !live {
            return Err(Error::new("there is no such release")
                .at(release.to_string())
                .next("install it first"));
        }
        let mut request = self.request(&self.place.environment)?;
        request.is_upgrade = record.is_some();
        let (request, both) = self.against_cluster(&helm, &renderer, request, &release).await?;
        let after = seen(&request, &both)?;
        let side = after.side.clone();
        let (objects, skip_hooks) = if live {
            let mut found = Vec::new();
            for object in after.objects.iter().filter(|object| object.hook.is_none()) {
                let id = &object.id;
                let namespace = id.namespace.as_deref().unwrap_or(&release.namespace);
                match connection.live(&id.api_version, &id.kind, namespace, &id.name).await {
                    Ok(value) => found.extend(value),
                    Err(fault) => {
                        out::note(&format!("warning: {}: {}", id.short(), Error::from(fault).headline()));
                    }
                }
            }
            (manifest::live_side(&after.objects, &found, &side), true)
        } else {
            (record.as_ref().map(observe::objects_of).transpose()?.unwrap_or_default(), false)
        };
        let before = Seen { objects, mask: Mask::default(), side, skip_hooks };
        Ok(self.compare(before, after, redactor))
    }

    /// Renders with the cluster's answers (lookups find stored passwords), or says why not.
    async fn against_cluster(
        &self,
        helm: &Helm,
        renderer: &CliRenderer,
        mut request: Request,
        release: &ReleaseRef,
    ) -> Result<(Request, (Rendered, Rendered))> {
        if helm.renders_with_cluster() {
            request.dry_run = DryRun::Server;
            request.cluster = Some(RenderCluster {
                kubeconfig: self.setup.kubeconfig.clone(),
                context: release.context.clone(),
            });
            match rendered(renderer, &request).await {
                Ok(both) => return Ok((request, both)),
                Err(error) => out::note(&format!(
                    "warning: rendered without the cluster, because with it {}",
                    error.error.headline()
                )),
            }
            request.dry_run = DryRun::Client;
            request.cluster = None;
        } else {
            out::note(
                "warning: rendered without the cluster: values that the chart looks up there may differ",
            );
        }
        let both = rendered(renderer, &request).await.map_err(|error| error.error)?;
        Ok((request, both))
    }

    fn request(&self, environment: &Environment) -> Result<Request> {
        let chart = self.place.chart();
        let (release, namespace) = names(chart, environment, &self.setup.settings)?;
        let mut request = Request::new(&chart.dir, &release, &namespace);
        request.values = readable(&environment.values_files).map(ValuesSource::File).collect();
        Ok(request)
    }
}

/// Two looks at the same thing, so that what is random shows.
async fn rendered(renderer: &CliRenderer, request: &Request) -> Result<(Rendered, Rendered), RenderError> {
    let again = Request { sample: 1, ..request.clone() };
    tokio::try_join!(renderer.render(request), renderer.render(&again))
}

fn seen(request: &Request, both: &(Rendered, Rendered)) -> Result<Seen> {
    let (objects, again) = (manifest::parse(&both.0.manifest)?, manifest::parse(&both.1.manifest)?);
    let side = Side { namespace: Some(request.namespace.clone()), release: Some(request.release.clone()) };
    let mask = Mask::of(&objects, &again, &side);
    Ok(Seen { objects, mask, side, skip_hooks: false })
}
