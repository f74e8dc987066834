//! Colours for YAML text, by token and line. Works on text that is not (yet) valid.

use std::ops::Range;

use yaml_edit::SyntaxKind;

/// What a stretch of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    Key,
    String,
    Number,
    /// Booleans and null, YAML 1.1 words included.
    Keyword,
    Comment,
    /// Colons, dashes, brackets, commas.
    Punctuation,
    /// `&name`, `*name`, `<<`, tags and directives.
    Reference,
    /// The header and the lines of a `|` or `>` block.
    Block,
    /// What cannot be right, such as a string that never ends.
    Invalid,
}

/// A coloured stretch of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Bytes within the line.
    pub range: Range<usize>,
    pub kind: TokenKind,
}

/// The tokens of each line, in order, without the blank space between them. One entry a line of
/// `text.split('\n')`; a `\r` at a line's end belongs to no token.
pub fn highlight(text: &str) -> Vec<Vec<Token>> {
    let mut lines: Vec<Vec<Token>> = vec![Vec::new()];
    let tokens = yaml_edit::lex(text);
    let mut column = 0;
    let mut block = Block::Outside;
    // Indentation of the current line and, for a scalar that turns out to be a key, where its token sits.
    let mut indent = 0;
    let mut at_line_start = true;
    let mut key_indent = 0;
    for (at, (kind, piece)) in tokens.iter().enumerate() {
        if at_line_start && !matches!(kind, SyntaxKind::NEWLINE) {
            indent =
                if matches!(kind, SyntaxKind::WHITESPACE | SyntaxKind::INDENT) { piece.len() } else { 0 };
            at_line_start = false;
            if let Block::Inside(outer) = block
                && indent <= outer
                && !(matches!(kind, SyntaxKind::WHITESPACE | SyntaxKind::INDENT)
                    && matches!(tokens.get(at + 1), None | Some((SyntaxKind::NEWLINE, _))))
            {
                block = Block::Outside;
            }
            if block == Block::Outside {
                key_indent = indent;
            }
        }
        let shown = match (block, kind) {
            (
                _,
                SyntaxKind::NEWLINE
                | SyntaxKind::WHITESPACE
                | SyntaxKind::INDENT
                | SyntaxKind::BOM
                | SyntaxKind::EOF,
            ) => None,
            (Block::Header, SyntaxKind::COMMENT) => Some(TokenKind::Comment),
            (Block::Inside(_) | Block::Header, _) => Some(TokenKind::Block),
            (Block::Outside, kind) => Some(kind_of(*kind, piece)),
        };
        if block == Block::Outside
            && matches!(kind, SyntaxKind::PIPE | SyntaxKind::GREATER)
            && starts_block(&tokens, at)
        {
            block = Block::Header;
            push(&mut lines, &mut column, piece, Some(TokenKind::Block));
            continue;
        }
        if block == Block::Outside && *kind == SyntaxKind::DASH {
            // `- key: |`: the block's lines are measured against the key, not the dash.
            key_indent = key_indent.max(indent);
        }
        let scalar = matches!(shown, Some(TokenKind::String | TokenKind::Number | TokenKind::Keyword));
        let shown = if scalar && is_key(&tokens, at) { Some(TokenKind::Key) } else { shown };
        push(&mut lines, &mut column, piece, shown);
        if piece.contains('\n') {
            at_line_start = true;
            if block == Block::Header {
                block = Block::Inside(key_indent);
            }
        }
    }
    lines
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Outside,
    Header,
    /// With the indentation of the line that opened it.
    Inside(usize),
}

/// Adds a piece, which may span lines, and moves on.
fn push(lines: &mut Vec<Vec<Token>>, column: &mut usize, piece: &str, kind: Option<TokenKind>) {
    for (i, part) in piece.split('\n').enumerate() {
        if i > 0 {
            lines.push(Vec::new());
            *column = 0;
        }
        let visible = part.trim_end_matches('\r');
        let start = visible.len() - visible.trim_start().len();
        if let (Some(kind), Some(line)) = (kind, lines.last_mut())
            && start < visible.len()
        {
            let range = *column + start..*column + visible.len();
            match line.last_mut() {
                Some(last) if last.kind == kind && last.range.end == range.start => {
                    last.range.end = range.end;
                }
                _ => line.push(Token { range, kind }),
            }
        }
        *column += part.len();
    }
}

fn kind_of(kind: SyntaxKind, piece: &str) -> TokenKind {
    match kind {
        SyntaxKind::COMMENT => TokenKind::Comment,
        SyntaxKind::INT | SyntaxKind::FLOAT => TokenKind::Number,
        SyntaxKind::BOOL | SyntaxKind::NULL => TokenKind::Keyword,
        SyntaxKind::UNTERMINATED_STRING | SyntaxKind::ERROR => TokenKind::Invalid,
        SyntaxKind::TAG
        | SyntaxKind::ANCHOR
        | SyntaxKind::REFERENCE
        | SyntaxKind::MERGE_KEY
        | SyntaxKind::DIRECTIVE
        | SyntaxKind::AMPERSAND
        | SyntaxKind::ASTERISK
        | SyntaxKind::EXCLAMATION => TokenKind::Reference,
        SyntaxKind::STRING => match super::scalar::resolve(piece) {
            serde_json::Value::Bool(_) | serde_json::Value::Null => TokenKind::Keyword,
            serde_json::Value::Number(_) => TokenKind::Number,
            _ => TokenKind::String,
        },
        _ => TokenKind::Punctuation,
    }
}

/// Whether only a header (`|2-`) and a comment follow on this line.
fn starts_block(tokens: &[(SyntaxKind, &str)], at: usize) -> bool {
    for (kind, piece) in &tokens[at + 1..] {
        match kind {
            SyntaxKind::NEWLINE | SyntaxKind::EOF | SyntaxKind::COMMENT => return true,
            SyntaxKind::WHITESPACE | SyntaxKind::DASH | SyntaxKind::PLUS | SyntaxKind::INT => {}
            _ if piece.chars().all(|c| matches!(c, '+' | '-' | '0'..='9')) => {}
            _ => return false,
        }
    }
    true
}

/// Whether a colon follows this scalar on its line.
fn is_key(tokens: &[(SyntaxKind, &str)], at: usize) -> bool {
    for (kind, _) in &tokens[at + 1..] {
        match kind {
            SyntaxKind::WHITESPACE => {}
            SyntaxKind::COLON => return true,
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<Vec<(String, TokenKind)>> {
        let lines = highlight(text);
        lines
            .into_iter()
            .zip(text.split('\n'))
            .map(|(tokens, line)| {
                tokens.into_iter().map(|token| (line[token.range].to_owned(), token.kind)).collect()
            })
            .collect()
    }

    #[test]
    fn kinds_by_line() {
        use TokenKind::{Block, Comment, Key, Keyword, Number, Punctuation, Reference, String};
        let lines = shown(
            "# head\r\nreplicas: 3 # n\r\non: yes\r\nname: \"a: b\"\r\ntext: |\r\n  # not a comment\r\n  a: b\r\nx: *ref\r\n",
        );
        let of =
            |line: usize| lines[line].iter().map(|(text, kind)| (text.as_str(), *kind)).collect::<Vec<_>>();
        assert_eq!(of(0), [("# head", Comment)]);
        assert_eq!(of(1), [("replicas", Key), (":", Punctuation), ("3", Number), ("# n", Comment)]);
        assert_eq!(of(2), [("on", Key), (":", Punctuation), ("yes", Keyword)]);
        assert_eq!(of(3), [("name", Key), (":", Punctuation), ("\"a: b\"", String)]);
        assert!(of(4).contains(&("|", Block)), "{:?}", of(4));
        assert!(of(5).iter().all(|(_, kind)| *kind == Block), "{:?}", of(5));
        assert!(of(6).iter().all(|(_, kind)| *kind == Block), "{:?}", of(6));
        assert_eq!(of(7)[0], ("x", Key));
        assert_eq!(of(7).last().unwrap().1, Reference);
        assert_eq!(lines.len(), 9);
    }

    proptest! {
        #[test]
        fn any_text_is_coloured_within_its_lines(text in "[a-z:#|>\\-'\"\\[\\]{},&*! \r\n\té0-9]{0,80}") {
            let lines = highlight(&text);
            prop_assert_eq!(lines.len(), text.split('\n').count());
            for (tokens, line) in lines.iter().zip(text.split('\n')) {
                let mut end = 0;
                for token in tokens {
                    prop_assert!(token.range.start >= end && token.range.end <= line.len());
                    prop_assert!(line.get(token.range.clone()).is_some());
                    end = token.range.end;
                }
            }
        }
    }
}
