//! Values from compiled artifacts: through the program for what operators see, through the library where thousands of
//! artifacts are tried. Charts are rendered by the engine, which `render_oracle` holds to both helms.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use floe_tui::chart::Chart;
use floe_tui::generate::{self, Artifact, Generated, JobsMode, Site, Wish};
use floe_tui::model::json::Json;
use floe_tui::model::mapping::Mapping;
use floe_tui::render::{Engine, Profile, Refusal, Request, Session, ValuesSource};
use floe_tui::schema::{ChartSchema, Kind};
use floe_tui::values::{self, Layer, LayerKind, LayerSet, SetForm};
use floe_tui::workspace::read_mapping;
use floe_tui::yaml::{self, KeyPath, Segment};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::support::operator::{CLUSTER, Operator, header};
use super::support::process::eventually;
use super::support::pty::{has, has_row};
use super::support::root;
use super::support::sandbox::{HelmMajor, sandbox};
use super::support::workspace::{ENVIRONMENTS, Workspace};

mod command;
mod contracts;
mod credentials;
mod jobs;
mod keys;
mod properties;

const ALL: [&str; 5] = ["dev", "qa", "uat", "staging", "prod"];
const IMAGE: &str = "defaults.image.repository=acme/orders,defaults.image.tag=2.1.0";
/// Makes what the chart would else make up at random the same in every rendering.
const FIXED: &str = "postgresql:\n  auth: {existingSecret: fixed}\nexternalPostgresql: {existingSecret: fixed}\npolaris:\n  auth: {existingSecret: fixed}\ngrafana:\n  auth: {existingSecret: fixed}\n";

fn artifact_file(name: &str) -> PathBuf {
    root().join("tests/it/artifacts").join(name)
}

fn document(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(artifact_file(name)).unwrap()).unwrap()
}

/// The charts and the mapping, loaded once.
struct Bench {
    chart: Chart,
    schema: ChartSchema,
    mapping: Mapping,
}

static PLATFORM: LazyLock<Bench> = LazyLock::new(|| Bench::of("floe-platform"));
static JOBS: LazyLock<Bench> = LazyLock::new(|| Bench::of("floe-jobs"));

impl Bench {
    fn of(chart: &str) -> Self {
        Self::at(&root().join("charts").join(chart))
    }

    fn at(dir: &Path) -> Self {
        let chart = Chart::load(dir).unwrap();
        let (schema, problems) = ChartSchema::load(&chart);
        assert!(problems.is_empty(), "{problems:?}");
        let text = std::fs::read_to_string(root().join("charts/floe-platform/values.yaml")).unwrap();
        let (mapping, problems) = read_mapping(Path::new("values.yaml"), &text, None);
        assert!(problems.is_empty(), "{problems:?}");
        Self { chart, schema, mapping: mapping.unwrap() }
    }

    fn generate(
        &self,
        artifact: &Artifact,
        environment: &str,
        overrides: &[Layer],
        jobs: JobsMode,
    ) -> Generated {
        let cluster = self.mapping.of(environment).unwrap();
        let namespace = cluster.namespace(environment).unwrap();
        let files: Vec<PathBuf> = [self.chart.dir.join(format!("values-{environment}.yaml"))]
            .into_iter()
            .filter(|file| file.exists())
            .collect();
        let below = LayerSet::for_environment(&self.chart, &files, &|_| None);
        let site = Site {
            chart: &self.chart,
            schema: &self.schema,
            environment,
            namespace: &namespace,
            release: &self.chart.metadata.name,
            cluster,
            mapping_file: Path::new("values.yaml"),
            below: &below,
            above: &[],
            platform: Some("floe-platform"),
        };
        generate::generate(&Wish { artifact, spec: None, overrides, jobs }, &site)
    }
}

fn artifact(value: &Value) -> Result<Artifact, Vec<String>> {
    let json =
        Json::parse(Path::new("a.json"), format!("{value:#}")).map_err(|error| vec![error.to_string()])?;
    Artifact::of(json).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn set(arguments: &[&str]) -> Vec<Layer> {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let arguments: Vec<_> = arguments.iter().map(|argument| (SetForm::Typed, argument.clone())).collect();
    LayerSet::of_files(Vec::new()).with_set(&arguments).unwrap().layers().to_vec()
}

fn errors(generated: &Generated) -> Vec<String> {
    let errors =
        generated.problems.iter().filter(|problem| problem.severity == floe_tui::base::Severity::Error);
    errors.map(ToString::to_string).collect()
}

/// What helm would send; `Err` with its words when it refuses.
fn rendered(
    engine: &Engine,
    chart: &Path,
    environment: &str,
    generated: &str,
    more: &str,
) -> Result<String, String> {
    let mut request =
        Request::new(chart, chart.file_name().unwrap().to_str().unwrap(), format!("floe-{environment}"));
    let own = chart.join(format!("values-{environment}.yaml"));
    request.values.extend(own.exists().then_some(ValuesSource::File(own)));
    for (name, text) in [("generated.yaml", generated), ("more.yaml", more)] {
        request.values.push(ValuesSource::Inline { name: name.into(), text: text.into() });
    }
    match engine.render(&request, false) {
        Ok(output) => Ok(output.into_rendered().manifest),
        Err(Refusal::Helm { words, .. }) => Err(words),
        Err(refusal) => panic!("{refusal:?}"),
    }
}

fn engine() -> Engine {
    Engine::new(Profile::FOUR, Session::default())
}

#[test]
fn every_version_and_mode_becomes_values_that_render_in_every_environment() {
    let workspace = Workspace::new("gen-all");
    let engine = engine();
    for name in ["oldest.json", "simple.json", "centralized.json", "mesh.json"] {
        let file = artifact_file(name);
        for chart in ["floe-platform", "floe-jobs"] {
            let dir = workspace.charts().join(chart);
            let out = workspace.folder().join(format!("{chart}-{name}"));
            let given = if chart == "floe-jobs" { IMAGE } else { "nameOverride=" };
            let mut more = vec!["--set", given, "--output", out.to_str().unwrap()];
            for environment in ALL {
                more.extend(["--env", environment]);
            }
            let first = workspace.generate(&file, &dir, &more).ok();
            assert_eq!(first.stdout.matches(": created").count(), 5, "{first}");
            // The same again: nothing is written, not even the same bytes.
            let inode = |environment: &str| {
                std::fs::metadata(out.join(format!("{chart}-{environment}.yaml"))).unwrap().ino()
            };
            let before: Vec<u64> = ALL.iter().map(|environment| inode(environment)).collect();
            let again = workspace.generate(&file, &dir, &more).ok();
            assert_eq!(again.stdout.matches(": unchanged").count(), 5, "{again}");
            assert_eq!(before, ALL.iter().map(|environment| inode(environment)).collect::<Vec<_>>());
            for environment in ALL {
                let text = std::fs::read_to_string(out.join(format!("{chart}-{environment}.yaml"))).unwrap();
                let head =
                    format!("environment {environment}, namespace {},", workspace.namespace(environment));
                assert!(text.contains(&head), "{text}");
                if let Err(words) = rendered(&engine, &dir, environment, &text, "") {
                    panic!("{name}, {chart}, {environment}: {words}\n{text}");
                }
            }
        }
    }
}
