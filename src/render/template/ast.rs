//! What a template is after parsing: Go's nodes with their byte positions, and how Go writes a node in an error.
//! Nothing here depends on values, so that a parsed template is shared by all renderings.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use super::function::Function;
use super::quote;
use super::value::Str;

/// A text with the name that errors give it.
#[derive(Debug)]
pub struct Source {
    /// `chart/templates/web.yaml`; `gotpl` for text that `tpl` was given.
    pub name: Arc<str>,
    pub text: Arc<[u8]>,
}

impl Source {
    /// Line from 1 and byte in the line from 0, as Go's errors count.
    pub fn place(&self, at: u32) -> (usize, usize) {
        let before = self.text.get(..at as usize).unwrap_or(&self.text);
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        let column = match before.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => before.len() - newline - 1,
            None => before.len(),
        };
        (line, column)
    }
}

/// A template: a file, or what stands between `define` and `end`.
#[derive(Debug)]
pub struct Tree {
    pub name: Arc<str>,
    pub source: Arc<Source>,
    pub root: List,
}

impl Tree {
    /// Nothing but white space and comments: such a template does not replace another one.
    pub fn is_empty(&self) -> bool {
        self.root.nodes.iter().all(|node| match node {
            Node::Text { text, .. } => {
                self.source.text.get(text.clone()).is_none_or(|text| text.trim_ascii().is_empty())
            }
            _ => false,
        })
    }
}

/// Several nodes one after the other.
#[derive(Debug)]
pub struct List {
    pub at: u32,
    pub nodes: Vec<Node>,
}

/// What stands between two delimiters, or between two actions.
#[derive(Debug)]
pub enum Node {
    Text { at: u32, text: Range<usize> },
    Action { at: u32, pipe: Pipe },
    If(Branch),
    Range(Branch),
    With(Branch),
    Template { at: u32, name: Str, pipe: Option<Pipe> },
    Break { at: u32 },
    Continue { at: u32 },
}

/// `if`, `range` or `with`.
#[derive(Debug)]
pub struct Branch {
    pub at: u32,
    pub pipe: Pipe,
    pub list: List,
    pub otherwise: Option<List>,
}

/// Commands, each getting the result of the one before as its last argument.
#[derive(Debug)]
pub struct Pipe {
    pub at: u32,
    /// Variables that get the result.
    pub decl: Vec<Variable>,
    /// By `=` instead of `:=`.
    pub is_assign: bool,
    pub commands: Vec<Command>,
}

/// A variable's name, `$` included; its number is the same wherever the name stands in one file.
#[derive(Debug, Clone)]
pub struct Variable {
    pub id: u32,
    pub name: Arc<str>,
}

/// An operand and its arguments.
#[derive(Debug)]
pub struct Command {
    pub at: u32,
    pub args: Vec<Expr>,
}

/// An operand.
#[derive(Debug)]
pub enum Expr {
    Dot {
        at: u32,
    },
    Nil {
        at: u32,
    },
    Bool {
        at: u32,
        on: bool,
    },
    Number(Number),
    String {
        at: u32,
        value: Str,
        written: Range<usize>,
    },
    Field {
        at: u32,
        names: Vec<Str>,
    },
    Variable {
        at: u32,
        variable: Variable,
        names: Vec<Str>,
    },
    /// Fields of something in parentheses, or of a function's result.
    Chain {
        at: u32,
        of: Box<Expr>,
        names: Vec<Str>,
    },
    Function {
        at: u32,
        function: &'static Function,
    },
    Pipe(Box<Pipe>),
}

/// A number under every type that can hold it, as Go keeps its constants.
#[derive(Debug, Clone)]
pub struct Number {
    pub at: u32,
    pub written: Range<usize>,
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
    /// Written as a float: `1.0`, `1e3`.
    pub is_float: bool,
}

impl Expr {
    /// Where errors place it.
    pub fn at(&self) -> u32 {
        match self {
            Self::Dot { at }
            | Self::Nil { at }
            | Self::Bool { at, .. }
            | Self::String { at, .. }
            | Self::Field { at, .. }
            | Self::Variable { at, .. }
            | Self::Chain { at, .. }
            | Self::Function { at, .. } => *at,
            Self::Number(number) => number.at,
            Self::Pipe(pipe) => pipe.at,
        }
    }
}

impl Node {
    /// Where errors place it.
    pub fn at(&self) -> u32 {
        match self {
            Self::Text { at, .. }
            | Self::Action { at, .. }
            | Self::Template { at, .. }
            | Self::Break { at }
            | Self::Continue { at } => *at,
            Self::If(branch) | Self::Range(branch) | Self::With(branch) => branch.at,
        }
    }
}

/// Any node, for errors.
#[derive(Debug, Clone, Copy)]
pub enum Place<'t> {
    Node(&'t Node),
    List(&'t List),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Expr(&'t Expr),
}

impl Place<'_> {
    pub fn at(self) -> u32 {
        match self {
            Self::Node(node) => node.at(),
            Self::List(list) => list.at,
            Self::Pipe(pipe) => pipe.at,
            Self::Command(command) => command.at,
            Self::Expr(expr) => expr.at(),
        }
    }

    /// As Go's `String()` writes the node.
    pub fn written(self, source: &Source) -> String {
        let mut writer = Writer { source, out: String::new() };
        // Writing into a string does not fail.
        let _ = match self {
            Self::Node(node) => writer.node(node),
            Self::List(list) => writer.list(list),
            Self::Pipe(pipe) => writer.pipe(pipe),
            Self::Command(command) => writer.command(command),
            Self::Expr(expr) => writer.expr(expr),
        };
        writer.out
    }
}

struct Writer<'s> {
    source: &'s Source,
    out: String,
}

impl Writer<'_> {
    fn source(&mut self, range: &Range<usize>) -> fmt::Result {
        let bytes = self.source.text.get(range.clone()).unwrap_or_default();
        self.out.write_str(&String::from_utf8_lossy(bytes))
    }

    fn list(&mut self, list: &List) -> fmt::Result {
        list.nodes.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &Node) -> fmt::Result {
        match node {
            Node::Text { text, .. } => self.source(text),
            Node::Action { pipe, .. } => {
                self.out.write_str("{{")?;
                self.pipe(pipe)?;
                self.out.write_str("}}")
            }
            Node::If(branch) => self.branch("if", branch),
            Node::Range(branch) => self.branch("range", branch),
            Node::With(branch) => self.branch("with", branch),
            Node::Template { name, pipe, .. } => {
                write!(self.out, "{{{{template {}", quote::quoted(name))?;
                if let Some(pipe) = pipe {
                    self.out.write_char(' ')?;
                    self.pipe(pipe)?;
                }
                self.out.write_str("}}")
            }
            Node::Break { .. } => self.out.write_str("{{break}}"),
            Node::Continue { .. } => self.out.write_str("{{continue}}"),
        }
    }

    fn branch(&mut self, name: &str, branch: &Branch) -> fmt::Result {
        write!(self.out, "{{{{{name} ")?;
        self.pipe(&branch.pipe)?;
        self.out.write_str("}}")?;
        self.list(&branch.list)?;
        if let Some(otherwise) = &branch.otherwise {
            self.out.write_str("{{else}}")?;
            self.list(otherwise)?;
        }
        self.out.write_str("{{end}}")
    }

    fn pipe(&mut self, pipe: &Pipe) -> fmt::Result {
        for (index, variable) in pipe.decl.iter().enumerate() {
            if index > 0 {
                self.out.write_str(", ")?;
            }
            self.out.write_str(&variable.name)?;
        }
        if !pipe.decl.is_empty() {
            self.out.write_str(if pipe.is_assign { " = " } else { " := " })?;
        }
        for (index, command) in pipe.commands.iter().enumerate() {
            if index > 0 {
                self.out.write_str(" | ")?;
            }
            self.command(command)?;
        }
        Ok(())
    }

    fn command(&mut self, command: &Command) -> fmt::Result {
        for (index, arg) in command.args.iter().enumerate() {
            if index > 0 {
                self.out.write_char(' ')?;
            }
            self.parenthesised(arg)?;
        }
        Ok(())
    }

    fn parenthesised(&mut self, expr: &Expr) -> fmt::Result {
        if let Expr::Pipe(pipe) = expr {
            self.out.write_char('(')?;
            self.pipe(pipe)?;
            return self.out.write_char(')');
        }
        self.expr(expr)
    }

    fn expr(&mut self, expr: &Expr) -> fmt::Result {
        match expr {
            Expr::Dot { .. } => self.out.write_char('.'),
            Expr::Nil { .. } => self.out.write_str("nil"),
            Expr::Bool { on, .. } => write!(self.out, "{on}"),
            Expr::Number(number) => self.source(&number.written),
            Expr::String { written, .. } => self.source(written),
            Expr::Field { names, .. } => self.names(names),
            Expr::Variable { variable, names, .. } => {
                self.out.write_str(&variable.name)?;
                self.names(names)
            }
            Expr::Chain { of, names, .. } => {
                self.parenthesised(of)?;
                self.names(names)
            }
            Expr::Function { function, .. } => self.out.write_str(function.name),
            Expr::Pipe(pipe) => self.pipe(pipe),
        }
    }

    fn names(&mut self, names: &[Str]) -> fmt::Result {
        names.iter().try_for_each(|name| write!(self.out, ".{name}"))
    }
}
