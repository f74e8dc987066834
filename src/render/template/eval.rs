//! Runs a tree: Go's `text/template/exec.go`, function by function, so that order of evaluation, scopes and the node
//! an error names are Go's. `walk` writes output, `expr` computes values.

mod expr;

use super::Context;
use super::ast::{Branch, List, Node, Place, Tree};
use super::errors::{Fault, FaultKind};
use super::printf;
use super::quote;
use super::trace::{self, PieceId};
use super::value::{SCOPE, Value};

/// What running gives; errors are rare and large.
pub(super) type Ran<T> = Result<T, Box<Fault>>;

/// A value with what reflect knows beside it: whether it was read through an interface (an element of a map or list
/// of `interface {}`). Only the words of errors depend on it.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub value: Value,
    pub dynamic: bool,
    /// The piece that computed it, for what a variable or a dot holds.
    pub from: Option<PieceId>,
}

impl Operand {
    fn of(value: Value) -> Self {
        Self { value, dynamic: false, from: None }
    }

    /// Go's `reflect.Value.Elem` of an interface.
    fn settled(self) -> Self {
        let value = if matches!(self.value, Value::Nil) { Value::Invalid } else { self.value };
        Self { value, dynamic: false, from: self.from }
    }

    fn go_type(&self) -> String {
        if self.dynamic { "interface {}".to_owned() } else { self.value.go_type().into_owned() }
    }
}

/// How a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

/// One execution of a tree.
struct Run<'c, 't> {
    context: &'c mut Context,
    tree: &'t Tree,
    vars: Vec<(u32, Operand)>,
    /// The node that an error names.
    place: Option<Place<'t>>,
    out: &'c mut Vec<u8>,
}

/// Runs a tree with a value as its dot and its `$`.
pub(super) fn execute(context: &mut Context, tree: &Tree, dot: Value, out: &mut Vec<u8>) -> Ran<()> {
    context.enter()?;
    let dot = Operand::of(dot).settled();
    let mut run = Run { context, tree, vars: vec![(0, dot.clone())], place: None, out };
    let ran = run.list(&dot, &tree.root);
    context.leave();
    ran.map(drop)
}

impl<'t> Run<'_, 't> {
    /// Tells the trace that a variable, a dot or an argument is used: where it came from is known there. What has a
    /// place in the values of its own needs no such detour.
    fn flows(&mut self, used: &Operand) {
        let is_scope = used.value.as_map().is_some_and(|map| map.origin() == SCOPE);
        if !is_scope && !trace::is_placed(&used.value) {
            self.context.trace.flows(used.from);
        }
    }

    fn at(&mut self, place: Place<'t>) {
        self.place = Some(place);
    }

    /// Go's `errorf` without the words.
    fn prefix(&self) -> String {
        let name = quote::quoted(self.tree.name.as_bytes());
        match self.place {
            None => format!("template: {}: ", self.tree.name),
            Some(place) => {
                let (line, column) = self.tree.source.place(place.at());
                format!(
                    "template: {}:{line}:{column}: executing {name} at <{}>: ",
                    self.tree.source.name,
                    place.written(&self.tree.source)
                )
            }
        }
    }

    fn fail<T>(&self, words: impl std::fmt::Display) -> Ran<T> {
        Err(Box::new(Fault::execution(format!("{}{words}", self.prefix()))))
    }

    /// A failure of what was called: Go's `%w`.
    fn fail_with<T>(&self, words: &str, fault: Fault) -> Ran<T> {
        Err(Box::new(fault.inside(FaultKind::Execution, format!("{}{words}", self.prefix()))))
    }

    fn list(&mut self, dot: &Operand, list: &'t List) -> Ran<Flow> {
        self.at(Place::List(list));
        for node in &list.nodes {
            let flow = self.node(dot, node)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, dot: &Operand, node: &'t Node) -> Ran<Flow> {
        self.context.step()?;
        self.at(Place::Node(node));
        match node {
            Node::Text { text, .. } => {
                let from = text.start;
                let text = self.tree.source.text.get(text.clone()).unwrap_or_default();
                let start = self.out.len();
                self.out.extend_from_slice(text);
                self.context.trace.text(&self.tree.source, from, start, self.out.len());
                self.context.written(self.out.len() - start)?;
            }
            Node::Action { at, pipe } => {
                let piece = self.context.trace.begin(&self.tree.source, *at, self.out.len());
                let value = self.pipeline(dot, pipe)?;
                if pipe.decl.is_empty() {
                    self.at(Place::Node(node));
                    let start = self.out.len();
                    self.context.read_whole(&value.value);
                    printf::print_action(&value.value, self.out);
                    self.context.written(self.out.len() - start)?;
                }
                self.context.trace.end(piece, self.out.len());
            }
            Node::If(branch) => return self.branch(dot, branch, false),
            Node::With(branch) => return self.branch(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template { at, name, pipe } => {
                let Some(tree) = self.context.find(name) else {
                    return self.fail(format!("template {} not defined", quote::quoted(name)));
                };
                let piece = self.context.trace.control(&self.tree.source, *at, self.out.len());
                let mut dot = match pipe {
                    Some(pipe) => self.pipeline(dot, pipe)?,
                    None => Operand::of(Value::Invalid),
                };
                dot.from = piece;
                self.context.trace.decided(piece);
                self.context.enter()?;
                let mut run = Run {
                    context: &mut *self.context,
                    tree: &tree,
                    vars: vec![(0, dot.clone())],
                    place: None,
                    out: &mut *self.out,
                };
                run.list(&dot, &tree.root)?;
                self.context.leave();
                self.context.trace.end(piece, self.out.len());
            }
            Node::Break { .. } => return Ok(Flow::Break),
            Node::Continue { .. } => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn branch(&mut self, dot: &Operand, branch: &'t Branch, sets_dot: bool) -> Ran<Flow> {
        let mark = self.vars.len();
        let control = self.context.trace.control(&self.tree.source, branch.at, self.out.len());
        let mut value = self.pipeline(dot, &branch.pipe)?;
        value.from = control;
        self.context.trace.decided(control);
        let flow = if value.value.is_true() {
            self.list(if sets_dot { &value } else { dot }, &branch.list)
        } else if let Some(otherwise) = &branch.otherwise {
            self.list(dot, otherwise)
        } else {
            Ok(Flow::On)
        };
        self.context.trace.end(control, self.out.len());
        self.vars.truncate(mark);
        flow
    }

    fn range(&mut self, dot: &Operand, branch: &'t Branch) -> Ran<Flow> {
        let outer = self.vars.len();
        let control = self.context.trace.control(&self.tree.source, branch.at, self.out.len());
        let over = self.pipeline(dot, &branch.pipe)?;
        self.context.read_keys(&over.value);
        self.context.trace.decided(control);
        let flow = self.iterate(dot, branch, &over.value, control);
        self.context.trace.end(control, self.out.len());
        self.vars.truncate(outer);
        flow
    }

    fn iterate(
        &mut self,
        dot: &Operand,
        branch: &'t Branch,
        over: &Value,
        from: Option<PieceId>,
    ) -> Ran<Flow> {
        let key = |value: Value| Operand { value, dynamic: false, from };
        match over {
            Value::Int(_) | Value::Int64(_) | Value::Uint8(_) | Value::Uint32(_) => {
                if branch.pipe.decl.len() > 1 {
                    let shown = String::from_utf8_lossy(&printf::sprint(over)).into_owned();
                    return self.fail(format!("can't use {shown} to iterate over more than one variable"));
                }
                let count = over.as_int().unwrap_or_default();
                for n in 0..count {
                    let item = match over {
                        Value::Int64(_) => Value::Int64(n),
                        Value::Uint8(_) => Value::Uint8(n as u8),
                        Value::Uint32(_) => Value::Uint32(n as u32),
                        _ => Value::Int(n),
                    };
                    match self.once(branch, &key(Value::Invalid), &key(item))? {
                        Flow::Break => return Ok(Flow::On),
                        Flow::On | Flow::Continue => {}
                    }
                }
                if count > 0 {
                    return Ok(Flow::On);
                }
            }
            Value::List(list) => {
                let dynamic = list.kind().is_any();
                for (index, item) in list.iter().enumerate() {
                    let index = Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
                    let item = Operand { value: item.clone(), dynamic, from };
                    if self.once(branch, &key(index), &item)? == Flow::Break {
                        return Ok(Flow::On);
                    }
                }
                if !list.is_empty() {
                    return Ok(Flow::On);
                }
            }
            Value::Bytes(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    let index = Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
                    if self.once(branch, &key(index), &key(Value::Uint8(*byte)))? == Flow::Break {
                        return Ok(Flow::On);
                    }
                }
                if !bytes.is_empty() {
                    return Ok(Flow::On);
                }
            }
            Value::Map(map) => {
                let dynamic = map.kind().is_any();
                let entries = map.entries();
                let any = !entries.is_empty();
                for (name, value) in entries {
                    let item = Operand { value, dynamic, from };
                    if self.once(branch, &key(Value::Str(name)), &item)? == Flow::Break {
                        return Ok(Flow::On);
                    }
                }
                if any {
                    return Ok(Flow::On);
                }
            }
            Value::Invalid | Value::Nil => {}
            other => {
                let shown = String::from_utf8_lossy(&printf::sprint(other)).into_owned();
                return self.fail(format!("range can't iterate over {shown}"));
            }
        }
        match &branch.otherwise {
            Some(otherwise) => self.list(dot, otherwise),
            None => Ok(Flow::On),
        }
    }

    /// One iteration. The pipeline has put its variables on the stack; they are overwritten.
    fn once(&mut self, branch: &'t Branch, index: &Operand, item: &Operand) -> Ran<Flow> {
        self.context.step()?;
        let decl = &branch.pipe.decl;
        let mark = self.vars.len();
        if branch.pipe.is_assign {
            match decl.as_slice() {
                [first, second, ..] => {
                    self.assign(first.id, &first.name, index.clone())?;
                    self.assign(second.id, &second.name, item.clone())?;
                }
                [first] => self.assign(first.id, &first.name, item.clone())?,
                [] => {}
            }
        } else {
            if let (true, Some(top)) = (!decl.is_empty(), mark.checked_sub(1)) {
                self.vars[top].1 = item.clone();
            }
            if let (true, Some(below)) = (decl.len() > 1, mark.checked_sub(2)) {
                self.vars[below].1 = index.clone();
            }
        }
        let flow = self.list(item, &branch.list);
        self.vars.truncate(mark);
        flow
    }

    fn assign(&mut self, id: u32, name: &str, value: Operand) -> Ran<()> {
        match self.vars.iter_mut().rev().find(|(other, _)| *other == id) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => self.fail(format!("undefined variable: {name}")),
        }
    }
}
