//! Keys of a chart's layers that no template reads in any of its environments.

use super::discover::WorkspaceChart;
use super::mapping::KEY;
use crate::base::Problem;
use crate::render::unread::{UnreadKey, unread};
use crate::render::{Engine, Output, Profile, Request, Session, ValuesSource};
use crate::schema::ChartSchema;
use crate::values;
use crate::yaml::{KeyPath, Segment};

/// The unread keys of renderings of one chart, one for each of its environments, with trace. The cluster mapping is read
/// by this program, and so is the version of the artifact, from the release; an environment's name is in its file whether a
/// template wants to know it or not.
pub fn unread_keys(outputs: &[&Output], schema: &ChartSchema) -> Vec<UnreadKey> {
    let ours = ["environment", "artifactVersion"].map(|name| KeyPath::of(["global", name]));
    let is_ours = |path: &KeyPath| {
        ours.contains(path) || matches!(path.0.as_slice(), [Segment::Key(key)] if key == KEY)
    };
    unread(outputs, schema, &is_ours)
}

/// What `validate` warns about. Nothing where an environment does not render: what it would read is not known.
pub(super) fn problems(chart: &WorkspaceChart) -> Vec<Problem> {
    let engine = Engine::new(Profile::FOUR, Session::default());
    let one = chart.environments.is_empty().then(Vec::new);
    let environments = chart
        .environments
        .iter()
        .map(|own| values::readable(&own.values_files).collect::<Vec<_>>())
        .chain(one);
    let mut outputs: Vec<Output> = Vec::new();
    for files in environments {
        let mut request = Request::new(chart.dir.clone(), chart.name.clone(), "default");
        request.values = files.into_iter().map(ValuesSource::File).collect();
        match engine.render_loaded(&chart.chart, &request, true) {
            Ok(output) => outputs.push(output),
            Err(_) => return Vec::new(),
        }
    }
    let outputs: Vec<&Output> = outputs.iter().collect();
    let found = unread_keys(&outputs, &chart.schema).into_iter().filter(|key| !key.dormant);
    found
        .map(|key| {
            let words = key.words();
            let file = key.file.unwrap_or_else(|| key.layer.into());
            Problem::warning(words).at(file, key.line).key(key.path.to_string())
        })
        .collect()
}
