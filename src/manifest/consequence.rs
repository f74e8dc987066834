//! The words for what a change does to what runs, from harmless to worst.

use std::fmt;

use serde::Serialize;

/// What applying one change would do. The order is the order of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Consequence {
    /// Nothing that runs is touched (a new object, a test, a label of the chart).
    #[default]
    None,
    /// A hook runs anew or runs differently.
    HookRuns,
    /// The object is changed where it is; nothing restarts because of it.
    InPlace,
    /// Pods are added or taken away, the others run on.
    Scale,
    /// Pods are replaced one after the other.
    RollingRestart,
    /// Everything of it stops before it starts again.
    Recreate,
    /// Somebody else owns the object or the field; helm refuses or overwrites.
    Conflict,
    /// The API server will refuse the change.
    Immutable,
    /// Data can be lost.
    DataAtRisk,
}

impl Consequence {
    /// All of them, harmless first.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::HookRuns,
        Self::InPlace,
        Self::Scale,
        Self::RollingRestart,
        Self::Recreate,
        Self::Conflict,
        Self::Immutable,
        Self::DataAtRisk,
    ];

    /// The word of the design's table, the same on every screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::HookRuns => "hook runs",
            Self::InPlace => "in place",
            Self::Scale => "scale",
            Self::RollingRestart => "rolling restart",
            Self::Recreate => "recreate",
            Self::Conflict => "conflict",
            Self::Immutable => "immutable (will fail)",
            Self::DataAtRisk => "data at risk",
        }
    }

    /// The word for a count in a headline: `2 restarts`, `1 recreate`.
    pub fn counted(self, count: usize) -> String {
        let (one, many) = match self {
            Self::None => ("without effect", "without effect"),
            Self::HookRuns => ("hook", "hooks"),
            Self::InPlace => ("in place", "in place"),
            Self::Scale => ("scale", "scales"),
            Self::RollingRestart => ("restart", "restarts"),
            Self::Recreate => ("recreate", "recreates"),
            Self::Conflict => ("conflict", "conflicts"),
            Self::Immutable => ("will fail", "will fail"),
            Self::DataAtRisk => ("data at risk", "data at risk"),
        };
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
