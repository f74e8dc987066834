//! The Releases room.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::session::{Action, Effect, Place, Session};
use crate::ui::chrome::Pane;

use super::{Look, Room};

/// The room's own state.
#[derive(Debug, Default)]
pub struct Releases;

impl Room for Releases {
    fn places(&self, _: &Session) -> Vec<Place> {
        vec![Place::Pane]
    }

    fn enter(&mut self, _: &mut Session) -> Vec<Effect> {
        Vec::new()
    }

    fn update(&mut self, _: &mut Session, _: &Action) -> Vec<Effect> {
        Vec::new()
    }

    fn view(&mut self, _: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        Pane::new("Releases").draw(frame.buffer_mut(), area, look.theme);
    }
}
