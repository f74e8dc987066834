//! Every widget at every size from nothing to 40x20 and at every offset: it may hide, it never panics, and it never
//! draws outside of its area.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::scenes;
use crate::base::Error;
use crate::ui::chrome::{Pane, footer, tabs};
use crate::ui::dialog::Dialog;
use crate::ui::diff_view::{DiffState, DiffView};
use crate::ui::editor::{Editor, EditorState};
use crate::ui::face::Face;
use crate::ui::filter::Filter;
use crate::ui::glyphs::Glyphs;
use crate::ui::help;
use crate::ui::input::{Input, LineEdit};
use crate::ui::list::ListState;
use crate::ui::menu::Menu;
use crate::ui::notice::{Toast, Tone, toasts};
use crate::ui::table::{Listed, Row, Table};
use crate::ui::text_view::{TextState, TextView};
use crate::ui::{Rich, Role, Theme};

const MARK: &str = "§";

/// Calls `draw` with every size, on a larger screen filled with marks, and checks that the marks around survive.
fn at_every_size(draw: impl Fn(&mut Buffer, Rect)) {
    let screen = Rect::new(0, 0, 44, 24);
    for width in 0..=40 {
        for height in 0..=20 {
            let mut buf = Buffer::empty(screen);
            for cell in &mut buf.content {
                cell.set_symbol(MARK);
            }
            let area = Rect { x: 2, y: 2, width, height };
            draw(&mut buf, area);
            for y in 0..screen.height {
                for x in 0..screen.width {
                    let outside = !area.contains((x, y).into());
                    if outside {
                        assert_eq!(buf[(x, y)].symbol(), MARK, "outside of {area} at {x},{y}");
                    }
                }
            }
        }
    }
}

fn theme() -> Theme {
    Theme::built_in("dark")
}

#[test]
fn chrome_fits_everywhere() {
    let theme = theme();
    for protected in [false, true] {
        at_every_size(|buf, area| scenes::header(protected).draw(buf, area, &theme));
    }
    at_every_size(|buf, area| tabs(buf, area, &scenes::rooms(), 3, &theme));
    at_every_size(|buf, area| footer(buf, area, &scenes::hints(), &theme));
    for zoomed in [false, true] {
        let pane = Pane::new("Values").focused(true).note("12 of 80").foot("paused, 214 new").zoomed(zoomed);
        at_every_size(|buf, area| {
            let inside = pane.draw(buf, area, &theme);
            assert_eq!(inside.intersection(area), inside);
        });
    }
}

#[test]
fn a_whole_room_fits_everywhere() {
    let ascii = theme().with_glyphs(&Glyphs::ASCII);
    at_every_size(|buf, area| scenes::room(buf, area, &ascii, true));
}

#[test]
fn tables_fit_everywhere() {
    let theme = theme();
    let (columns, mut rows) = scenes::values();
    at_every_size(|buf, area| Table::new(&columns, &rows).draw(buf, area, &mut ListState::default(), &theme));
    let many = (0..5_000)
        .map(|n| (format!("row {n}"), Row::new([Rich::from(format!("日本 {n}")), Rich::from("1")])));
    rows = Listed(many.collect());
    at_every_size(|buf, area| {
        let mut state = ListState::default();
        state.select("row 4321");
        Table::new(&columns, &rows).sorted(1, true).draw(buf, area, &mut state, &theme);
        assert_eq!(state.index(), 4321);
    });
    let empty = Listed::default();
    at_every_size(|buf, area| {
        Table::new(&columns, &empty).draw(buf, area, &mut ListState::default(), &theme);
    });
    at_every_size(|buf, area| Table::new(&[], &rows).draw(buf, area, &mut ListState::default(), &theme));
}

#[test]
fn texts_fit_everywhere() {
    let theme = theme();
    let lines: Vec<Rich> = (0..30).map(|n| Rich::of(Role::Good, "日本語 text ".repeat(n % 6))).collect();
    let filter = Filter::parse("te");
    for wrap in [false, true] {
        at_every_size(|buf, area| {
            let mut state = TextState::following();
            state.wrap = wrap;
            let signs = |_: usize| Some((Role::Bad, "✗"));
            let view = TextView { signs: Some(&signs), ..TextView::new(&lines).numbered().search(&filter) };
            view.draw(buf, area, &mut state, &theme);
            state.scroll(&lines, -3);
            state.shift(3);
            view.draw(buf, area, &mut state, &theme);
            state.go_to(&lines, 29);
            view.draw(buf, area, &mut state, &theme);
        });
    }
    at_every_size(|buf, area| {
        let mut state = EditorState::new("日本: 1\n\tb: 2\nlong: 日本語日本語日本語日本語日本語日本語\n");
        state.go_to(2, 19);
        let signs = |_: usize| Some((Role::Bad, "✗"));
        let tokens = vec![vec![(0..6, Role::YamlKey)], vec![(0..99, Role::Bad)]];
        let editor = Editor { tokens: &tokens, signs: Some(&signs), search: Some(&filter), focused: true };
        editor.draw(buf, area, &mut state, &theme);
        state.click(area, area.x, area.y);
        state.scroll(2);
        editor.draw(buf, area, &mut state, &theme);
    });
    let objects = scenes::diff();
    at_every_size(|buf, area| {
        let mut state = DiffState::default();
        state.step_hunk(&objects, true);
        state.scroll(3);
        DiffView { objects: &objects, focused: true, titles: true }.draw(buf, area, &mut state, &theme);
    });
}

#[test]
fn overlays_fit_everywhere() {
    let theme = theme();
    let body = scenes::body();
    for typed in [None, Some(("floe@prod", "floe"))] {
        let dialog = Dialog {
            title: "Upgrade",
            body: &body,
            deed: "Upgrade: 2 restarts",
            typed,
            on_deed: true,
            danger: false,
        };
        at_every_size(|buf, area| dialog.draw(buf, area, &mut 99, &theme));
    }
    let rows = scenes::menu_rows();
    at_every_size(|buf, area| {
        let lines = [Rich::of(Role::Added, "+ a line that is longer than any box"), Rich::from("x")];
        Menu { title: "Everything", rows: &rows, total: 64, cursor: 2, typed: "rol", below: &[], offset: 0 }
            .draw(buf, area, &theme);
        Menu { title: "Save", rows: &rows, total: 3, cursor: 2, typed: "", below: &lines, offset: 9 }
            .draw(buf, area, &theme);
        Menu { title: "Everything", rows: &[], total: 0, cursor: 0, typed: "", below: &lines, offset: 9 }
            .draw(buf, area, &theme);
    });
    at_every_size(|buf, area| help::draw(buf, area, "Help", &scenes::sections(), &mut 99, &theme));
    let lines = vec!["one long message that wraps in every narrow place there is".to_owned(); 3];
    let shown = [
        Toast { tone: Tone::Bad, lines: &lines, count: 2 },
        Toast { tone: Tone::Plain, lines: &lines, count: 1 },
    ];
    at_every_size(|buf, area| toasts(buf, area, &shown, &theme));
}

#[test]
fn faces_and_inputs_fit_everywhere() {
    let theme = theme();
    let error = Error::new("cannot").at("here").because("a\nlong cause that wraps").next("do that");
    let faces = [
        Face::Loading { what: "releases", since: std::time::Duration::from_secs(75) },
        Face::Empty { why: "no release here yet", hint: Some(("I", "install")) },
        Face::Failed { error: &error, hint: Some(("L", "log in")) },
        Face::TooSmall { hidden: "the diff" },
    ];
    for face in &faces {
        at_every_size(|buf, area| face.draw(buf, area, &theme));
    }
    let choices = ["a", "b"].map(str::to_owned);
    let line = LineEdit::new("日本語 text that is longer than the pane");
    let input = Input {
        prompt: "key",
        line: &line,
        choices: &choices,
        hint: "h",
        error: Some("bad"),
        secret: false,
        focused: true,
    };
    at_every_size(|buf, area| {
        assert!(input.draw(buf, area, &theme) <= area.height);
    });
}
