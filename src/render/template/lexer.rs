//! Cuts a template into Go's tokens, trim markers included. An error is a token: what was read before it is parsed
//! first, as in Go.

use std::ops::Range;

use super::quote;

/// What a token is. The order counts: keywords come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Keyword,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// A token: where it is and on which line it starts.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub kind: Kind,
    pub range: Range<usize>,
    pub line: usize,
    /// The words of an error.
    pub error: Option<String>,
}

impl Token {
    /// As Go's errors show a token.
    pub(super) fn shown(&self, text: &[u8]) -> String {
        if let Some(error) = &self.error {
            return error.clone();
        }
        let value = text.get(self.range.clone()).unwrap_or_default();
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            kind if kind > Kind::Keyword => format!("<{}>", String::from_utf8_lossy(value)),
            _ if value.len() > 10 => format!("{}...", quote::quoted(quote::first_chars(value, 10))),
            _ => quote::quoted(value),
        }
    }
}

/// All tokens; the last one is [`Kind::Eof`] or [`Kind::Error`].
pub(super) fn tokens(text: &[u8]) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, start: 0, line: 1, start_line: 1, parens: 0, out: Vec::new() };
    if let Err(error) = lexer.run() {
        let range = lexer.start..lexer.start;
        lexer.out.push(Token { kind: Kind::Error, range, line: lexer.start_line, error: Some(error) });
    }
    lexer.out
}

struct Lexer<'t> {
    text: &'t [u8],
    at: usize,
    start: usize,
    line: usize,
    start_line: usize,
    parens: i32,
    out: Vec<Token>,
}

type Lexed = Result<(), String>;

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphabetic() || (c.is_numeric() && (c.is_ascii_digit() || is_decimal(c)))
}

/// Go's `unicode.IsDigit` beyond ASCII: decimal digits only. Rust knows no such class; letters and numbers that are
/// no digits hardly stand in templates, and a digit of another script counts.
fn is_decimal(c: char) -> bool {
    !matches!(c, '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{bc}'..='\u{be}' | '\u{2070}'..='\u{218b}' | '\u{2460}'..='\u{2793}')
}

/// `Some` with the character at a position and its length; bytes that are no UTF-8 are U+FFFD.
fn char_at(text: &[u8], at: usize) -> Option<(char, usize)> {
    let first = *text.get(at)?;
    if first.is_ascii() {
        return Some((char::from(first), 1));
    }
    let window = &text[at..text.len().min(at + 4)];
    let valid = match std::str::from_utf8(window) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default(),
    };
    Some(valid.chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8())))
}

fn find(text: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(text.get(from..)?, needle).map(|found| from + found)
}

impl Lexer<'_> {
    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        char_at(self.text, self.at).map(|(c, _)| c)
    }

    fn next(&mut self) -> Option<char> {
        let (c, length) = char_at(self.text, self.at)?;
        self.at += length;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn emit(&mut self, kind: Kind) {
        let range = self.start..self.at;
        self.out.push(Token { kind, range, line: self.start_line, error: None });
        self.start = self.at;
        self.start_line = self.line;
    }

    /// Moves on over text whose lines are not counted yet.
    fn skip_to(&mut self, at: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.text[self.at..at]).count();
        self.at = at;
    }

    fn ignore(&mut self) {
        self.start = self.at;
        self.start_line = self.line;
    }

    fn run(&mut self) -> Lexed {
        loop {
            let Some(open) = find(self.text, self.at, b"{{") else {
                self.skip_to(self.text.len());
                if self.at > self.start {
                    self.emit(Kind::Text);
                }
                self.emit(Kind::Eof);
                return Ok(());
            };
            let text = &self.text[self.start..open];
            let trims = has_left_marker(&self.text[open + 2..]);
            let kept = if trims { trim_end(text).len() } else { text.len() };
            self.skip_to(self.start + kept);
            if kept > 0 {
                self.emit(Kind::Text);
            }
            self.skip_to(open);
            self.ignore();
            if self.left_delim(trims)? {
                self.inside()?;
            }
        }
    }

    /// Whether an action begins; a comment is skipped whole.
    fn left_delim(&mut self, trims: bool) -> Result<bool, String> {
        let after = self.at + 2 + if trims { 2 } else { 0 };
        if self.text.get(after..).unwrap_or_default().starts_with(b"/*") {
            self.skip_to(after);
            self.ignore();
            let Some(close) = find(self.text, self.at + 2, b"*/") else {
                return Err("unclosed comment".to_owned());
            };
            let close = close + 2;
            let (delim, trim) = right_delim(&self.text[close..]);
            if !delim {
                return Err("comment ends before closing delimiter".to_owned());
            }
            let mut end = close + 2;
            if trim {
                end += 2;
                end += leading_spaces(&self.text[end..]);
            }
            self.skip_to(end);
            self.ignore();
            return Ok(false);
        }
        self.at += 2;
        self.emit(Kind::LeftDelim);
        self.skip_to(after);
        self.ignore();
        self.parens = 0;
        Ok(true)
    }

    /// The tokens of an action with its right delimiter.
    fn inside(&mut self) -> Lexed {
        loop {
            let (delim, trim) = right_delim(self.rest());
            if delim {
                if self.parens != 0 {
                    return Err("unclosed left paren".to_owned());
                }
                self.right_delim(trim);
                return Ok(());
            }
            let Some(c) = self.next() else { return Err("unclosed action".to_owned()) };
            match c {
                ' ' | '\t' | '\r' | '\n' => self.spaces(),
                '=' => self.emit(Kind::Assign),
                ':' => {
                    if self.next() != Some('=') {
                        return Err("expected :=".to_owned());
                    }
                    self.emit(Kind::Declare);
                }
                '|' => self.emit(Kind::Pipe),
                '"' => self.quoted(b'"', "unterminated quoted string", Kind::String)?,
                '\'' => self.quoted(b'\'', "unterminated character constant", Kind::CharConstant)?,
                '`' => {
                    loop {
                        match self.next() {
                            None => return Err("unterminated raw quoted string".to_owned()),
                            Some('`') => break,
                            Some(_) => {}
                        }
                    }
                    self.emit(Kind::RawString);
                }
                '$' => self.name(Kind::Variable)?,
                '.' if !self.rest().first().is_some_and(u8::is_ascii_digit) => self.name(Kind::Field)?,
                '.' | '+' | '-' | '0'..='9' => {
                    self.at -= 1;
                    self.number()?;
                }
                '(' => {
                    self.parens += 1;
                    self.emit(Kind::LeftParen);
                }
                ')' => {
                    self.parens -= 1;
                    if self.parens < 0 {
                        return Err("unexpected right paren".to_owned());
                    }
                    self.emit(Kind::RightParen);
                }
                c if is_alphanumeric(c) => self.word()?,
                c if c.is_ascii() && !c.is_ascii_control() => self.emit(Kind::Char),
                c => return Err(format!("unrecognized character in action: {}", unicode(Some(c)))),
            }
        }
    }

    fn right_delim(&mut self, trim: bool) {
        if trim {
            self.skip_to(self.at + 2);
            self.ignore();
        }
        self.at += 2;
        self.emit(Kind::RightDelim);
        if trim {
            self.skip_to(self.at + leading_spaces(self.rest()));
            self.ignore();
        }
    }

    /// A run of spaces whose first one is read; the one before a trim marker belongs to the delimiter.
    fn spaces(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii() && is_space(c as u8)) {
            self.next();
        }
        let back = self.at - 1;
        if right_delim(&self.text[back..]) == (true, true) {
            if self.text[back] == b'\n' {
                self.line -= 1;
            }
            self.at = back;
            if self.at == self.start {
                return;
            }
        }
        self.emit(Kind::Space);
    }

    fn quoted(&mut self, end: u8, error: &str, kind: Kind) -> Lexed {
        loop {
            match self.next() {
                Some('\\') => {
                    if matches!(self.next(), None | Some('\n')) {
                        return Err(error.to_owned());
                    }
                }
                None | Some('\n') => return Err(error.to_owned()),
                Some(c) if c == char::from(end) => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            _ => self.rest().starts_with(b"}}"),
        }
    }

    /// A field or variable whose first character is read.
    fn name(&mut self, kind: Kind) -> Lexed {
        if self.at_terminator() {
            self.emit(if kind == Kind::Variable { kind } else { Kind::Dot });
            return Ok(());
        }
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if !self.at_terminator() {
            return Err(format!("bad character {}", unicode(self.peek())));
        }
        self.emit(kind);
        Ok(())
    }

    fn word(&mut self) -> Lexed {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if !self.at_terminator() {
            return Err(format!("bad character {}", unicode(self.peek())));
        }
        let kind = match &self.text[self.start..self.at] {
            b"block" => Kind::Block,
            b"break" => Kind::Break,
            b"continue" => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"range" => Kind::Range,
            b"nil" => Kind::Nil,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind);
        Ok(())
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| valid.contains(byte));
        if found {
            self.at += 1;
        }
        found
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    fn number(&mut self) -> Lexed {
        let bad = |lexer: &Self| {
            Err(format!("bad number syntax: {}", quote::quoted(&lexer.text[lexer.start..lexer.at])))
        };
        if !self.scan_number() {
            return bad(self);
        }
        if matches!(self.rest().first(), Some(b'+' | b'-')) {
            if !self.scan_number() || self.text[self.at - 1] != b'i' {
                return bad(self);
            }
            self.emit(Kind::Complex);
            return Ok(());
        }
        self.emit(Kind::Number);
        Ok(())
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &[u8] = b"0123456789_";
        const HEX: &[u8] = b"0123456789abcdefABCDEF_";
        self.accept(b"+-");
        let mut digits = DECIMAL;
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = HEX;
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if digits == DECIMAL && self.accept(b"eE") {
            self.accept(b"+-");
            self.accept_run(DECIMAL);
        }
        if digits == HEX && self.accept(b"pP") {
            self.accept(b"+-");
            self.accept_run(DECIMAL);
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

/// Go's `%#U`.
fn unicode(c: Option<char>) -> String {
    match c {
        // Go prints its end-of-file rune, which is -1.
        None => "U+FFFFFFFFFFFFFFFF".to_owned(),
        Some(c) if quote::is_print(c) => format!("U+{:04X} '{c}'", u32::from(c)),
        Some(c) => format!("U+{:04X}", u32::from(c)),
    }
}

fn has_left_marker(text: &[u8]) -> bool {
    text.first() == Some(&b'-') && text.get(1).is_some_and(|byte| is_space(*byte))
}

/// Whether a right delimiter stands here, and whether with a trim marker.
fn right_delim(text: &[u8]) -> (bool, bool) {
    let marked = text.first().is_some_and(|byte| is_space(*byte)) && text.get(1..4) == Some(b"-}}");
    (marked || text.starts_with(b"}}"), marked)
}

fn leading_spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_space(**byte)).count()
}

fn trim_end(text: &[u8]) -> &[u8] {
    let kept = text.len() - text.iter().rev().take_while(|byte| is_space(**byte)).count();
    &text[..kept]
}
