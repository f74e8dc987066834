//! How a state looks: one tone, one glyph and one word for each, so that it can be told without colour.

use crate::cluster::Health;
use crate::helm::record::{HookPhase, Status};
use crate::model::DeploymentStatus;
use crate::ui::glyphs::Glyphs;
use crate::ui::{Rich, Role};

/// What a state means to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tone {
    Good,
    Busy,
    Warn,
    Bad,
    Paused,
    #[default]
    Unknown,
    Missing,
}

impl Tone {
    pub(super) fn role(self) -> Role {
        match self {
            Self::Good => Role::Good,
            Self::Busy => Role::Busy,
            Self::Warn => Role::Warn,
            Self::Bad => Role::Bad,
            Self::Paused | Self::Unknown | Self::Missing => Role::Muted,
        }
    }

    pub(super) fn glyph(self, glyphs: &Glyphs) -> &'static str {
        match self {
            Self::Good => glyphs.good,
            Self::Busy => glyphs.busy,
            Self::Warn => glyphs.warn,
            Self::Bad => glyphs.bad,
            Self::Paused => glyphs.paused,
            Self::Unknown => glyphs.unknown,
            Self::Missing => glyphs.missing,
        }
    }
}

impl From<Health> for Tone {
    fn from(health: Health) -> Self {
        match health {
            Health::Degraded | Health::Missing => Self::Bad,
            Health::Progressing => Self::Busy,
            Health::Unknown => Self::Unknown,
            Health::Suspended => Self::Paused,
            Health::Healthy => Self::Good,
        }
    }
}

impl From<Status> for Tone {
    fn from(status: Status) -> Self {
        match status {
            Status::Deployed => Self::Good,
            Status::Failed => Self::Bad,
            Status::PendingInstall | Status::PendingUpgrade | Status::PendingRollback => Self::Warn,
            Status::Uninstalling => Self::Busy,
            Status::Uninstalled => Self::Missing,
            Status::Superseded => Self::Paused,
            Status::Unknown => Self::Unknown,
        }
    }
}

impl From<DeploymentStatus> for Tone {
    fn from(status: DeploymentStatus) -> Self {
        match status {
            DeploymentStatus::Pending => Self::Busy,
            DeploymentStatus::Deployed => Self::Good,
            DeploymentStatus::Failed => Self::Bad,
            DeploymentStatus::Superseded => Self::Paused,
        }
    }
}

impl From<HookPhase> for Tone {
    fn from(phase: HookPhase) -> Self {
        match phase {
            HookPhase::Unknown => Self::Missing,
            HookPhase::Running => Self::Busy,
            HookPhase::Succeeded => Self::Good,
            HookPhase::Failed => Self::Bad,
        }
    }
}

/// A glyph and its word.
pub(super) fn mark(tone: Tone, word: &str, glyphs: &Glyphs) -> Rich {
    Rich::of(tone.role(), format!("{} {word}", tone.glyph(glyphs)))
}
