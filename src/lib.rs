//! floe-tui: see every consequence of a Helm change before it happens, do it with the operator's own `helm`,
//! and see the truth while it happens.
//!
//! The map of the house, from the bottom up. A lower room never uses a higher one; `tests/it` holds that.
//!
//! | module | what it owns |
//! |---|---|
//! | [`base`] | errors, problems, folders, atomic files, locks, redaction, neutralised text |
//! | [`yaml`] | YAML read as Helm reads it, positions, lossless edits, colours |
//! | [`chart`] | `Chart.yaml`, files, dependencies, lock |
//! | [`values`] | layers, the merge with the origin of every value |
//! | [`schema`] | loading, checking and describing values schemas |
//! | [`model`] | the platform's entities: compiled artifacts, cluster mapping, presets, deployments, jobs |
//! | [`generate`] | values from compiled artifacts |
//! | [`render`] | the trait `Renderer` and what a rendering is |
//! | [`manifest`] | documents, identity, diff, consequences |
//! | [`workspace`] | discovery, environments, cluster mapping, settings, targets |
//! | [`helm`] | the helm program: find, version, argv, run, records, error texts |
//! | [`cluster`] | kube: contexts, identity, watches, health, events, logs |
//! | [`operations`] | plan, preflight, supervisor, journal, recovery |
//! | [`ui`] | widgets without domain knowledge |
//! | [`session`] | what rooms share: selection, documents, actions, keys, effects, messages |
//! | [`screens`] | one room each |
//! | [`app`] | the loop, the terminal, the dispatch of effects |
//! | [`cli`] | headless twins, one file a command |

/// See `Cargo.toml` for the reason.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod app;
pub mod base;
pub mod chart;
pub mod cli;
pub mod cluster;
pub mod generate;
pub mod helm;
pub mod manifest;
pub mod model;
pub mod operations;
pub mod render;
pub mod schema;
pub mod screens;
pub mod session;
pub mod ui;
pub mod values;
pub mod workspace;
pub mod yaml;
