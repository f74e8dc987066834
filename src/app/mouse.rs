//! The mouse on what stands around the rooms: tabs, menus, help. It moves and chooses rooms; it never confirms.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::session::{Action, Command, Effect, RoomId};
use crate::ui::chrome::tab_at;

use super::frame;
use super::model::Model;
use super::overlays::Open;

impl Model {
    /// Handles what hits the frame; `None` when it is the room's.
    pub(super) fn frame_mouse(&mut self, mouse: MouseEvent) -> Option<Vec<Effect>> {
        let at = Position::new(mouse.column, mouse.row);
        let drawn = self.places_drawn;
        if let Some(open) = self.open.last_mut() {
            let below = drawn.menu.is_some_and(|menu| menu.below.contains(at));
            let (back, forth) = match open {
                Open::Question(_) if below => (Command::MenuPageUp, Command::MenuPageDown),
                Open::Question(question) => question.wheel(),
                Open::Help { .. } | Open::Messages { .. } | Open::Reading { .. } => {
                    (Command::ReadingUp, Command::ReadingDown)
                }
            };
            match mouse.kind {
                MouseEventKind::ScrollUp => drop(open.update(&Action::Command(back))),
                MouseEventKind::ScrollDown => drop(open.update(&Action::Command(forth))),
                MouseEventKind::Down(MouseButton::Left) => {
                    if let (Open::Question(question), Some(menu)) = (open, drawn.menu)
                        && menu.rows.contains(at)
                    {
                        question.point(menu.first + usize::from(at.y - menu.rows.y));
                    }
                }
                _ => {}
            }
            return Some(Vec::new());
        }
        if mouse.kind != MouseEventKind::Down(MouseButton::Left) || !drawn.tabs.contains(at) {
            return None;
        }
        let tabs = frame::room_tabs(&self.session);
        let current = RoomId::ALL.iter().position(|room| *room == self.session.room).unwrap_or(0);
        let hit = tab_at(drawn.tabs, &tabs, current, at.x).and_then(|index| RoomId::ALL.get(index).copied());
        Some(hit.map(|room| self.enter(room)).unwrap_or_default())
    }
}
