//! The running program: the loop, the terminal, the dispatch of effects, composing the rooms.

pub mod clipboard;
pub mod editor;
#[cfg(test)]
mod flows;
mod frame;
pub mod input;
pub mod logging;
mod login;
mod model;
mod mouse;
mod open;
mod overlays;
mod palette;
mod run;
pub mod terminal;
mod update;
mod workers;

pub use model::Model;
pub use open::{Options, open};
