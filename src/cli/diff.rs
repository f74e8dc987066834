//! `floe-tui diff`: what an environment, as it is saved, has that something else has not: another environment, the
//! deployed revision, or what the cluster holds. What is random is no difference.

use serde_json::json;

use super::args::{Diff, Global};
use super::observe;
use super::setup::{self, Place, Setup, names};
use super::{CHANGES, OK, changes, out};
use crate::base::redact::Redactor;
use crate::base::{Error, Result};
use crate::helm::{Loaded, Prepared, Source};
use crate::manifest::{ChangeSet, DiffOptions, Redact};
use crate::render::{RenderCluster, Request, ValuesSource};
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

struct Differ<'a> {
    hide_noise: bool,
    setup: &'a Setup,
    place: &'a Place,
}

impl Differ<'_> {
    async fn environment(&self, other: &Environment) -> Result<ChangeSet> {
        let redactor = self.place.redactor(&[&self.place.environment, other]);
        let previewer = self.setup.previewer(&redactor).await;
        let (old, new) = (self.source(other)?, self.source(&self.place.environment)?);
        let (before, after) = tokio::try_join!(previewer.prepare(&old), previewer.prepare(&new))?;
        say(&before.warnings);
        say(&after.warnings);
        Ok(Prepared::compare(&before, &after, self.options(redactor)))
    }

    /// Against the deployed revision, or against what the cluster holds of what is rendered.
    async fn cluster(&self, live: bool) -> Result<ChangeSet> {
        let redactor = self.place.redactor(&[&self.place.environment]);
        let previewer = self.setup.previewer(&redactor).await;
        let kubeconfig = self.setup.kubeconfig()?;
        let (_, release) = self.place.target(&kubeconfig, &self.setup.settings)?;
        let connection = self.setup.connect(&kubeconfig, &release).await?;
        let record = observe::current(&connection, &release).await?;
        if record.is_none() && !live {
            return Err(Error::new("there is no such release")
                .at(release.to_string())
                .next("install it first"));
        }
        let mut source = self.source(&self.place.environment)?;
        source.request.is_upgrade = record.is_some();
        let cluster =
            RenderCluster { kubeconfig: self.setup.kubeconfig.clone(), context: release.context.clone() };
        let after = previewer.with_cluster(&source, Some(cluster)).await?;
        say(&after.warnings);
        let (objects, without_hooks) = if live {
            let (objects, unread) = connection.live_side(&after.objects, &after.side).await;
            say(&unread);
            (objects, true)
        } else {
            (record.as_ref().map(observe::objects_of).transpose()?.unwrap_or_default(), false)
        };
        let before = Prepared { without_hooks, ..Prepared::of(objects, after.side.clone()) };
        Ok(Prepared::compare(&before, &after, self.options(redactor)))
    }

    fn options(&self, redactor: Redactor) -> DiffOptions {
        DiffOptions {
            hide_noise: self.hide_noise,
            redact: Some(Redact::by(redactor)),
            ..DiffOptions::default()
        }
    }

    fn source(&self, environment: &Environment) -> Result<Source> {
        let chart = self.place.chart();
        let (release, namespace) = names(chart, environment, &self.setup.settings)?;
        let mut request = Request::new(&chart.dir, &release, &namespace);
        request.values = readable(&environment.values_files).map(ValuesSource::File).collect();
        Ok(Source { chart: Some(Loaded(chart.chart.clone())), ..Source::of(request) })
    }
}

fn say(warnings: &[String]) {
    for warning in warnings {
        out::note(&format!("warning: {warning}"));
    }
}
