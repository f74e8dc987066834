//! Builds trees from tokens by Go's grammar, with Go's errors. Function names are resolved here, so an unknown one is
//! an error of the whole file, as in Go.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{Branch, Command, Expr, List, Node, Number, Pipe, Source, Tree, Variable};
use super::function::Function;
use super::lexer::{self, Kind, Token};
use super::numbers::{go_float, go_int};
use super::quote;
use super::value::Str;

/// Parentheses and blocks nest at most so deep. Go's own limit is 10,000 parentheses; nothing written by hand has 100.
const DEPTH: usize = 400;

/// Finds a function by its name.
pub type Lookup<'f> = &'f dyn Fn(&str) -> Option<&'static Function>;

/// The templates of a text: those it defines, and last the text itself.
///
/// # Errors
/// As Go words it: `template: NAME:LINE: …`.
pub fn parse(name: &str, text: Arc<[u8]>, functions: Lookup<'_>) -> Result<Vec<Arc<Tree>>, String> {
    let source = Arc::new(Source { name: Arc::from(name), text });
    let mut parser = Parser {
        tokens: lexer::tokens(&source.text),
        source: source.clone(),
        next: 0,
        furthest: 0,
        functions,
        vars: vec![0],
        ids: HashMap::from([(Arc::from("$"), 0)]),
        action_line: 0,
        range_depth: 0,
        depth: 0,
        trees: Vec::new(),
    };
    let root = parser.file()?;
    parser.add(name.as_bytes(), root)?;
    Ok(parser.trees)
}

struct Parser<'f> {
    tokens: Vec<Token>,
    source: Arc<Source>,
    next: usize,
    /// The last token that was read ahead: errors give its line.
    furthest: usize,
    functions: Lookup<'f>,
    /// Variables in scope, by number.
    vars: Vec<u32>,
    ids: HashMap<Arc<str>, u32>,
    action_line: usize,
    range_depth: usize,
    depth: usize,
    trees: Vec<Arc<Tree>>,
}

/// What ended a list.
enum Ended {
    End,
    /// Where it stands, for the list that follows.
    Else(u32),
}

impl Ended {
    fn shown(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else(_) => "{{else}}",
        }
    }
}

enum Item {
    Node(Node),
    Ended(Ended),
}

type Parsed<T> = Result<T, String>;

fn position(token: &Token) -> u32 {
    u32::try_from(token.range.start).unwrap_or(u32::MAX)
}

impl Parser<'_> {
    // ---- tokens

    fn token(&mut self) -> Token {
        let index = self.next.min(self.tokens.len() - 1);
        self.furthest = self.furthest.max(index);
        self.next += 1;
        self.tokens[index].clone()
    }

    fn peek(&mut self) -> Token {
        let token = self.token();
        self.next -= 1;
        token
    }

    fn peek_kind(&mut self) -> Kind {
        let index = self.next.min(self.tokens.len() - 1);
        self.furthest = self.furthest.max(index);
        self.tokens[index].kind
    }

    fn next_non_space(&mut self) -> Token {
        while self.peek_kind() == Kind::Space {
            self.next += 1;
        }
        self.token()
    }

    fn peek_non_space(&mut self) -> Token {
        let token = self.next_non_space();
        self.next -= 1;
        token
    }

    fn text(&self, token: &Token) -> &[u8] {
        self.source.text.get(token.range.clone()).unwrap_or_default()
    }

    // ---- errors

    fn error<T>(&self, words: impl std::fmt::Display) -> Parsed<T> {
        let line = self.tokens[self.furthest].line;
        Err(format!("template: {}:{line}: {words}", self.source.name))
    }

    fn unexpected<T>(&self, token: &Token, context: &str) -> Parsed<T> {
        let shown = token.shown(&self.source.text);
        if token.kind == Kind::Error {
            let mut extra = String::new();
            if self.action_line != 0 && self.action_line != token.line {
                extra = format!(" in action started at {}:{}", self.source.name, self.action_line);
                if shown.ends_with(" action") {
                    extra = extra[" in action".len()..].to_owned();
                }
            }
            return self.error(format!("{shown}{extra}"));
        }
        self.error(format!("unexpected {shown} in {context}"))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.error("max expression depth exceeded");
        }
        Ok(())
    }

    // ---- trees

    fn add(&mut self, name: &[u8], root: List) -> Parsed<()> {
        let name: Arc<str> = Arc::from(String::from_utf8_lossy(name));
        let tree = Arc::new(Tree { name: name.clone(), source: self.source.clone(), root });
        match self.trees.iter().position(|other| other.name == name) {
            None => self.trees.push(tree),
            Some(at) if self.trees[at].is_empty() => {
                self.trees.remove(at);
                self.trees.push(tree);
            }
            Some(_) if tree.is_empty() => {}
            Some(_) => {
                return self.error(format!(
                    "template: multiple definition of template {}",
                    quote::quoted(name.as_bytes())
                ));
            }
        }
        Ok(())
    }

    fn file(&mut self) -> Parsed<List> {
        let at = position(&self.peek());
        let mut nodes = Vec::new();
        loop {
            match self.peek_kind() {
                Kind::Eof => return Ok(List { at, nodes }),
                Kind::LeftDelim => {
                    let before = self.next;
                    self.next += 1;
                    if self.next_non_space().kind == Kind::Define {
                        self.definition()?;
                        continue;
                    }
                    self.next = before;
                }
                _ => {}
            }
            match self.text_or_action()? {
                Item::Node(node) => nodes.push(node),
                Item::Ended(ended) => return self.error(format!("unexpected {}", ended.shown())),
            }
        }
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let token = self.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(&token, CONTEXT);
        }
        let name = self.unquoted(&token)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.body(&name, CONTEXT)
    }

    /// The body of `define` and `block`, with variables of its own.
    fn body(&mut self, name: &[u8], context: &str) -> Parsed<()> {
        let outer = (
            std::mem::replace(&mut self.vars, vec![0]),
            std::mem::take(&mut self.action_line),
            std::mem::take(&mut self.range_depth),
        );
        self.deeper()?;
        let (root, ended) = self.list()?;
        self.depth -= 1;
        if let Ended::Else(_) = ended {
            return self.error(format!("unexpected {} in {context}", ended.shown()));
        }
        (self.vars, self.action_line, self.range_depth) = outer;
        self.add(name, root)
    }

    fn list(&mut self) -> Parsed<(List, Ended)> {
        let at = position(&self.peek_non_space());
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => nodes.push(node),
                Item::Ended(ended) => return Ok((List { at, nodes }, ended)),
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text { at: position(&token), text: token.range })),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action();
                if item.is_ok() {
                    self.action_line = 0;
                }
                item
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => {
                self.loop_control("{{break}}")?;
                Node::Break { at: position(&token) }
            }
            Kind::Continue => {
                self.loop_control("{{continue}}")?;
                Node::Continue { at: position(&token) }
            }
            Kind::Else => return self.otherwise().map(|at| Item::Ended(Ended::Else(at))),
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::Ended(Ended::End));
            }
            Kind::If => Node::If(self.control("if")?),
            Kind::Range => Node::Range(self.control("range")?),
            Kind::With => Node::With(self.control("with")?),
            Kind::Template => self.template()?,
            _ => {
                self.next -= 1;
                let at = position(&self.peek());
                Node::Action { at, pipe: self.pipeline("command", Kind::RightDelim)? }
            }
        };
        Ok(Item::Node(node))
    }

    fn loop_control(&mut self, shown: &str) -> Parsed<()> {
        let token = self.next_non_space();
        if token.kind != Kind::RightDelim {
            return self.unexpected(&token, shown);
        }
        if self.range_depth == 0 {
            return self.error(format!("{shown} outside {{{{range}}}}"));
        }
        Ok(())
    }

    fn otherwise(&mut self) -> Parsed<u32> {
        let token = self.peek_non_space();
        if matches!(token.kind, Kind::If | Kind::With) {
            return Ok(position(&token));
        }
        Ok(position(&self.expect(Kind::RightDelim, "else")?))
    }

    fn control(&mut self, context: &str) -> Parsed<Branch> {
        let scope = self.vars.len();
        self.deeper()?;
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        if context == "range" {
            self.range_depth += 1;
        }
        let (list, ended) = self.list()?;
        if context == "range" {
            self.range_depth -= 1;
        }
        let mut otherwise = None;
        if let Ended::Else(at) = ended {
            let next = self.peek_kind();
            otherwise = Some(if context == "if" && next == Kind::If {
                self.next += 1;
                List { at, nodes: vec![Node::If(self.control("if")?)] }
            } else if context == "with" && next == Kind::With {
                self.next += 1;
                List { at, nodes: vec![Node::With(self.control("with")?)] }
            } else {
                let (list, ended) = self.list()?;
                if let Ended::Else(_) = ended {
                    return self.error(format!("expected end; found {}", ended.shown()));
                }
                list
            });
        }
        self.depth -= 1;
        self.vars.truncate(scope);
        Ok(Branch { at: pipe.at, pipe, list, otherwise })
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        self.body(&name, CONTEXT)?;
        Ok(Node::Template { at: position(&token), name, pipe: Some(pipe) })
    }

    fn template(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let mut pipe = None;
        if self.next_non_space().kind != Kind::RightDelim {
            self.next -= 1;
            pipe = Some(self.pipeline(CONTEXT, Kind::RightDelim)?);
        }
        Ok(Node::Template { at: position(&token), name, pipe })
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Parsed<Str> {
        match token.kind {
            Kind::String | Kind::RawString => self.unquoted(token),
            _ => self.unexpected(token, context),
        }
    }

    fn unquoted(&self, token: &Token) -> Parsed<Str> {
        match quote::unquoted(self.text(token)) {
            Some(value) => Ok(Str::from(value)),
            None => self.error("invalid syntax"),
        }
    }

    // ---- pipelines

    fn variable(&mut self, token: &Token) -> Variable {
        let name = String::from_utf8_lossy(self.text(token)).into_owned();
        let fresh = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = Arc::from(name);
        let id = *self.ids.entry(name.clone()).or_insert(fresh);
        Variable { id, name }
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let at = position(&self.peek_non_space());
        let mut pipe = Pipe { at, decl: Vec::new(), is_assign: false, commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => {
                    self.check(&pipe, context)?;
                    return Ok(pipe);
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.next -= 1;
                    pipe.commands.push(self.command()?);
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            let token = self.peek_non_space();
            if token.kind != Kind::Variable {
                return Ok(());
            }
            let before = self.next;
            self.next += 1;
            // Go reads the token beside the variable, too, before it looks further.
            self.peek_kind();
            let next = self.peek_non_space();
            let is_comma = next.kind == Kind::Char && self.text(&next) == b",";
            if !is_comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                self.next = before;
                return Ok(());
            }
            pipe.is_assign = next.kind == Kind::Assign || (is_comma && pipe.is_assign);
            self.next_non_space();
            let variable = self.variable(&token);
            self.vars.push(variable.id);
            pipe.decl.push(variable);
            if !is_comma {
                return Ok(());
            }
            if context == "range" && pipe.decl.len() < 2 {
                match self.peek_non_space().kind {
                    Kind::Variable | Kind::RightDelim | Kind::RightParen => continue,
                    _ => return self.error("range can only initialize variables"),
                }
            }
            return self.error(format!("too many declarations in {context}"));
        }
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            if matches!(
                command.args.first(),
                Some(
                    Expr::Bool { .. }
                        | Expr::Dot { .. }
                        | Expr::Nil { .. }
                        | Expr::Number(_)
                        | Expr::String { .. }
                )
            ) {
                return self.error(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let at = position(&self.peek_non_space());
        let mut args = Vec::new();
        loop {
            self.peek_non_space();
            // Leading spaces are skipped.
            while self.peek_kind() == Kind::Space {
                self.next += 1;
            }
            if let Some(operand) = self.operand()? {
                args.push(operand);
            }
            let token = self.token();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.next -= 1,
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if args.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { at, args })
    }

    fn operand(&mut self) -> Parsed<Option<Expr>> {
        let Some(node) = self.term()? else { return Ok(None) };
        if self.peek_kind() != Kind::Field {
            return Ok(Some(node));
        }
        let chain = position(&self.peek());
        let mut fields = Vec::new();
        while self.peek_kind() == Kind::Field {
            let token = self.token();
            fields.push(Str::from(self.text(&token).get(1..).unwrap_or_default()));
        }
        Ok(Some(match node {
            Expr::Field { mut names, .. } => {
                names.append(&mut fields);
                Expr::Field { at: chain, names }
            }
            Expr::Variable { variable, mut names, .. } => {
                names.append(&mut fields);
                Expr::Variable { at: chain, variable, names }
            }
            Expr::Bool { .. }
            | Expr::String { .. }
            | Expr::Number(_)
            | Expr::Nil { .. }
            | Expr::Dot { .. } => {
                let shown = super::ast::Place::Expr(&node).written(&self.source);
                return self.error(format!("unexpected . after term {}", quote::quoted(shown.as_bytes())));
            }
            other => Expr::Chain { at: chain, of: Box::new(other), names: fields },
        }))
    }

    fn term(&mut self) -> Parsed<Option<Expr>> {
        let token = self.next_non_space();
        let at = position(&token);
        Ok(Some(match token.kind {
            Kind::Identifier => {
                let name = String::from_utf8_lossy(self.text(&token)).into_owned();
                match (self.functions)(&name) {
                    Some(function) => Expr::Function { at, function },
                    None => {
                        return self
                            .error(format!("function {} not defined", quote::quoted(name.as_bytes())));
                    }
                }
            }
            Kind::Dot => Expr::Dot { at },
            Kind::Nil => Expr::Nil { at },
            Kind::Variable => {
                let variable = self.variable(&token);
                if !self.vars.contains(&variable.id) {
                    return self
                        .error(format!("undefined variable {}", quote::quoted(variable.name.as_bytes())));
                }
                Expr::Variable { at, variable, names: Vec::new() }
            }
            Kind::Field => {
                let name = Str::from(self.text(&token).get(1..).unwrap_or_default());
                Expr::Field { at, names: vec![name] }
            }
            Kind::Bool => Expr::Bool { at, on: self.text(&token) == b"true" },
            Kind::CharConstant | Kind::Complex | Kind::Number => Expr::Number(self.number(&token)?),
            Kind::LeftParen => {
                self.deeper()?;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.depth -= 1;
                Expr::Pipe(Box::new(pipe))
            }
            Kind::String | Kind::RawString => {
                Expr::String { at, value: self.unquoted(&token)?, written: token.range }
            }
            _ => {
                self.next -= 1;
                return Ok(None);
            }
        }))
    }

    fn number(&self, token: &Token) -> Parsed<Number> {
        let text = String::from_utf8_lossy(self.text(token)).into_owned();
        let mut number = Number {
            at: position(token),
            written: token.range.clone(),
            int: None,
            uint: None,
            float: None,
            is_float: false,
        };
        if token.kind == Kind::CharConstant {
            return match quote::unquoted(text.as_bytes()).as_deref().map(std::str::from_utf8) {
                Some(Ok(value)) => {
                    let code = value.chars().next().map_or(0, u32::from);
                    number.int = Some(i64::from(code));
                    number.uint = Some(u64::from(code));
                    number.float = Some(f64::from(code));
                    Ok(number)
                }
                _ => self.error(format!("malformed character constant: {text}")),
            };
        }
        if token.kind == Kind::Complex || text.ends_with('i') {
            return self.error(format!("complex numbers are not supported: {text}"));
        }
        number.uint = go_int(text.as_bytes()).and_then(|(negative, value)| (!negative).then_some(value));
        if text.starts_with(['+', '-']) {
            number.uint = None;
        }
        number.int = go_int(text.as_bytes()).and_then(|(negative, value)| {
            if negative { 0_i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
        });
        if number.int == Some(0) {
            number.uint = Some(0);
        }
        if let Some(int) = number.int {
            number.float = Some(int as f64);
        } else if let Some(uint) = number.uint {
            number.float = Some(uint as f64);
        } else if let Some(float) = go_float(&text) {
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return self.error(format!("integer overflow: {}", quote::quoted(text.as_bytes())));
            }
            number.float = Some(float);
            if float.fract() == 0.0 && float.abs() < 9.2e18 {
                number.int = Some(float as i64);
                number.uint = u64::try_from(float as i64).ok();
            }
        } else {
            return self.error(format!("illegal number syntax: {}", quote::quoted(text.as_bytes())));
        }
        let is_hex = text.len() > 2 && text[..2].eq_ignore_ascii_case("0x") && !text.contains(['p', 'P']);
        number.is_float = !is_hex && text.contains(['.', 'e', 'E', 'p', 'P']);
        Ok(number)
    }
}
