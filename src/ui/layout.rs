//! Splitting the screen so that it works from 20x5 to 300x100.

use ratatui::layout::Rect;

/// Below this many columns two panes alternate instead of sharing the width.
pub const SIDE_BY_SIDE: u16 = 110;

/// What the frame of the program leaves to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Where a key would act.
    pub header: Rect,
    /// The names of the rooms; empty where there is no room for them.
    pub tabs: Rect,
    pub body: Rect,
    pub footer: Rect,
}

/// Header, tabs, body and footer; the small ones go first when there is no room.
pub fn frame(area: Rect) -> Frame {
    let (header, tabs, footer) = match area.height {
        0..=2 => (0, 0, 0),
        3..=4 => (1, 0, 0),
        5..=7 => (1, 0, 1),
        _ => (1, 1, 1),
    };
    let body_top = area.y + header + tabs;
    let line = |y: u16, height: u16| Rect { x: area.x, y, width: area.width, height };
    Frame {
        header: line(area.y, header),
        tabs: line(area.y + header, tabs),
        body: line(body_top, area.height - header - tabs - footer),
        footer: line(area.bottom() - footer, footer),
    }
}

/// Two panes beside each other; the left gets `percent` of the width, both keep their minimum. `None` when the
/// minima do not fit: show one of them.
pub fn columns(area: Rect, percent: u16, min_left: u16, min_right: u16) -> Option<(Rect, Rect)> {
    let (left, right) = divide(area.width, percent, min_left, min_right)?;
    let split = |x, width| Rect { x, width, ..area };
    Some((split(area.x, left), split(area.x + left, right)))
}

/// Two panes above each other; the upper gets `percent` of the height.
pub fn rows(area: Rect, percent: u16, min_upper: u16, min_lower: u16) -> Option<(Rect, Rect)> {
    let (upper, lower) = divide(area.height, percent, min_upper, min_lower)?;
    let split = |y, height| Rect { y, height, ..area };
    Some((split(area.y, upper), split(area.y + upper, lower)))
}

fn divide(whole: u16, percent: u16, min_first: u16, min_second: u16) -> Option<(u16, u16)> {
    let rest = whole.checked_sub(min_first.saturating_add(min_second))?;
    let wish = u16::try_from(u32::from(whole) * u32::from(percent.min(100)) / 100).unwrap_or(whole);
    let first = wish.clamp(min_first, min_first + rest);
    Some((first, whole - first))
}

/// List and text side by side from [`SIDE_BY_SIDE`] columns on; below, `second` says which of the two is shown
/// (the other is `None`).
pub fn alternate(area: Rect, percent: u16, second: bool) -> (Option<Rect>, Option<Rect>) {
    match columns(area, percent, 20, 20) {
        Some((left, right)) if area.width >= SIDE_BY_SIDE => (Some(left), Some(right)),
        _ if second => (None, Some(area)),
        _ => (Some(area), None),
    }
}

/// A box in the middle of `area`, at most as large as it.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// A box without `by` cells at each side.
pub fn inset(area: Rect, horizontal: u16, vertical: u16) -> Rect {
    Rect {
        x: area.x.saturating_add(horizontal.min(area.width)),
        y: area.y.saturating_add(vertical.min(area.height)),
        width: area.width.saturating_sub(horizontal.saturating_mul(2)),
        height: area.height.saturating_sub(vertical.saturating_mul(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Rect = Rect { x: 0, y: 0, width: 120, height: 40 };

    #[test]
    fn panes_keep_their_minimum_or_say_that_they_do_not_fit() {
        let (left, right) = columns(SCREEN, 10, 30, 40).unwrap_or_default();
        assert_eq!((left.width, right.x, right.width), (30, 30, 90));
        assert_eq!(columns(SCREEN, 50, 100, 40), None);
        let (upper, lower) = rows(SCREEN, 90, 5, 10).unwrap_or_default();
        assert_eq!((upper.height, lower.y, lower.height), (30, 30, 10));
    }

    #[test]
    fn below_110_columns_list_and_text_alternate() {
        let narrow = Rect { width: 109, ..SCREEN };
        assert_eq!(alternate(narrow, 40, false), (Some(narrow), None));
        assert_eq!(alternate(narrow, 40, true), (None, Some(narrow)));
        assert!(matches!(alternate(SCREEN, 40, false), (Some(_), Some(_))));
    }

    #[test]
    fn the_frame_fills_every_height_exactly() {
        for height in 0..60 {
            let parts = frame(Rect { x: 0, y: 0, width: 20, height });
            let sum = parts.header.height + parts.tabs.height + parts.body.height + parts.footer.height;
            assert_eq!(sum, height);
            assert_eq!(parts.footer.bottom(), height);
        }
    }
}
