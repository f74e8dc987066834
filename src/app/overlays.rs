//! The layers above the rooms: questions, menus, palette, help, messages. Their state and how keys change it;
//! how they look is in `frame`.

use crossterm::event::{KeyCode, KeyEvent};

use crate::session::{Action, Answer, Ask, Choice, Command, Overlay, Place, Then};
use crate::ui::{Filter, Rich, Role};

/// An open layer.
#[derive(Debug)]
pub enum Open {
    /// A question of a room or of the frame.
    Question(Question),
    /// Help of a room: the places whose keys it lists.
    Help { places: Vec<Place>, offset: usize },
    /// All messages of the session; the offset counts from the newest.
    Messages { offset: usize },
    /// Something to read.
    Reading { title: String, lines: Vec<String>, offset: usize },
}

/// A question with what was typed or moved so far.
#[derive(Debug)]
pub struct Question {
    pub ask: Ask,
    pub then: Then,
    /// Row of a list; 0 cancel, 1 the deed of a dialog.
    pub cursor: usize,
    /// The filter of a list, or the line, or the typed name.
    pub typed: String,
    /// Rows that are marked, by index into the choices.
    pub marked: Vec<usize>,
    /// First body line that is shown, or first of the lines below a list.
    pub offset: usize,
    /// Rows that a page of what scrolls holds; the last drawing knows.
    pub page: usize,
    /// It was on the screen; input before that was not meant for it.
    pub drawn: bool,
}

/// What a key did to a layer.
#[derive(Debug)]
pub enum Outcome {
    /// It stays.
    Stays,
    /// It closes without more.
    Closes,
    /// It closes and says this.
    Answers(Then, Answer),
}

impl Question {
    /// As it opens: the present choice under the cursor, cancel marked.
    pub fn new(overlay: Overlay) -> Self {
        let Overlay { ask, then } = overlay;
        let (cursor, marked, typed) = match &ask {
            Ask::Confirm { .. } => (0, Vec::new(), String::new()),
            Ask::Choose { choices, .. } => {
                (choices.iter().position(|choice| choice.current).unwrap_or(0), Vec::new(), String::new())
            }
            Ask::Mark { choices, .. } => {
                let marked = choices.iter().enumerate().filter(|(_, c)| c.current).map(|(i, _)| i).collect();
                (0, marked, String::new())
            }
            Ask::Line { text, .. } => (0, Vec::new(), text.clone()),
        };
        Self { ask, then, cursor, typed, marked, offset: 0, page: 10, drawn: false }
    }

    /// The rows that the typed filter leaves, as indexes into the choices.
    pub fn rows(&self) -> Vec<usize> {
        let (Ask::Choose { choices, .. } | Ask::Mark { choices, .. }) = &self.ask else { return Vec::new() };
        if self.typed.is_empty() {
            return (0..choices.len()).collect();
        }
        let filter = Filter::parse(&format!("~{}", self.typed));
        let mut rows: Vec<(u32, usize)> = choices
            .iter()
            .enumerate()
            .filter_map(|(i, choice)| Some((filter.score(&row_text(choice))?, i)))
            .collect();
        rows.sort_by_key(|(score, i)| (std::cmp::Reverse(*score), *i));
        rows.into_iter().map(|(_, i)| i).collect()
    }

    /// What the wheel does: up and down.
    pub fn wheel(&self) -> (Command, Command) {
        match self.ask {
            Ask::Choose { .. } | Ask::Mark { .. } => (Command::MenuUp, Command::MenuDown),
            Ask::Confirm { .. } | Ask::Line { .. } => (Command::DialogUp, Command::DialogDown),
        }
    }

    /// The mouse on a row of the menu: the cursor goes there; choosing stays with the keys.
    pub fn point(&mut self, row: usize) {
        if row < self.rows().len() {
            self.cursor = row;
            self.reveal();
        }
    }

    /// What stands below the list, and at which line that of each of its choices begins.
    pub fn below(&self) -> (Vec<Rich>, Vec<usize>) {
        let Ask::Mark { choices, .. } = &self.ask else { return (Vec::new(), Vec::new()) };
        let (mut lines, mut starts) = (Vec::new(), Vec::new());
        for choice in choices {
            starts.push(lines.len());
            if !choice.lines.is_empty() {
                lines.push(
                    Rich::of(Role::Title, &choice.label).then(Role::Muted, format!("  {}", choice.detail)),
                );
                lines.extend(choice.lines.iter().cloned());
            }
        }
        (lines, starts)
    }

    /// Scrolls what stands below the list to the row under the cursor.
    fn reveal(&mut self) {
        let starts = self.below().1;
        if let Some(start) = self.rows().get(self.cursor).and_then(|row| starts.get(*row)) {
            self.offset = *start;
        }
    }

    /// One page of what is below the list, or of the list.
    fn turn(&mut self, forth: bool) {
        let last = self.rows().len().saturating_sub(1);
        let by = self.page.max(1);
        let moved = |at: usize| if forth { at + by } else { at.saturating_sub(by) };
        let below = self.below().0.len();
        if below > 0 {
            self.offset = moved(self.offset).min(below.saturating_sub(by));
        } else {
            self.cursor = moved(self.cursor).min(last);
        }
    }

    fn answers(&self, answer: Answer) -> Outcome {
        Outcome::Answers(self.then.clone(), answer)
    }

    fn confirms(&self) -> Outcome {
        match &self.ask {
            Ask::Confirm { typed: Some(wanted), .. } if self.typed != *wanted => Outcome::Stays,
            Ask::Confirm { .. } => self.answers(Answer::Yes),
            _ => Outcome::Stays,
        }
    }

    fn typed_key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Char(' ') if matches!(self.ask, Ask::Mark { .. }) => {
                if let Some(row) = self.rows().get(self.cursor).copied() {
                    match self.marked.iter().position(|marked| *marked == row) {
                        Some(at) => {
                            self.marked.remove(at);
                        }
                        None => self.marked.push(row),
                    }
                }
            }
            KeyCode::Char(c) => {
                self.typed.push(c);
                self.reset_cursor();
            }
            KeyCode::Backspace => {
                self.typed.pop();
                self.reset_cursor();
            }
            _ => {}
        }
    }

    fn reset_cursor(&mut self) {
        if !matches!(self.ask, Ask::Confirm { .. }) {
            self.cursor = 0;
        }
    }

    fn command(&mut self, command: Command) -> Outcome {
        let last = self.rows().len().saturating_sub(1);
        match command {
            Command::DialogNo | Command::MenuCancel | Command::InputCancel => {
                return self.answers(Answer::No);
            }
            Command::DialogEnter if self.cursor == 0 => return self.answers(Answer::No),
            Command::DialogYes | Command::DialogEnter => return self.confirms(),
            Command::DialogMove => self.cursor = 1 - self.cursor.min(1),
            // Where a name is typed the same keys are the input's.
            Command::DialogDown | Command::InputNext => self.offset += 1,
            Command::DialogUp | Command::InputPrevious => self.offset = self.offset.saturating_sub(1),
            Command::MenuDown => {
                self.cursor = if self.cursor >= last { 0 } else { self.cursor + 1 };
                self.reveal();
            }
            Command::MenuUp => {
                self.cursor = if self.cursor == 0 { last } else { self.cursor - 1 };
                self.reveal();
            }
            Command::MenuPageDown | Command::MenuPageUp => self.turn(command == Command::MenuPageDown),
            Command::MenuAccept | Command::InputAccept => return self.accept(),
            _ => {}
        }
        Outcome::Stays
    }

    fn accept(&self) -> Outcome {
        match &self.ask {
            Ask::Confirm { .. } => {
                // A typed name is the confirm itself.
                self.confirms()
            }
            Ask::Choose { .. } => match self.rows().get(self.cursor) {
                Some(row) => self.answers(Answer::Chosen(*row)),
                None => Outcome::Stays,
            },
            Ask::Mark { .. } => {
                let mut marked = self.marked.clone();
                marked.sort_unstable();
                self.answers(Answer::Marked(marked))
            }
            Ask::Line { .. } => self.answers(Answer::Typed(self.typed.clone())),
        }
    }
}

/// What a menu row is searched by.
fn row_text(choice: &Choice) -> String {
    format!("{} {}", choice.label, choice.detail)
}

impl Open {
    /// Where a key is pressed while this layer is the innermost.
    pub fn place(&self) -> Place {
        match self {
            Self::Question(question) => match &question.ask {
                Ask::Confirm { typed: None, .. } => Place::Dialog,
                Ask::Confirm { typed: Some(_), .. } | Ask::Line { .. } => Place::Input,
                Ask::Choose { .. } | Ask::Mark { .. } => Place::Menu,
            },
            Self::Help { .. } | Self::Messages { .. } | Self::Reading { .. } => Place::Reading,
        }
    }

    /// What an action does to it.
    pub fn update(&mut self, action: &Action) -> Outcome {
        match (self, action) {
            (Self::Question(question), Action::Command(command)) => question.command(*command),
            (Self::Question(question), Action::Text(key)) => {
                question.typed_key(*key);
                Outcome::Stays
            }
            (Self::Question(question), Action::Paste(text)) => {
                // Pasting never confirms: into a typed name it is refused, elsewhere it is one line of text.
                if !matches!(question.ask, Ask::Confirm { .. }) {
                    question.typed.push_str(text.lines().next().unwrap_or_default());
                }
                Outcome::Stays
            }
            (
                Self::Help { offset, .. } | Self::Messages { offset } | Self::Reading { offset, .. },
                Action::Command(command),
            ) => match command {
                Command::ReadingClose => Outcome::Closes,
                Command::ReadingDown => moved(offset, 1),
                Command::ReadingUp => moved(offset, -1),
                Command::ReadingPageDown => moved(offset, 10),
                Command::ReadingPageUp => moved(offset, -10),
                _ => Outcome::Stays,
            },
            _ => Outcome::Stays,
        }
    }
}

fn moved(offset: &mut usize, by: isize) -> Outcome {
    *offset = offset.saturating_add_signed(by);
    Outcome::Stays
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyModifiers;

    fn confirm(typed: Option<&str>) -> Open {
        Open::Question(Question::new(Overlay {
            ask: Ask::Confirm {
                title: "Upgrade".into(),
                body: Vec::new(),
                deed: "Upgrade: 1 restart".into(),
                typed: typed.map(str::to_owned),
            },
            then: Then::LaunchPlan,
        }))
    }

    fn type_into(open: &mut Open, text: &str) {
        for c in text.chars() {
            open.update(&Action::Text(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
        }
    }

    #[test]
    fn enter_cancels_and_y_confirms() {
        let entered = confirm(None).update(&Action::Command(Command::DialogEnter));
        assert!(matches!(entered, Outcome::Answers(Then::LaunchPlan, Answer::No)));
        let confirmed = confirm(None).update(&Action::Command(Command::DialogYes));
        assert!(matches!(confirmed, Outcome::Answers(Then::LaunchPlan, Answer::Yes)));
    }

    #[test]
    fn a_protected_target_wants_its_name_typed_not_pasted() {
        let mut open = confirm(Some("floe@prod"));
        open.update(&Action::Paste("floe@prod".into()));
        assert!(matches!(open.update(&Action::Command(Command::InputAccept)), Outcome::Stays));
        // What is asked about can be read to its end before.
        open.update(&Action::Command(Command::InputNext));
        assert!(matches!(&open, Open::Question(question) if question.offset == 1));
        type_into(&mut open, "floe@prod");
        let outcome = open.update(&Action::Command(Command::InputAccept));
        assert!(matches!(outcome, Outcome::Answers(Then::LaunchPlan, Answer::Yes)));
    }

    #[test]
    fn a_menu_narrows_by_typing_and_answers_with_the_choice() {
        let mut open = Open::Question(Question::new(Overlay {
            ask: Ask::Choose {
                title: "environment".into(),
                choices: ["dev", "qa", "prod"].map(Choice::new).to_vec(),
            },
            then: Then::Environment(vec!["dev".into(), "qa".into(), "prod".into()]),
        }));
        type_into(&mut open, "pr");
        let outcome = open.update(&Action::Command(Command::MenuAccept));
        assert!(matches!(outcome, Outcome::Answers(_, Answer::Chosen(2))));
    }
}
