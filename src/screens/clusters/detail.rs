//! What there is to read about a cell, and the picture of a chart that maps nothing yet.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::EXAMPLE;
use super::grid::{self, Attribute, Grid, Line};
use super::sized::{self, Sized};
use crate::base::Error;
use crate::cluster::Pinned;
use crate::model::resources;
use crate::screens::{Look, highlight};
use crate::session::{Fetched, Session};
use crate::ui::chrome::Pane;
use crate::ui::face::Face;
use crate::ui::glyphs::Glyphs;
use crate::ui::{Rich, Role, text};
use crate::workspace::{ClusterMapping, ContextChoice, Isolation, Preset};

/// The rules of the data model that are checked live.
const RULES: [&str; 4] = [
    "every environment is in exactly one mapping",
    "every mapping names a cluster and at least one environment",
    "every namespace is a DNS label; the template knows .environment only",
    "no two environments share a namespace unless labels keep them apart",
];

/// The rules, when all of them hold.
pub(super) fn rules(width: usize, glyphs: &Glyphs) -> Vec<Rich> {
    let lead = text::width(glyphs.good) + 1;
    RULES
        .iter()
        .flat_map(|rule| {
            text::wrap(rule, width.saturating_sub(lead)).into_iter().enumerate().map(move |(i, line)| {
                let mark = if i == 0 { format!("{} ", glyphs.good) } else { " ".repeat(lead) };
                Rich::of(Role::Good, mark).then(Role::Text, line)
            })
        })
        .collect()
}

struct Page<'a> {
    lines: Vec<Rich>,
    width: usize,
    glyphs: &'a Glyphs,
}

impl Page<'_> {
    fn say(&mut self, role: Role, words: &str) {
        self.lines.extend(text::wrap(words, self.width).into_iter().map(|line| Rich::of(role, line)));
    }

    fn key(&mut self, key: &str, label: &str) {
        self.lines.push(Rich::of(Role::Key, key).then(Role::KeyLabel, format!(" {label}")));
    }

    fn error(&mut self, error: &Error) {
        self.say(Role::Bad, &format!("{} {}", self.glyphs.bad, error.headline()));
        for line in error.cause.iter().flat_map(|cause| cause.lines()) {
            self.say(Role::Muted, line);
        }
        if let Some(next) = &error.next {
            self.say(Role::Text, &format!("{} {next}", self.glyphs.arrow));
        }
    }
}

/// What the cell means, what is wrong with it, and what a key does.
pub(super) fn lines(
    session: &Session,
    grid: &Grid,
    line: &Line,
    column: usize,
    sized: Option<&Sized>,
    width: usize,
    glyphs: &Glyphs,
) -> Vec<Rich> {
    let mut out = Page { lines: Vec::new(), width, glyphs };
    let Some(cluster) = grid.clusters().get(column) else { return out.lines };
    match line {
        Line::Environment(environment) => {
            let name = &environment.name;
            let home = grid.clusters().iter().find(|cluster| cluster.environments.contains(name));
            match home {
                Some(home) if home.name == cluster.name => match cluster.namespace(name) {
                    Ok(namespace) => {
                        out.say(
                            Role::Text,
                            &format!("{name} runs on {} in the namespace {namespace}", cluster.cluster),
                        );
                    }
                    Err(why) => out.say(Role::Bad, &format!("the namespace template {why}")),
                },
                Some(home) => out.say(Role::Muted, &format!("{name} lives in {}", home.name)),
                None => out.say(
                    Role::Warn,
                    &format!("{name} is in no mapping: it can be edited and rendered, not installed"),
                ),
            }
            if environment.protected {
                out.say(Role::Warn, "protected: its name has to be typed before something changes there");
            }
            let files: Vec<String> =
                environment.values_files.iter().map(|file| crate::screens::relative(session, file)).collect();
            out.say(Role::Muted, &format!("values: {}", files.join(", ")));
            promotion(&mut out, session, name);
            out.key("Enter", "moves it to another mapping");
        }
        Line::Attribute(attribute) => of_attribute(&mut out, session, grid, *attribute, column, sized),
    }
    out.lines
}

fn of_attribute(
    out: &mut Page<'_>,
    session: &Session,
    grid: &Grid,
    attribute: Attribute,
    column: usize,
    sized: Option<&Sized>,
) {
    let Some(cluster) = grid.clusters().get(column) else { return };
    let target = grid.targets.get(column).and_then(Option::as_ref);
    let known = grid::known(session, cluster, grid.context(column).map(|(context, _)| context));
    match attribute {
        Attribute::Cluster => {
            out.say(
                Role::Text,
                "A name that the team shares. Everybody's own settings say which context it is to them.",
            );
            out.key("Enter", "changes it");
        }
        Attribute::Context => {
            match target.map(|target| &target.choice) {
                Some(ContextChoice::Setting) => out.say(Role::Text, "chosen in your config.toml"),
                Some(ContextChoice::SameName) => out.say(Role::Text, "the context has the cluster's name"),
                Some(ContextChoice::Cluster) => {
                    out.say(Role::Text, "the only context that leads to a cluster of that name or address");
                }
                Some(ContextChoice::Ask(fitting)) => {
                    out.say(Role::Warn, &format!("several contexts fit: {}", fitting.join(", ")));
                }
                Some(ContextChoice::Missing(why)) => out.say(Role::Warn, why),
                None => out.say(Role::Muted, "not known until the mapping is valid"),
            }
            if let Some(error) = session.contexts.error() {
                out.error(error);
            }
            out.say(Role::Muted, "The kubeconfig's current context is never used.");
            out.key("Enter", "chooses the context");
        }
        Attribute::Reachable => {
            match known.map(|view| &view.answer) {
                Some(Fetched::Failed { error, .. }) => out.error(error),
                Some(Fetched::Ready { at, .. }) => {
                    out.say(Role::Text, &format!("answered at {}", crate::base::time::absolute(*at)));
                }
                Some(Fetched::Awaited { .. }) => out.say(Role::Busy, "asked, no answer yet"),
                None => out.say(Role::Muted, "not asked: it has no context here"),
            }
            out.key("c", "asks again");
        }
        Attribute::Identity => match known.and_then(|view| view.answer.ready()) {
            None => out.say(Role::Muted, "not known until the cluster answers"),
            Some((identity, Pinned::New)) => {
                out.say(Role::Text, &format!("found {}, not pinned yet", identity.short()));
                out.key("p", "pins it");
            }
            Some((identity, Pinned::Matches { weak })) => {
                out.say(Role::Text, &format!("the cluster that was pinned: {}", identity.short()));
                if *weak {
                    out.say(
                        Role::Warn,
                        "weak: without the right to read kube-system only CA and namespace are compared",
                    );
                }
            }
            Some((_, Pinned::Mismatch { expected, found })) => {
                out.say(Role::Bad, &format!("expected {}, found {}", expected.short(), found.short()));
                out.say(Role::Bad, "everything that writes there is refused");
                out.key("p", "pins what is found, after a question");
            }
        },
        Attribute::Template => {
            for environment in &cluster.environments {
                match cluster.namespace(environment) {
                    Ok(namespace) => {
                        let words = format!("{environment} {} {namespace}", out.glyphs.arrow);
                        out.say(Role::Muted, &words);
                    }
                    Err(why) => out.say(Role::Bad, &format!("the template {why}")),
                }
            }
            out.key("Enter", "changes it");
        }
        Attribute::Isolation => {
            out.say(
                Role::Text,
                match cluster.isolation {
                    Isolation::Namespace => "each environment has a namespace of its own",
                    Isolation::Label => {
                        "labels keep the environments apart; release names carry the environment"
                    }
                },
            );
            out.key("Enter", "changes it");
        }
        Attribute::Preset => {
            out.say(
                Role::Text,
                match cluster.preset() {
                    Preset::Custom => "the resources that stand beside the preset in the text",
                    Preset::Small | Preset::Medium | Preset::Large => {
                        "the size of components that set no resources of their own"
                    }
                },
            );
            out.key("Enter", "changes it");
            sizes(out, session, cluster, sized, None);
        }
        Attribute::Resources(row) => {
            out.say(Role::Text, "CPU/memory that is guaranteed, then the most that may be used");
            if cluster.preset() == Preset::Custom {
                out.key("Enter", "changes it");
            } else {
                out.say(Role::Muted, &format!("from the preset {}", cluster.preset()));
            }
            sizes(out, session, cluster, sized, Some(row));
        }
    }
}

/// The numbers of a size, and what the containers of an environment there get by them and by their own values.
fn sizes(
    out: &mut Page<'_>,
    session: &Session,
    cluster: &ClusterMapping,
    sized: Option<&Sized>,
    only: Option<&str>,
) {
    out.lines.push(Rich::default());
    for row in resources::ROWS.into_iter().filter(|row| only.is_none_or(|only| only == *row)) {
        if let Some(numbers) = cluster.resources.resolve(row) {
            let (requests, limits) = (numbers.requests.to_string(), numbers.limits.to_string());
            out.lines.push(Rich::of(Role::Text, format!("{row:11} {requests:>11} {limits:>12}")));
        }
    }
    let Some(environment) = sized::environment(session, cluster) else { return };
    out.lines.push(Rich::default());
    let Some(sized) = sized.filter(|sized| sized.is_of(session, environment)) else {
        let words = format!("what {environment} gets is not known: it does not render here, or not yet");
        return out.say(Role::Muted, &words);
    };
    out.say(Role::Muted, &format!("{environment} as it renders:"));
    let view = session.environments.iter().find(|view| view.name == *environment);
    let release = view.and_then(|view| Some(format!("{}-", view.target.as_ref().ok()?.release)));
    for (component, requests, limits) in &sized.containers {
        let own = release.as_ref().and_then(|release| component.strip_prefix(release.as_str()));
        let component = own.unwrap_or(component);
        let room = out.width.saturating_sub(25);
        let component = text::elide(component, room, text::Cut::Start, "…");
        let line = format!("{component:room$} {requests:>11} {limits:>12}");
        out.lines.push(Rich::of(Role::Text, line));
    }
}

/// Where a manifest promotes an environment, and what it has to pass.
fn promotion(out: &mut Page<'_>, session: &Session, name: &str) {
    let Some(manifest) = session.chart().and_then(|chart| chart.manifest.clone()) else { return };
    let promoted = manifest.entity.environments();
    let file = manifest.document.file.display();
    let Some(place) = promoted.iter().position(|own| *own == name) else {
        return out.say(Role::Warn, &format!("{file} promotes nothing there"));
    };
    out.say(Role::Text, &format!("{} of {} in {file}", place + 1, promoted.len()));
    let store = manifest.entity.artifacts.as_ref();
    let list = store.and_then(|store| store.promotion.as_ref()?.environments.as_ref());
    let Some(own) = list.and_then(|list| list.iter().find(|own| own.name == name)) else { return };
    let gates = serde_json::to_value(&own.gates).unwrap_or_default();
    let is_on = |value: &serde_json::Value| {
        !matches!(value, serde_json::Value::Bool(false) | serde_json::Value::Null)
    };
    let gates: Vec<&str> = gates
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| is_on(value))
        .map(|(gate, _)| gate.as_str())
        .collect();
    out.say(Role::Muted, &format!("gates: {}", gates.join(", ")));
    if own.lock.is_some() {
        out.say(Role::Warn, "locked by the manifest");
    }
}

/// A chart without a mapping: what one is, and how to write one.
pub(super) fn unmapped(session: &Session, grid: &Grid, frame: &mut Frame, area: Rect, look: &Look) {
    let inner =
        Pane::new("Clusters").focused(true).zoomed(look.zoomed).draw(frame.buffer_mut(), area, look.theme);
    if let Some(error) = &grid.unreadable {
        Face::Failed { error, hint: Some(("Enter", "open the file at its end")) }.draw(
            frame.buffer_mut(),
            inner,
            look.theme,
        );
        return;
    }
    let mut out = Page {
        lines: Vec::new(),
        width: usize::from(inner.width).saturating_sub(2),
        glyphs: look.theme.glyphs,
    };
    for problem in &grid.problems {
        out.say(Role::Bad, &format!("{} {problem}", look.theme.glyphs.bad));
    }
    let file = crate::screens::relative(session, &grid.file);
    out.say(
        Role::Text,
        &format!("Nothing says yet which environment lives on which cluster. Add clusterMapping to {file}:"),
    );
    out.lines.push(Rich::default());
    let tokens = highlight(EXAMPLE);
    for (line, spans) in EXAMPLE.lines().zip(tokens) {
        out.lines.push(Rich::from("  ").join(Rich::from_spans(line, &spans)));
    }
    out.lines.push(Rich::default());
    out.key("Enter", "opens the file as text");
    out.key("y", "copies the example");
    for (line, y) in out.lines.iter().zip(inner.top()..inner.bottom()) {
        line.draw(frame.buffer_mut(), (inner.x + 1, y), inner.width.saturating_sub(1), look.theme, None);
    }
}
