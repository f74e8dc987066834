//! What a terminal sends for a key: the notation of the program's own key tables to bytes.

/// The bytes of one key: `q`, `Ctrl-S`, `Shift-Tab`, `Enter`, `PageUp`, `Space`, `F5`.
pub fn bytes(key: &str) -> Vec<u8> {
    let fixed: &[u8] = match key {
        "Enter" => b"\r",
        "Esc" => b"\x1b",
        "Tab" => b"\t",
        "Shift-Tab" => b"\x1b[Z",
        "Space" => b" ",
        "Backspace" => b"\x7f",
        "Delete" => b"\x1b[3~",
        "Insert" => b"\x1b[2~",
        "Up" => b"\x1b[A",
        "Down" => b"\x1b[B",
        "Right" => b"\x1b[C",
        "Left" => b"\x1b[D",
        "Ctrl-Right" => b"\x1b[1;5C",
        "Ctrl-Left" => b"\x1b[1;5D",
        "Home" => b"\x1b[H",
        "End" => b"\x1b[F",
        "PageUp" => b"\x1b[5~",
        "PageDown" => b"\x1b[6~",
        "F1" => b"\x1bOP",
        "F5" => b"\x1b[15~",
        _ => {
            if let Some(letter) = key.strip_prefix("Ctrl-") {
                let byte = letter.bytes().next().expect("a letter after Ctrl-").to_ascii_uppercase();
                assert!(letter.len() == 1 && (b'@'..=b'_').contains(&byte), "{key}: not a control key");
                return vec![byte & 0x1f];
            }
            assert_eq!(key.chars().count(), 1, "{key}: not a key this terminal knows");
            return key.as_bytes().to_vec();
        }
    };
    fixed.to_vec()
}
