//! For tests: a screen as text with its styles, and the widgets' own screens.

#![allow(clippy::unwrap_used, clippy::panic)]

mod scenes;
mod sizes;

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

/// Draws on an empty screen and gives it as text, followed by the styles of the cells: one letter for each
/// distinct style in order of appearance, `.` for the terminal's own, and what each letter stands for.
pub fn render_with_styles(width: u16, height: u16, draw: impl FnOnce(&mut Buffer, Rect)) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    draw(&mut buf, area);
    with_styles(&buf)
}

/// A drawn screen as [`render_with_styles`] gives it.
pub fn with_styles(buf: &Buffer) -> String {
    let mut text = String::new();
    let mut map = String::new();
    let mut legend: Vec<Style> = Vec::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut line = String::new();
        let mut styles = String::new();
        let mut skip = 0;
        for x in buf.area.left()..buf.area.right() {
            let cell = &buf[(x, y)];
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = super::text::width(cell.symbol()).max(1);
            }
            skip -= 1;
            let style = Style { underline_color: None, ..cell.style() };
            let plain = style.fg == Some(Color::Reset)
                && style.bg == Some(Color::Reset)
                && style.add_modifier == Modifier::empty();
            let place = legend.iter().position(|known| *known == style);
            styles.push(match (plain, place) {
                (true, _) => '.',
                (false, Some(place)) => letter(place),
                (false, None) => {
                    legend.push(style);
                    letter(legend.len() - 1)
                }
            });
        }
        writeln!(text, "{}", line.trim_end()).unwrap();
        writeln!(map, "{}", styles.trim_end_matches('.')).unwrap();
    }
    let mut out = format!("{text}--- styles\n{map}--- where\n");
    for (place, style) in legend.iter().enumerate() {
        write!(out, "{}:", letter(place)).unwrap();
        for (name, colour) in [("fg", style.fg), ("bg", style.bg)] {
            if let Some(colour) = colour.filter(|colour| *colour != Color::Reset) {
                write!(out, " {name} {colour}").unwrap();
            }
        }
        for modifier in style.add_modifier.iter_names() {
            write!(out, " {}", modifier.0.to_lowercase()).unwrap();
        }
        out.push('\n');
    }
    out
}

fn letter(place: usize) -> char {
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    letters.chars().nth(place).unwrap_or('#')
}
