//! The palette: every command there is, wherever its room. One of another room goes there first.

use crate::session::{Action, Ask, Choice, Command, Effect, Place, RoomId, Then, command};

use super::model::Model;

/// The room that a place belongs to; `None` for what is in every room, or only in passing.
fn room_of(place: Place) -> Option<RoomId> {
    match place {
        Place::Charts => Some(RoomId::Charts),
        Place::Values => Some(RoomId::Values),
        Place::Clusters => Some(RoomId::Clusters),
        Place::Diff | Place::Hunks => Some(RoomId::Diff),
        Place::Releases => Some(RoomId::Releases),
        Place::Run => Some(RoomId::Run),
        _ => None,
    }
}

impl Model {
    /// Opens it: what can be done here first, then what other rooms offer.
    pub(super) fn ask_palette(&mut self) -> Vec<Effect> {
        let places = self.places();
        let room = self.rooms.peek(self.session.room);
        let here =
            |info: &&command::Info| places.contains(&info.place) && room.offers(&self.session, info.command);
        let there = |info: &&command::Info| !here(info) && room_of(info.place).is_some();
        let all = command::TABLE.iter().filter(here).chain(command::TABLE.iter().filter(there));
        let (commands, choices) = all
            .filter(|info| info.command != Command::Palette)
            .map(|info| {
                let detail = if here(&info) {
                    info.help.to_owned()
                } else {
                    format!("{}: {}", info.place.title(), info.help)
                };
                (info.command, Choice::new(info.title).detail(detail))
            })
            .unzip();
        self.session.ask(Ask::Choose { title: "Everything".to_owned(), choices }, Then::Command(commands));
        Vec::new()
    }

    /// Runs a command that was chosen by its name.
    pub(super) fn run_command(&mut self, command: Command) -> Vec<Effect> {
        let place = command.info().place;
        let mut effects = match room_of(place) {
            Some(room) if !self.places().contains(&place) => self.enter(room),
            _ => Vec::new(),
        };
        effects.extend(self.in_room(&Action::Command(command)));
        effects
    }
}
