#![allow(clippy::unwrap_used)]

use std::time::Duration;

use semver::Version;

use super::*;
use crate::helm::Major;
use crate::helm::run::testing::script;

struct Stand {
    folder: tempfile::TempDir,
}

impl Stand {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("chart")).unwrap();
        fs::write(folder.path().join("chart/Chart.yaml"), "name: c\n").unwrap();
        Self { folder }
    }

    /// A renderer with a helm that counts its calls in the file `calls`.
    fn renderer(&self, body: &str) -> CliRenderer {
        let calls = self.folder.path().join("calls");
        let path = script(self.folder.path(), "helm", &format!("echo \"$@\" >> {}\n{body}", calls.display()));
        let helm = Helm { path, version: Version::new(4, 2, 4), major: Major::Four };
        CliRenderer::new(Arc::new(helm), self.folder.path().join("run"), Arc::new(Redactor::new()))
    }

    fn request(&self) -> Request {
        Request::new(self.folder.path().join("chart"), "r", "n")
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

fn inline(name: &str, text: &str) -> ValuesSource {
    ValuesSource::Inline { name: name.into(), text: Arc::from(text) }
}

#[tokio::test]
async fn equal_requests_run_once_until_a_file_changes() {
    let stand = Stand::new();
    let renderer = stand.renderer("echo 'kind: A'");
    let mut request = stand.request();
    let values = stand.folder.path().join("values-dev.yaml");
    fs::write(&values, "a: 1\n").unwrap();
    request.values.push(ValuesSource::File(values.clone()));
    for _ in 0..3 {
        assert_eq!(renderer.render(&request).await.unwrap().manifest, "kind: A\n");
    }
    assert_eq!(stand.calls().len(), 1);
    request.sample = 1;
    renderer.render(&request).await.unwrap();
    assert_eq!(stand.calls().len(), 2, "another sample is another rendering");
    fs::write(&values, "a: 22\n").unwrap();
    renderer.render(&request).await.unwrap();
    fs::write(stand.folder.path().join("chart/new.yaml"), "").unwrap();
    renderer.render(&request).await.unwrap();
    assert_eq!(stand.calls().len(), 4);
}

#[tokio::test]
async fn unsaved_text_goes_through_the_standard_input() {
    let stand = Stand::new();
    let renderer = stand.renderer("cat");
    let mut request = stand.request();
    request.values = vec![inline("values-dev.yaml", "password: x # kept\n")];
    assert_eq!(renderer.render(&request).await.unwrap().manifest, "password: x # kept\n");
    assert!(stand.calls()[0].ends_with("-f -"));
    let between = stand.folder.path().join("between.yaml");
    fs::write(&between, "b: {z: 2}\nlist: [1]\n").unwrap();
    let after = stand.folder.path().join("after.yaml");
    fs::write(&after, "").unwrap();
    request.values = vec![
        inline("one.yaml", "a: 1\nb: {x: 1, z: 1}\nlist: [1, 2]\n"),
        ValuesSource::File(between),
        inline("two.yaml", "b: {x: null}\n"),
        ValuesSource::File(after.clone()),
    ];
    let merged: Value = serde_json::from_str(&renderer.render(&request).await.unwrap().manifest).unwrap();
    assert_eq!(merged, serde_json::json!({"a": 1, "b": {"x": null, "z": 2}, "list": [1]}));
    assert!(stand.calls()[1].ends_with(&format!("-f - -f {}", after.display())));
    request.values = vec![inline("one.yaml", "a: ["), inline("two.yaml", "")];
    let error = renderer.render(&request).await.unwrap_err();
    assert!(error.error.headline().starts_with("one.yaml"), "{error}");
}

#[tokio::test]
async fn unsaved_chart_files_are_seen_and_the_place_is_the_real_one() {
    let stand = Stand::new();
    let renderer =
        stand.renderer("cat $3/Chart.yaml; echo \"Error: $3/templates/x.yaml bad\" >&2; exit ${FAIL:-0}");
    let mut request = stand.request();
    request.overlay = vec![("Chart.yaml".into(), Arc::from("name: edited\n"))];
    let rendered = renderer.render(&request).await.unwrap();
    assert_eq!(rendered.manifest, "name: edited\n");
    let chart = stand.folder.path().join("chart");
    assert!(rendered.warnings[0].contains(&chart.display().to_string()), "{rendered:?}");
}

#[tokio::test]
async fn failures_keep_helms_words() {
    let stand = Stand::new();
    let renderer =
        stand.renderer("echo 'Error: execution error at (c/templates/a.yaml:3:4): boom' >&2; exit 1");
    let error = renderer.render(&stand.request()).await.unwrap_err();
    assert_eq!(error.place().unwrap().to_string(), "c/templates/a.yaml:3:4");
    assert_eq!(
        error.error.cause.as_deref(),
        Some("Error: execution error at (c/templates/a.yaml:3:4): boom")
    );
    let mut request = stand.request();
    request.timeout = Duration::from_millis(200);
    let slow = stand.renderer("sleep 1000");
    assert!(slow.render(&request).await.unwrap_err().error.what.contains("did not end within"));
}

#[tokio::test]
async fn a_dropped_rendering_ends_its_process() {
    let stand = Stand::new();
    let pid_file = stand.folder.path().join("pid");
    let renderer =
        stand.renderer(&format!("echo $$ > {}.new; mv {0}.new {0}; exec sleep 1000", pid_file.display()));
    let request = stand.request();
    let limit = tokio::time::Instant::now() + Duration::from_secs(20);
    {
        let rendering = renderer.render(&request);
        tokio::pin!(rendering);
        while !pid_file.exists() {
            assert!(tokio::time::Instant::now() < limit, "it never started");
            let _ = tokio::time::timeout(Duration::from_millis(5), &mut rendering).await;
        }
    }
    let pid: i32 = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    while rustix::process::test_kill_process(pid).is_ok() {
        assert!(tokio::time::Instant::now() < limit, "it lives on");
        tokio::task::yield_now().await;
    }
}

#[test]
fn pull_lines_go() {
    let with = "Pulled: r/c:1\nDigest: sha256:1\n---\nkind: A\n".to_owned();
    assert_eq!(strip_pull_lines(with), "---\nkind: A\n");
    let without = "---\nDigest: kept\n".to_owned();
    assert_eq!(strip_pull_lines(without.clone()), without);
}
