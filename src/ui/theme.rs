//! Colours by meaning. Widgets ask for a [`Role`]; a theme file says what it looks like, and the depth of the
//! terminal decides what is left of it. A broken theme warns and falls back, it never prevents a start.

pub mod depth;
pub mod load;

use std::cell::Cell;

use ratatui::layout::Position;
use ratatui::style::{Modifier, Style};

use crate::ui::glyphs::Glyphs;
pub use depth::{Background, Depth};
pub use load::{Catalogue, Loaded};

macro_rules! roles {
    ($first:ident $first_name:literal $first_doc:literal; $($variant:ident $name:literal $doc:literal;)*) => {
        /// What a piece of the screen means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum Role {
            #[doc = $first_doc]
            #[default]
            $first,
            $(#[doc = $doc] $variant,)*
        }

        impl Role {
            /// Every role, in the order of the theme files.
            pub const ALL: &'static [Role] = &[Role::$first, $(Role::$variant,)*];

            /// The key in a theme file.
            pub fn name(self) -> &'static str {
                match self { Role::$first => $first_name, $(Role::$variant => $name,)* }
            }

            /// The role of a key in a theme file.
            pub fn named(name: &str) -> Option<Role> {
                match name { $first_name => Some(Role::$first), $($name => Some(Role::$variant),)* _ => None }
            }
        }
    };
}

roles! {
    Text "text" "Ordinary text.";
    Muted "muted" "Secondary text: defaults, units, hints.";
    Accent "accent" "What belongs to the program: current room, links.";
    Good "good" "Healthy, succeeded, connected.";
    Busy "busy" "Something is being worked on.";
    Warn "warn" "Worth a look.";
    Bad "bad" "Failed, degraded, refused.";
    Added "added" "A line or object that a change adds.";
    Removed "removed" "A line or object that a change removes.";
    Changed "changed" "A value that differs.";
    AddedWord "added-word" "The added words inside an added line.";
    RemovedWord "removed-word" "The removed words inside a removed line.";
    Selection "selection" "The row under the cursor of the focused pane.";
    SelectionIdle "selection-idle" "The remembered row of a pane without the focus.";
    Cursor "cursor" "The cell under the cursor: text cursor, matrix cell.";
    Border "border" "Frames of panes without the focus.";
    BorderFocus "border-focus" "The frame of the focused pane.";
    Title "title" "Titles of panes and dialogs.";
    Header "header" "The line that says where a key would act.";
    Protected "protected" "The header of a protected target.";
    Key "key" "A key in a hint.";
    KeyLabel "key-label" "The words beside a key in a hint.";
    Match "match" "Text that a filter or search matched.";
    ColumnHead "column-head" "Header rows of tables.";
    Gutter "gutter" "Line numbers and fold marks.";
    CursorLine "cursor-line" "The line of the text cursor.";
    Overlay "overlay" "The ground of dialogs and menus.";
    YamlKey "yaml-key" "A mapping key.";
    YamlString "yaml-string" "A string.";
    YamlNumber "yaml-number" "A number.";
    YamlBool "yaml-bool" "true, false and null.";
    YamlComment "yaml-comment" "A comment.";
    YamlAnchor "yaml-anchor" "An anchor, alias or tag.";
    YamlPunct "yaml-punct" "Punctuation.";
    Template "template" "A template action `{{ … }}`.";
}

/// A theme ready to draw with: one style a role, already fitted to the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    styles: Vec<Style>,
    /// The characters for marks; plain ASCII where the locale is not UTF-8.
    pub glyphs: &'static Glyphs,
    /// Where the cursor of a text was drawn last. The theme is what all drawing has in hand, so that the frame can
    /// put the terminal's own cursor there: screen readers and input methods go by it.
    caret: Cell<Option<Position>>,
}

impl Theme {
    /// A theme of explicit styles; roles not given stay unstyled.
    pub(crate) fn new(name: impl Into<String>, styles: Vec<Style>) -> Self {
        Self { name: name.into(), styles, glyphs: &Glyphs::UNICODE, caret: Cell::new(None) }
    }

    /// A built-in theme in true colour, or the terminal's own colours when there is no such theme.
    /// For tests and first frames; the program loads through [`Catalogue`].
    pub fn built_in(name: &str) -> Self {
        Catalogue::built_in().load(name, Depth::True).theme
    }

    /// The name in the catalogue.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// How a role looks on top of a row that is selected: the ground of the selection, the colour of the role.
    /// Where the selection is drawn by reversing only, the role's colour would become the ground and is dropped.
    /// Marks with a ground of their own (a match, the cursor) keep it.
    pub fn on(&self, role: Role, ground: Role) -> Style {
        if matches!(role, Role::Match | Role::AddedWord | Role::RemovedWord | Role::Cursor | Role::Protected)
        {
            return self.style(role);
        }
        let ground_style = self.style(ground);
        let mut style = self.style(role);
        style.bg = None;
        if ground_style.add_modifier.contains(Modifier::REVERSED) {
            style.fg = ground_style.fg;
        }
        let merged = ground_style.patch(style);
        Style { bg: ground_style.bg, ..merged }
    }

    /// Notes where the cursor of a text is drawn.
    pub(crate) fn put_caret(&self, at: Position) {
        self.caret.set(Some(at));
    }

    /// Where the cursor of a text was drawn since the last call.
    pub(crate) fn take_caret(&self) -> Option<Position> {
        self.caret.take()
    }

    /// The same theme with other marks.
    #[must_use]
    pub fn with_glyphs(mut self, glyphs: &'static Glyphs) -> Self {
        self.glyphs = glyphs;
        self
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::built_in("terminal")
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    #[test]
    fn every_role_has_a_name_of_its_own_and_is_found_by_it() {
        for (index, role) in Role::ALL.iter().enumerate() {
            assert_eq!(*role as usize, index);
            assert_eq!(Role::named(role.name()), Some(*role));
        }
    }

    #[test]
    fn a_role_keeps_its_colour_on_a_selected_row() {
        let theme = Theme::built_in("dark");
        let style = theme.on(Role::Bad, Role::Selection);
        assert_eq!(style.fg, theme.style(Role::Bad).fg);
        assert_eq!(style.bg, theme.style(Role::Selection).bg);
        assert!(matches!(style.bg, Some(Color::Rgb(..))));
    }

    #[test]
    fn a_reversed_selection_does_not_turn_the_role_into_its_ground() {
        let theme = Theme::built_in("terminal");
        let style = theme.on(Role::Bad, Role::Selection);
        assert_eq!(style.fg, theme.style(Role::Selection).fg);
        assert!(style.add_modifier.contains(Modifier::REVERSED));
    }
}
