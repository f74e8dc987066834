//! `floe-tui diff DIR --env A --against B`: what differs, worst consequence first. Secrets are masked.

use std::sync::Arc;

use super::args::{DiffArgs, Global};
use super::context::{self, Context, Place};
use super::{CHANGES, OK, out};
use crate::base::{Error, Result};
use crate::cluster::Connection;
use crate::cluster::releases::Driver;
use crate::helm::record::Status;
use crate::helm::renderer::CliRenderer;
use crate::manifest::{self, Change, ChangeKind, ChangeSet, DiffOptions, Mask, Object, Redact, Side};
use crate::operations::plan::mask;
use crate::render::{DryRun, RenderCluster, Renderer as _, Request, ValuesSource};

/// The word for what is deployed.
const DEPLOYED: &str = "deployed";

/// Fields of one object that are listed.
const FIELDS: usize = 12;

pub(super) async fn run(args: &DiffArgs, global: &Global) -> Result<u8> {
    let mut context = Context::new(global)?;
    let workspace = context::open(&args.dir)?;
    let kubeconfig = context.kubeconfig().ok();
    let chart = args.chart.as_deref();
    let place = context.place(&workspace, chart, &args.env, kubeconfig.as_deref())?;
    context.learn(&place);
    let other = if args.against == DEPLOYED {
        None
    } else {
        let name = place.chart.name.clone();
        let other = context.place(&workspace, Some(&name), &args.against, kubeconfig.as_deref())?;
        context.learn(&other);
        Some(other)
    };
    let helm = context.helm().await?;
    let renderer = context.renderer(&helm);
    let new_side = side(&place);
    let redactor = Arc::clone(&context.redactor);
    let mut options = DiffOptions {
        new: new_side.clone(),
        redact: Some(Redact::new(move |object| mask(&redactor, object))),
        ..DiffOptions::default()
    };
    let old = if let Some(other) = &other {
        options.old = side(other);
        let (old, again) = twice(&renderer, &request(other)).await?;
        options.mask = Mask::of(&old, &again, &options.old);
        old
    } else {
        options.old = new_side.clone();
        deployed(&context, &place).await?
    };
    let mut ask = request(&place);
    if other.is_none() {
        ask.is_upgrade = true;
        if helm.renders_with_cluster() {
            ask.dry_run = DryRun::Server;
            ask.cluster = Some(RenderCluster {
                kubeconfig: context.kubeconfig_path(),
                context: place.target.context()?.to_owned(),
            });
        }
    }
    let (new, again) = twice(&renderer, &ask).await?;
    options.mask = options.mask.with(Mask::of(&new, &again, &new_side));
    let changes = manifest::diff(&old, &new, &options);
    if args.json {
        out::json(&changes)?;
    } else {
        out::line(&format!("{} against {}: {}", args.env, args.against, changes.headline()));
        print(&changes);
    }
    Ok(if changes.is_empty() { OK } else { CHANGES })
}

fn side(place: &Place<'_>) -> Side {
    Side { namespace: Some(place.target.namespace.clone()), release: Some(place.target.release.clone()) }
}

fn request(place: &Place<'_>) -> Request {
    let mut request = Request::new(&place.chart.dir, &place.target.release, &place.target.namespace);
    let files = place.environment.values_files.iter().filter(|file| file.exists());
    request.values = files.cloned().map(ValuesSource::File).collect();
    request
}

async fn twice(renderer: &CliRenderer, ask: &Request) -> Result<(Vec<Object>, Vec<Object>)> {
    let again = Request { sample: 1, ..ask.clone() };
    let (one, two) = tokio::try_join!(renderer.render(ask), renderer.render(&again))?;
    Ok((manifest::parse(&one.manifest)?, manifest::parse(&two.manifest)?))
}

/// The objects of the deployed revision.
async fn deployed(context: &Context, place: &Place<'_>) -> Result<Vec<Object>> {
    let kubeconfig = context.kubeconfig()?;
    let release = context::release_of(&place.target)?;
    let connection = Connection::open(&kubeconfig, &release.context).await?;
    let driver = Driver::from_env()
        .map_err(|name| Error::new(format!("HELM_DRIVER={name}: release records cannot be read here")))?;
    let history = connection.history(driver, &release.namespace, &release.release).await?;
    let row = history.iter().find(|row| row.status == Status::Deployed).ok_or_else(|| {
        Error::new("nothing of this release is deployed").at(release.to_string()).next("install it first")
    })?;
    let record = connection.record(driver, &release.namespace, &row.storage).await?;
    let mut objects = manifest::parse(&record.manifest)?;
    for hook in &record.hooks {
        objects.extend(manifest::parse_from(&hook.manifest, Some(&hook.path))?);
    }
    Ok(objects)
}

/// Changes as lines.
pub(super) fn print(changes: &ChangeSet) {
    for change in &changes.changes {
        for line in lines(change) {
            out::line(&line);
        }
    }
    let mut notes = changes.footnotes();
    if changes.unchanged > 0 {
        notes.insert(0, format!("{} unchanged", changes.unchanged));
    }
    if !notes.is_empty() {
        out::line(&format!("({})", notes.join(", ")));
    }
}

fn lines(change: &Change) -> Vec<String> {
    let mark = match change.kind {
        ChangeKind::Added => '+',
        ChangeKind::Removed => '-',
        ChangeKind::Changed => '~',
    };
    let mut lines = vec![format!("{mark} {}  {}", change.id.short(), change.summary)];
    let fields = &change.fields;
    for field in fields.iter().take(FIELDS) {
        let shown = |value: &Option<crate::yaml::Value>| value.as_ref().map_or("(none)".to_owned(), short);
        lines.push(format!("    {}: {} → {}", field.path, shown(&field.before), shown(&field.after)));
    }
    if fields.len() > FIELDS {
        lines.push(format!("    … {} more fields", fields.len() - FIELDS));
    }
    lines.extend(change.notes.iter().map(|note| format!("    · {}", crate::base::text::one_line(note))));
    lines
}

fn short(value: &crate::yaml::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    crate::base::text::elide_end(&crate::base::text::one_line(&text), 72).into_owned()
}
