//! What stands beside the tree: the text of a file with colours, or what is known of a chart or dependency.

use crate::chart::Dependency;
use crate::session::Session;
use crate::ui::{Rich, Role};
use crate::workspace::WorkspaceChart;

use super::tree::{Item, Node};

/// Files larger than this are not coloured.
const COLOURED: usize = 1 << 20;

/// The lines for a row of the tree.
pub(super) fn lines(session: &Session, node: &Node) -> Vec<Rich> {
    let Some(found) =
        session.workspace.ready().and_then(|workspace| workspace.charts.iter().find(|c| c.dir == node.chart))
    else {
        return match &node.item {
            Item::Broken(words) => words.lines().map(|line| Rich::of(Role::Bad, line)).collect(),
            _ => Vec::new(),
        };
    };
    match &node.item {
        Item::Chart => chart(session, found),
        Item::Group => group(found, node),
        Item::Dependency(key) => found
            .chart
            .dependencies
            .iter()
            .find(|dependency| dependency.key() == key)
            .map(|dependency| dependency_lines(session, dependency))
            .unwrap_or_default(),
        Item::Broken(words) => words.lines().map(|line| Rich::of(Role::Bad, line)).collect(),
        Item::Template(path) => {
            let text = found.chart.files.text(path).unwrap_or_default();
            crate::screens::template_lines(&crate::base::text::neutralise(&text))
        }
        Item::Values { path, .. } | Item::File(path) | Item::Schema(path) => {
            let file = node.chart.join(path);
            let text = session.text(&file).or_else(|| found.chart.files.text(path));
            match text {
                None => vec![Rich::of(Role::Muted, "not there, or not text")],
                Some(text) => {
                    let shown = session.redactor.text(&crate::base::text::neutralise(&text));
                    let yaml = path
                        .extension()
                        .is_some_and(|e| e == "yaml" || e == "yml" || e == "json" || e == "lock");
                    if yaml && shown.len() < COLOURED {
                        crate::screens::yaml_lines(&shown)
                    } else if path.extension().is_some_and(|e| e == "tpl") || path.ends_with("NOTES.txt") {
                        crate::screens::template_lines(&shown)
                    } else {
                        shown.lines().map(|line| Rich::of(Role::Text, line)).collect()
                    }
                }
            }
        }
    }
}

fn fact(name: &str, value: impl Into<String>) -> Rich {
    Rich::of(Role::Muted, format!("{name:<14}")).then(Role::Text, value)
}

fn chart(session: &Session, found: &WorkspaceChart) -> Vec<Rich> {
    let metadata = &found.chart.metadata;
    let mut lines = vec![Rich::of(Role::Title, format!("{} {}", metadata.name, metadata.version))];
    if let Some(description) = &metadata.description {
        lines.push(Rich::of(Role::Text, description.clone()));
    }
    lines.push(Rich::default());
    for (name, value) in [
        ("app version", &metadata.app_version),
        ("kube version", &metadata.kube_version),
        ("type", &metadata.kind),
        ("home", &metadata.home),
    ] {
        if let Some(value) = value {
            lines.push(fact(name, value.clone()));
        }
    }
    let templates = found.chart.templates().count();
    lines.push(fact("templates", templates.to_string()));
    let schema = if found.schema.is_empty() { "none: keys are not checked" } else { "values.schema.json" };
    lines.push(fact("schema", schema));
    if metadata.deprecated {
        lines.push(Rich::of(Role::Warn, "this chart is marked as deprecated"));
    }
    lines.push(Rich::default());
    lines.push(Rich::of(Role::Title, "Environments"));
    if found.environments.is_empty() {
        lines.push(Rich::of(Role::Muted, "none: add clusterMapping to values.yaml, or a values-<env>.yaml"));
    }
    let width = found.environments.iter().map(|e| e.name.len()).max().unwrap_or(0);
    for environment in &found.environments {
        let mapping = found.mapping.as_ref().and_then(|mapping| mapping.of(&environment.name));
        let place = match mapping {
            Some(mapping) => {
                let namespace = mapping.namespace(&environment.name).unwrap_or_else(|why| why);
                format!("{} / {namespace}", mapping.cluster)
            }
            None => "in no cluster mapping".to_owned(),
        };
        let mut line = Rich::of(Role::Text, format!("{:width$}  {place}", environment.name));
        if environment.protected {
            line.push(Role::Warn, "  PROTECTED");
        }
        lines.push(line);
    }
    if !found.chart.dependencies.is_empty() {
        lines.push(Rich::default());
        lines.push(Rich::of(Role::Title, "Dependencies"));
        lines.extend(found.chart.dependencies.iter().map(dependency_line));
    }
    let mut problems: Vec<String> =
        found.problems.iter().chain(&found.chart.problems).map(ToString::to_string).collect();
    let selected = session.selection.mapped.as_ref().is_some_and(|mapped| mapped.chart == found.dir);
    if selected {
        problems.extend(
            session.environments.iter().flat_map(|view| {
                view.problems.iter().map(move |problem| format!("{}: {problem}", view.name))
            }),
        );
    }
    if !problems.is_empty() {
        lines.push(Rich::default());
        lines.push(Rich::of(Role::Title, format!("Problems ({})", problems.len())));
        lines.extend(problems.into_iter().map(|problem| Rich::of(Role::Bad, problem)));
    }
    if let Some(readme) = found.chart.files.text("README.md") {
        lines.push(Rich::default());
        lines.extend(
            crate::base::text::neutralise(&readme)
                .lines()
                .map(|line| Rich::of(if line.starts_with('#') { Role::Title } else { Role::Text }, line)),
        );
    }
    lines
}

/// Name, version and state.
fn dependency_line(dependency: &Dependency) -> Rich {
    let role = if dependency.state.is_bad() { Role::Warn } else { Role::Good };
    Rich::of(Role::Text, format!("{} {}  ", dependency.key(), dependency.version))
        .then(role, dependency.state.words())
}

fn group(found: &WorkspaceChart, node: &Node) -> Vec<Rich> {
    if node.name == "dependencies" {
        let mut lines: Vec<Rich> = found.chart.dependencies.iter().map(dependency_line).collect();
        lines.push(Rich::default());
        lines.push(Rich::of(Role::Key, "b").then(Role::KeyLabel, " helm dependency build"));
        return lines;
    }
    let folder = node.title.as_str();
    let inside = found.chart.files.paths().filter(|path| path.starts_with(folder));
    inside.map(|path| Rich::of(Role::Text, path.display().to_string())).collect()
}

fn dependency_lines(session: &Session, dependency: &Dependency) -> Vec<Rich> {
    let mut lines = vec![
        Rich::of(Role::Title, format!("{} {}", dependency.name, dependency.version)),
        fact("values key", dependency.key()),
        fact("from", dependency.repository.clone()),
    ];
    let role = if dependency.state.is_bad() { Role::Warn } else { Role::Good };
    lines.push(Rich::of(Role::Muted, format!("{:<14}", "state")).then(role, dependency.state.words()));
    if let Some(condition) = &dependency.condition {
        lines.push(fact("condition", condition.clone()));
    }
    if !dependency.tags.is_empty() {
        lines.push(fact("tags", dependency.tags.join(", ")));
    }
    for view in &session.environments {
        let on = dependency.is_enabled(&view.merged.value);
        lines.push(fact(&view.name, if on { "on" } else { "off" }));
    }
    if dependency.state.is_bad() {
        lines.push(Rich::default());
        lines.push(Rich::of(Role::Key, "b").then(Role::KeyLabel, " helm dependency build"));
    }
    if let Some(chart) = &dependency.chart {
        lines.push(Rich::default());
        lines.push(Rich::of(Role::Title, "Templates"));
        lines.extend(chart.templates().map(|path| Rich::of(Role::Text, path.display().to_string())));
    }
    lines
}
