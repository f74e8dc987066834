//! The running program: the loop, the terminal, the dispatch of effects, composing the rooms.

pub mod clipboard;
pub mod editor;
pub mod input;
pub mod logging;
pub mod terminal;
