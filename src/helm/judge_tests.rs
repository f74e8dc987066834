#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use super::*;
use crate::helm::preview::{By, Prepared, Refused};
use crate::helm::program::{Helm, Major};
use crate::helm::renderer::CliRenderer;
use crate::helm::run::testing::script;
use crate::manifest::DiffOptions;
use crate::render::ValuesSource;

const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  \
                        size: {{ .Values.size | quote }}\n  drawn: {{ randAlphaNum 8 }}\n";

/// A chart, and what a helm script makes of it.
struct Stand {
    folder: tempfile::TempDir,
    chart: Arc<Chart>,
}

impl Stand {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path().join("c");
        fs::create_dir_all(chart.join("templates")).unwrap();
        fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n").unwrap();
        fs::write(chart.join("values.yaml"), "size: 1\n").unwrap();
        fs::write(chart.join("templates/a.yaml"), TEMPLATE).unwrap();
        let chart = Arc::new(Chart::load(&chart).unwrap());
        Self { folder, chart }
    }

    /// The text of a values file that is in memory only.
    fn source(&self, values: &str) -> Source {
        let file = self.folder.path().join("values-dev.yaml");
        let mut request = Request::new(&self.chart.dir, "rel", "default");
        request.values = vec![ValuesSource::File(file.clone())];
        Source { request, chart: Some(Loaded(self.chart.clone())), texts: vec![(file, values.into())] }
    }

    /// With a script in helm's place, which appends to a file each time it renders.
    fn with_helm(&self, body: &str) -> Previewer {
        let calls = self.folder.path().join("calls");
        let script = script(self.folder.path(), "helm", &format!("echo x >> '{}'\n{body}", calls.display()));
        let version = semver::Version::new(4, 2, 4);
        let helm = Arc::new(Helm { path: script, version, major: Major::Four });
        let runtime = self.folder.path().join("runtime");
        let renderer = CliRenderer::new(helm.clone(), runtime, Arc::new(Redactor::with_key([7; 32])));
        Previewer::default().with_helm(helm, Arc::new(renderer))
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.folder.path().join("calls")).map_or(0, |text| text.lines().count())
    }
}

/// What helm prints, with something of its own at random.
fn printing(size: &str) -> String {
    format!(
        "cat <<END\n---\n# Source: c/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: rel\ndata:\n  \
         size: \"{size}\"\n  drawn: h$$\nEND"
    )
}

fn redactor() -> Redactor {
    Redactor::with_key([7; 32])
}

#[tokio::test]
async fn the_engine_prepares_from_memory_and_remembers() {
    let stand = Stand::new();
    let previewer = Previewer::default();
    let (one, two) = (stand.source("size: 1\n"), stand.source("size: 2\n"));
    // Nothing of it is read from the disk any more.
    fs::remove_dir_all(&stand.chart.dir).unwrap();
    let before = previewer.prepare(&one).await.unwrap();
    let after = previewer.prepare(&two).await.unwrap();
    assert!(Arc::ptr_eq(&before, &previewer.prepare(&one).await.unwrap()), "it is remembered");
    assert_eq!((before.by.clone(), before.verdict()), (By::Engine, Verdict::Pending));
    let changes = Prepared::compare(&before, &after, DiffOptions::default());
    let fields: Vec<String> = changes.changes[0].fields.iter().map(|field| field.path.to_string()).collect();
    assert_eq!(fields, ["data.size"], "what is random is no change: {changes:?}");
}

#[tokio::test]
async fn what_the_engine_cannot_is_left_to_helm_and_said() {
    let stand = Stand::new();
    let mut source = stand.source("size: 1\n");
    source.request.overlay = vec![("Chart.yaml".into(), "apiVersion: v2\nname: c\nversion: 2.0.0\n".into())];
    assert!(matches!(Previewer::default().by_engine(&source).await, Err(Refused::Cannot(_))));
    let error = Previewer::default().prepare(&source).await.unwrap_err();
    assert!(error.what.contains("without helm") && error.cause.unwrap().contains("metadata"));
    let previewer = stand.with_helm(&printing("1"));
    let prepared = previewer.prepare(&source).await.unwrap();
    assert!(matches!(&prepared.by, By::Helm(why) if why.contains("metadata")), "{:?}", prepared.by);
    assert!(prepared.warnings[0].starts_with("rendered by helm, because the engine cannot"));
    assert!(matches!(prepared.verdict(), Verdict::ByHelm(why) if why.contains("metadata")));
    assert!(!prepared.mask.is_empty(), "helm was looked at twice");
}

#[tokio::test]
async fn a_verdict_is_remembered_by_content() {
    let stand = Stand::new();
    let previewer = stand.with_helm(&printing("1"));
    let source = stand.source("size: 1\n");
    assert!(previewer.known_verdict(&source).is_pending());
    let Verdict::Verified(report) = previewer.judge(&source, &redactor()).await else {
        panic!("not verified")
    };
    assert_eq!(report.outcome, Outcome::Identical { random: 1 });
    let calls = stand.calls();
    // The same content read again is the same question.
    let again = Stand { chart: Arc::new(Chart::load(&stand.chart.dir).unwrap()), ..stand };
    assert!(matches!(previewer.known_verdict(&again.source("size: 1\n")), Verdict::Verified(_)));
    assert!(matches!(previewer.judge(&again.source("size: 1\n"), &redactor()).await, Verdict::Verified(_)));
    assert_eq!(again.calls(), calls, "helm did not run again");
    assert!(previewer.known_verdict(&again.source("size: 2\n")).is_pending());
}

#[tokio::test]
async fn helm_has_the_last_word() {
    let stand = Stand::new();
    let previewer = stand.with_helm(&printing("9"));
    let source = stand.source("size: 1\n");
    let Verdict::Differs(report) = previewer.judge(&source, &redactor()).await else {
        panic!("no difference")
    };
    let Outcome::Different { differences, .. } = &report.outcome else { panic!("{report:?}") };
    assert_eq!((differences[0].template.as_str(), differences[0].line), ("c/templates/a.yaml", 6));
    assert!(report.lines().iter().any(|line| line.contains("helm      size: \"9\"")), "{:?}", report.lines());
    let shown = previewer.by_helm(&source, By::Judge).await.unwrap();
    assert_eq!(shown.objects[0].value["data"]["size"], "9");
    assert!(shown.warnings[0].contains("the engine gives something else"));
}

#[tokio::test]
async fn a_refusal_of_one_is_a_difference_and_one_of_both_is_none() {
    let stand = Stand::new();
    let previewer = stand.with_helm("echo 'Error: no' >&2; exit 1");
    let verdict = previewer.judge(&stand.source("size: 1\n"), &redactor()).await;
    assert!(
        matches!(verdict, Verdict::Differs(report) if matches!(report.outcome, Outcome::HelmRefuses { .. }))
    );
    let broken = stand.source("size: [\n");
    let report = previewer.verify(&broken, &redactor()).await.unwrap();
    assert!(matches!(report.outcome, Outcome::BothRefuse { .. }) && report.agrees());
    let previewer = stand.with_helm(&printing("1"));
    let report = previewer.verify(&broken, &redactor()).await.unwrap();
    assert!(matches!(report.outcome, Outcome::EngineRefuses { cannot: false, .. }));
}

#[tokio::test]
async fn a_helm_that_does_not_answer_judges_nothing() {
    let stand = Stand::new();
    let previewer = stand.with_helm("kill -9 $$");
    let source = stand.source("size: 1\n");
    assert!(matches!(previewer.judge(&source, &redactor()).await, Verdict::Unknown(_)));
    assert!(previewer.known_verdict(&source).is_pending(), "it is asked again");
    // A chart that changed on disk since is not what helm saw.
    let previewer = stand.with_helm(&printing("9"));
    fs::write(stand.chart.dir.join("templates/b.yaml"), "").unwrap();
    assert!(
        matches!(previewer.judge(&source, &redactor()).await, Verdict::Unknown(why) if why.contains("disk"))
    );
}

#[test]
fn the_worst_verdict_of_two_sides_counts() {
    let report = |outcome| Arc::new(Report { helm: "4.2.4".to_owned(), proven: true, outcome });
    let verified = Verdict::Verified(report(Outcome::Identical { random: 0 }));
    let differs = Verdict::Differs(report(Outcome::HelmRefuses { helm: "no".to_owned() }));
    let by_helm = Verdict::ByHelm("why".to_owned());
    assert_eq!(Verdict::of_all([verified.clone(), by_helm.clone()]), verified);
    assert_eq!(Verdict::of_all([by_helm.clone(), Verdict::ByHelm(String::new())]), by_helm);
    assert_eq!(Verdict::of_all([verified.clone(), Verdict::Pending]), Verdict::Pending);
    assert_eq!(Verdict::of_all([differs.clone(), Verdict::Unknown("x".to_owned()), verified]), differs);
}
