//! What runs: contexts, connections pinned to a cluster, releases, the objects of a release with their health,
//! events, logs, rights and dry runs.
//!
//! Nothing here draws or decides: one-shot calls return within a time limit, watches run in the background and
//! publish their latest snapshot through a `tokio::sync::watch` channel at most every 100 ms. Forbidden,
//! unreachable and "needs a login" are states ([`Fault`]), not failures of the program.

// The watches that use the rest of this land next.
#![allow(dead_code)]

pub mod connection;
mod discovery;
pub mod events;
pub mod fault;
pub mod health;
pub mod kubeconfig;
pub mod objects;
mod plugin;

pub use connection::Connection;
pub use fault::Fault;
pub use health::Health;
pub use kubeconfig::Kubeconfig;
