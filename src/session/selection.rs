//! What the header names: the one target that every key would act on.

use std::path::PathBuf;

pub use crate::helm::ReleaseRef;

/// A room of the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum RoomId {
    #[default]
    Charts,
    Values,
    Clusters,
    Diff,
    Releases,
    Run,
}

impl RoomId {
    /// In the order of their keys.
    pub const ALL: [Self; 6] =
        [Self::Charts, Self::Values, Self::Clusters, Self::Diff, Self::Releases, Self::Run];

    /// As on the tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Charts => "Charts",
            Self::Values => "Values",
            Self::Clusters => "Clusters",
            Self::Diff => "Diff",
            Self::Releases => "Releases",
            Self::Run => "Run",
        }
    }
}

/// A chart of the workspace with one of its logical environments.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mapped {
    /// The chart's folder, absolute.
    pub chart: PathBuf,
    pub environment: String,
}

/// What is selected. `mapped` stays when a foreign release is selected, because Values and Diff stay on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The last selected chart and environment; `None` in a workspace without charts.
    pub mapped: Option<Mapped>,
    /// A release without a chart here, when one is selected in Releases.
    pub foreign: Option<ReleaseRef>,
}
