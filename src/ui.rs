//! Widgets without domain knowledge: they know rows, lines, keys and roles, never charts or clusters.
//!
//! Every widget is a plain struct of borrowed data plus a small state struct the caller keeps; drawing is
//! `widget.draw(buf, area, &mut state, &theme)`. Nothing here reads a clock, a file or the terminal: time comes
//! in as an argument, so that a screen is a function of its data and can be compared in a test.

pub mod chrome;
pub mod dialog;
pub mod diff_view;
pub mod editor;
pub mod face;
pub mod filter;
pub mod glyphs;
pub mod help;
pub mod input;
pub mod layout;
pub mod list;
pub mod menu;
pub mod notice;
pub mod rich;
pub mod table;
#[cfg(test)]
pub mod test;
pub mod text;
pub mod text_view;
pub mod theme;
pub mod tree;

pub use filter::Filter;
pub use list::ListState;
pub use rich::Rich;
pub use theme::{Role, Theme};
