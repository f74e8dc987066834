//! The folder floe-tui was opened on: its charts, their logical environments, which cluster each runs on, and what
//! the operator configured. Contexts of the kubeconfig come in as data; nothing here talks to a cluster.

mod discover;
pub mod edit;
pub mod generated;
pub mod settings;
pub mod target;
mod unread;
pub mod user;
mod validate;

pub use crate::model::{ClusterMapping, Isolation, Mapping, MappingOrigin, Preset, located, mapping};
pub use discover::{
    Environment, Unreadable, Workspace, WorkspaceChart, discover, discover_around, promotion_problems,
    read_mapping,
};
pub use edit::MappingEdit;
pub use generated::{GenerateFrom, MadeAll, SourceFiles};
pub use settings::{ChartSettings, EnvironmentSettings, GenerateSettings, WorkspaceSettings};
pub use target::{ContextChoice, ContextInfo, Target, resolve};
pub use unread::unread_keys;
pub use user::{Confirm, LogLevel, Settings};
pub use validate::{merge as merge_problems, validate};
