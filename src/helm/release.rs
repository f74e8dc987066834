//! Where a release lives.

use serde::{Deserialize, Serialize};

/// Where a release lives: enough to ask a cluster about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReleaseRef {
    /// The kubeconfig context.
    pub context: String,
    pub namespace: String,
    pub release: String,
}

impl std::fmt::Display for ReleaseRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} / {} / {}", self.context, self.namespace, self.release)
    }
}
