//! What runs: contexts, connections pinned to a cluster, releases, the objects of a release with their health,
//! events, logs, rights and dry runs.
//!
//! Nothing here draws or decides: one-shot calls return within a time limit, watches run in the background and
//! publish their latest snapshot through a `tokio::sync::watch` channel at most every 100 ms. Forbidden,
//! unreachable and "needs a login" are states ([`Fault`]), not failures of the program.

pub mod access;
pub mod connection;
mod discovery;
pub mod events;
#[cfg(test)]
mod fake;
pub mod fault;
mod feed;
pub mod health;
pub mod identity;
pub mod kubeconfig;
pub mod logs;
pub mod objects;
pub mod pins;
mod plugin;
mod proxy;
pub mod releases;
pub mod root_cause;
pub mod write;

pub use connection::Connection;
pub use fault::Fault;
pub use health::Health;
pub use identity::Identity;
pub use kubeconfig::Kubeconfig;
pub use pins::{Pinned, Pins};
pub use root_cause::{RootCause, root_cause};
