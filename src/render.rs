//! What a rendering is, the trait of everything that renders a chart, and the engine that renders in this process.
//! The implementation that runs the operator's helm is `helm::renderer`; whoever needs manifests depends on this file
//! only.
//!
//! The engine: `units` (a chart with its enabled subcharts and their scopes) goes through `template` (Go's template
//! language) with `functions` and `objects`, and `manifests` makes of the outputs what helm prints. `encode` writes
//! YAML and JSON as Go does, `profile` knows what differs between versions of helm, `refusal` words failures as helm.

pub mod encode;
mod engine;
mod error;
pub mod functions;
pub mod manifests;
pub mod objects;
pub mod places;
mod profile;
pub mod refusal;
pub mod template;
#[cfg(test)]
mod test_chart;
pub mod units;
pub mod unread;
pub mod why;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use crate::values::SetForm;
pub use engine::{Engine, Output, RanFile, Refusal};
pub use error::{RenderError, TemplatePlace};
pub use profile::Profile;
pub use template::Session;

/// One source of values, in the order in which helm gets it by `-f`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ValuesSource {
    /// A file as it is on disk.
    File(PathBuf),
    /// Text that is not saved yet; it never becomes a file of its own, so secrets in it stay in memory.
    Inline {
        /// The file it would be saved as: for messages, and for schema problems that name a layer.
        name: PathBuf,
        /// The whole YAML document.
        text: Arc<str>,
    },
}

/// Whether a rendering may ask a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DryRun {
    /// Offline: built-in capabilities, `lookup` finds nothing.
    #[default]
    Client,
    /// The cluster answers `lookup` and capabilities; needs [`Request::cluster`].
    Server,
}

/// The cluster that a [`DryRun::Server`] asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RenderCluster {
    /// `--kubeconfig`, if the operator gave one.
    pub kubeconfig: Option<PathBuf>,
    /// `--kube-context`, always named.
    pub context: String,
}

/// Everything that decides what comes out. Two equal requests give the same text, apart from random functions,
/// files that changed on disk, and the cluster's answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The folder that holds `Chart.yaml` (or a packaged chart).
    pub chart_dir: PathBuf,
    /// The release's name.
    pub release: String,
    /// The release's namespace.
    pub namespace: String,
    /// The values sources after the chart's own `values.yaml`, lowest first.
    pub values: Vec<ValuesSource>,
    /// `--set` expressions, in order, after all sources.
    pub set: Vec<String>,
    /// The other forms of `--set`; helm's order among them does not depend on ours.
    pub given: Vec<(SetForm, String)>,
    /// Files of the chart with edits that are not saved: path inside the chart, whole text.
    pub overlay: Vec<(PathBuf, Arc<str>)>,
    /// Which of several renderings of the same thing this is. Equal requests may be answered from memory, so a
    /// second look (what is random?) asks for another sample.
    pub sample: u8,
    /// Renders as an upgrade (`.Release.IsUpgrade`) instead of an install.
    pub is_upgrade: bool,
    /// Puts the objects of `crds/` in front.
    pub include_crds: bool,
    /// Leaves the `helm test` hooks out.
    pub skip_tests: bool,
    /// Only these templates, as paths inside the chart (`templates/web.yaml`); empty for all.
    pub show_only: Vec<PathBuf>,
    /// Whether the cluster is asked.
    pub dry_run: DryRun,
    /// The cluster to ask.
    pub cluster: Option<RenderCluster>,
    /// `--kube-version`, for an offline rendering.
    pub kube_version: Option<String>,
    /// `--api-versions`, for an offline rendering.
    pub api_versions: Vec<String>,
    /// When the rendering is given up.
    pub timeout: Duration,
}

impl Request {
    /// An offline install rendering with the chart's own values and a limit of one minute.
    pub fn new(
        chart_dir: impl Into<PathBuf>,
        release: impl Into<String>,
        namespace: impl Into<String>,
    ) -> Self {
        Self {
            chart_dir: chart_dir.into(),
            release: release.into(),
            namespace: namespace.into(),
            values: Vec::new(),
            set: Vec::new(),
            given: Vec::new(),
            overlay: Vec::new(),
            sample: 0,
            is_upgrade: false,
            include_crds: false,
            skip_tests: false,
            show_only: Vec::new(),
            dry_run: DryRun::Client,
            cluster: None,
            kube_version: None,
            api_versions: Vec::new(),
            timeout: Duration::from_mins(1),
        }
    }
}

/// A finished rendering.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// The manifests as helm prints them: documents with `# Source:` lines, hooks included. Not redacted.
    pub manifest: String,
    /// `NOTES.txt`, where the way of rendering gives it.
    pub notes: Option<String>,
    /// What helm warned about, one entry a line, in its words.
    pub warnings: Vec<String>,
}

/// What [`Renderer::render`] returns: boxed, so that renderers can be chosen at run time.
pub type Rendering<'a> = Pin<Box<dyn Future<Output = Result<Rendered, RenderError>> + Send + 'a>>;

/// Turns a chart and values into manifests.
pub trait Renderer: Send + Sync {
    /// Renders once. Dropping the future stops the work and leaves no process behind.
    fn render<'a>(&'a self, request: &'a Request) -> Rendering<'a>;
}
