//! A terminal's screen as an SVG picture: for the README, made by the real program.
//!
//! Frames and blocks are drawn as lines and rectangles instead of letters, so that a picture looks the same whatever
//! font the reader has; every run of letters is stretched to its cells for the same reason.

use std::fmt::Write as _;

use vt100::{Color, Screen};

const CELL: (f64, f64) = (8.4, 18.0);
const MARGIN: f64 = 12.0;
const BAR: f64 = 34.0;
const BACKGROUND: &str = "#1e1e2e";
const FOREGROUND: &str = "#cdd6f4";

/// The sixteen colours that terminals let their users choose.
const ANSI: [&str; 16] = [
    "#45475a", "#f38ba8", "#a6e3a1", "#f9e2af", "#89b4fa", "#cba6f7", "#94e2d5", "#bac2de", "#6c7086",
    "#f5a3b8", "#b8edb4", "#fbe9c0", "#a3c5fc", "#d8bcf9", "#abebdf", "#ffffff",
];

#[derive(Clone, PartialEq)]
struct Style {
    colour: String,
    background: String,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
}

/// Draws a screen in a window with a title. Font: whatever fixed-width font the reader has.
pub fn draw(screen: &Screen, title: &str) -> String {
    let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
    let (width, height) =
        (f64::from(columns) * CELL.0 + 2.0 * MARGIN, f64::from(rows) * CELL.1 + BAR + 2.0 * MARGIN);
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.1} {height:.1}" role="img" aria-label="{0}">
<title>{0}</title>
<rect width="100%" height="100%" rx="9" fill="{BACKGROUND}"/>
<path d="M0 {BAR}V9a9 9 0 0 1 9-9H{1:.1}a9 9 0 0 1 9 9V{BAR}z" fill="#313244"/>
<circle cx="20" cy="17" r="6" fill="{2}"/><circle cx="40" cy="17" r="6" fill="{3}"/><circle cx="60" cy="17" r="6" fill="{4}"/>
<text x="{5:.1}" y="22" fill="#a6adc8" text-anchor="middle" font-family="system-ui,sans-serif" font-size="13">{0}</text>
<g font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="14" xml:space="preserve">"##,
        escape(title),
        width - 9.0,
        ANSI[1],
        ANSI[3],
        ANSI[2],
        width / 2.0,
    );
    let cursor = (!screen.hide_cursor()).then(|| screen.cursor_position());
    for row in 0..rows {
        draw_row(&mut svg, screen, row, columns, cursor);
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn draw_row(svg: &mut String, screen: &Screen, row: u16, columns: u16, cursor: Option<(u16, u16)>) {
    let top = f64::from(row) * CELL.1 + BAR + MARGIN;
    let left = |column: u16| f64::from(column) * CELL.0 + MARGIN;
    let cells: Vec<(u16, String, u16, Style)> = (0..columns)
        .filter_map(|column| {
            let cell = screen.cell(row, column)?;
            if cell.is_wide_continuation() {
                return None;
            }
            let text = if cell.has_contents() { cell.contents().to_owned() } else { " ".to_owned() };
            let mut style = style(cell);
            if cursor == Some((row, column)) {
                std::mem::swap(&mut style.colour, &mut style.background);
            }
            Some((column, text, if cell.is_wide() { 2 } else { 1 }, style))
        })
        .collect();
    // Backgrounds first, so that no letter is cut by its neighbour's.
    let mut start = 0;
    while start < cells.len() {
        let colour = &cells[start].3.background;
        let end = (start..cells.len()).find(|i| cells[*i].3.background != *colour).unwrap_or(cells.len());
        if colour != BACKGROUND {
            let columns: u16 = cells[start..end].iter().map(|cell| cell.2).sum();
            let (x, width) = (left(cells[start].0), f64::from(columns) * CELL.0);
            let _ = writeln!(
                svg,
                r#"<rect x="{x:.1}" y="{top:.1}" width="{width:.1}" height="{:.1}" fill="{colour}"/>"#,
                CELL.1
            );
        }
        start = end;
    }
    let mut start = 0;
    while start < cells.len() {
        let (column, text, _, style) = &cells[start];
        if let Some(shape) = shape(text.chars().next().unwrap_or(' '), left(*column), top, &style.colour) {
            svg.push_str(&shape);
            start += 1;
            continue;
        }
        let plain = |i: &usize| {
            let (_, text, _, other) = &cells[*i];
            other != style || shape(text.chars().next().unwrap_or(' '), 0.0, 0.0, "").is_some()
        };
        let end = (start..cells.len()).find(plain).unwrap_or(cells.len());
        let run: String = cells[start..end].iter().map(|cell| cell.1.as_str()).collect();
        let body = run.trim();
        if !body.is_empty() {
            // Where the letters begin and how many cells they fill, without the blanks around them.
            let skipped = run.chars().count() - run.trim_start().chars().count();
            let trailing = run.chars().count() - run.trim_end().chars().count();
            let filled: u16 =
                cells[start + skipped..end.max(start + trailing) - trailing].iter().map(|c| c.2).sum();
            let mut extra = String::new();
            for (on, attribute) in [
                (style.bold, r#" font-weight="bold""#),
                (style.dim, r#" opacity="0.6""#),
                (style.italic, r#" font-style="italic""#),
                (style.underline, r#" text-decoration="underline""#),
            ] {
                if on {
                    extra.push_str(attribute);
                }
            }
            let x = left(cells[(start + skipped).min(cells.len() - 1)].0);
            let _ = writeln!(
                svg,
                r#"<text x="{x:.1}" y="{:.1}" fill="{}" textLength="{:.1}" lengthAdjust="spacingAndGlyphs"{extra}>{}</text>"#,
                top + 13.5,
                style.colour,
                f64::from(filled) * CELL.0,
                escape(body),
            );
        }
        start = end;
    }
}

fn style(cell: &vt100::Cell) -> Style {
    let mut colour = rgb(cell.fgcolor()).unwrap_or_else(|| FOREGROUND.to_owned());
    let mut background = rgb(cell.bgcolor()).unwrap_or_else(|| BACKGROUND.to_owned());
    if cell.inverse() {
        std::mem::swap(&mut colour, &mut background);
    }
    Style {
        colour,
        background,
        bold: cell.bold(),
        dim: cell.dim(),
        italic: cell.italic(),
        underline: cell.underline(),
    }
}

fn rgb(colour: Color) -> Option<String> {
    Some(match colour {
        Color::Default => return None,
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Idx(i) if i < 16 => ANSI[usize::from(i)].to_owned(),
        Color::Idx(i) if i >= 232 => {
            let grey = 8 + 10 * u16::from(i - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
        Color::Idx(i) => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * u16::from(n) };
            let i = i - 16;
            format!("#{:02x}{:02x}{:02x}", level(i / 36), level(i / 6 % 6), level(i % 6))
        }
    })
}

/// Frames and blocks as shapes; `None` for letters.
fn shape(letter: char, x: f64, y: f64, colour: &str) -> Option<String> {
    let (wide, high) = CELL;
    let eighths = |top: f64, left: f64, height: f64, width: f64| {
        Some(format!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.2}\" height=\"{:.2}\" fill=\"{colour}\"/>\n",
            x + left * wide,
            y + top * high,
            width * wide,
            height * high
        ))
    };
    match letter {
        '█' => return eighths(0.0, 0.0, 1.0, 1.0),
        '▀' => return eighths(0.0, 0.0, 0.5, 1.0),
        '▐' => return eighths(0.0, 0.5, 1.0, 0.5),
        '▁'..='▇' => {
            let n = f64::from(u32::from(letter) - u32::from('▁') + 1) / 8.0;
            return eighths(1.0 - n, 0.0, n, 1.0);
        }
        '▉'..='▏' => {
            let n = f64::from(u32::from('▏') - u32::from(letter) + 1) / 8.0;
            return eighths(0.0, 0.0, 1.0, n);
        }
        _ => {}
    }
    // Arms of a frame: up, right, down, left; 1 thin, 2 thick (double lines are drawn thick).
    let arms: [u8; 4] = match letter {
        '─' | '╌' | '┄' => [0, 1, 0, 1],
        '━' | '═' | '╍' => [0, 2, 0, 2],
        '│' | '╎' | '┆' => [1, 0, 1, 0],
        '┃' | '║' | '╏' => [2, 0, 2, 0],
        '┌' | '╭' => [0, 1, 1, 0],
        '┐' | '╮' => [0, 0, 1, 1],
        '└' | '╰' => [1, 1, 0, 0],
        '┘' | '╯' => [1, 0, 0, 1],
        '┏' | '╔' => [0, 2, 2, 0],
        '┓' | '╗' => [0, 0, 2, 2],
        '┗' | '╚' => [2, 2, 0, 0],
        '┛' | '╝' => [2, 0, 0, 2],
        '├' => [1, 1, 1, 0],
        '┤' => [1, 0, 1, 1],
        '┬' => [0, 1, 1, 1],
        '┴' => [1, 1, 0, 1],
        '┼' => [1, 1, 1, 1],
        '┣' | '╠' => [2, 2, 2, 0],
        '┫' | '╣' => [2, 0, 2, 2],
        '┳' | '╦' => [0, 2, 2, 2],
        '┻' | '╩' => [2, 2, 0, 2],
        '╋' | '╬' => [2, 2, 2, 2],
        '╴' => [0, 0, 0, 1],
        '╶' => [0, 1, 0, 0],
        '╵' => [1, 0, 0, 0],
        '╷' => [0, 0, 1, 0],
        '╸' => [0, 0, 0, 2],
        '╺' => [0, 2, 0, 0],
        '╹' => [2, 0, 0, 0],
        '╻' => [0, 0, 2, 0],
        _ => return None,
    };
    let (mid_x, mid_y) = (x + wide / 2.0, y + high / 2.0);
    if let '╭' | '╮' | '╰' | '╯' = letter {
        let (side, end) = (if arms[1] > 0 { x + wide } else { x }, if arms[2] > 0 { y + high } else { y });
        return Some(format!(
            "<path d=\"M{mid_x:.1} {end:.1}Q{mid_x:.1} {mid_y:.1} {side:.1} {mid_y:.1}\" stroke=\"{colour}\" fill=\"none\" stroke-width=\"1.2\"/>\n"
        ));
    }
    let mut path = String::new();
    for (weight, to) in arms.iter().zip([(mid_x, y), (x + wide, mid_y), (mid_x, y + high), (x, mid_y)]) {
        if *weight > 0 {
            let _ = writeln!(
                path,
                "<path d=\"M{mid_x:.1} {mid_y:.1}L{:.1} {:.1}\" stroke=\"{colour}\" stroke-linecap=\"square\" stroke-width=\"{}\"/>",
                to.0,
                to.1,
                if *weight == 2 { "2.4" } else { "1.2" }
            );
        }
    }
    Some(path)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
