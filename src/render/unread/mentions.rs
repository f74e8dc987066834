//! What templates name where the renderings did not come: names of fields and texts, for the question whether a key might
//! be read with other values.

use std::collections::HashSet;

use super::super::Output;
use super::super::template::ast::{Branch, Command, Expr, List, Node, Pipe, Tree};
use super::super::template::value::Str;
use crate::yaml::{KeyPath, Segment};

/// Names in what did not run.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    /// `a.b` for `.Values.a.b`, `$.Values.a.b` and `.a.b`.
    chains: HashSet<Vec<String>>,
    /// Texts: perhaps names of keys.
    texts: HashSet<String>,
    /// All of the values are handed to something.
    everything: bool,
}

/// The actions that ran: template and byte.
type Ran<'o> = HashSet<(&'o str, u32)>;

impl Mentions {
    pub(super) fn of(outputs: &[&Output]) -> Self {
        let mut ran: Ran<'_> = HashSet::new();
        for trace in outputs.iter().flat_map(|output| &output.files).filter_map(|file| file.trace.as_deref())
        {
            for piece in trace.pieces.iter().filter(|piece| !piece.is_text) {
                if let Some(source) = trace.sources.get(piece.source as usize) {
                    ran.insert((&source.name, piece.at));
                }
            }
        }
        let mut mentions = Self::default();
        for tree in outputs.iter().flat_map(|output| output.trees()) {
            mentions.list(&tree.root, tree, &ran);
        }
        mentions
    }

    fn list(&mut self, list: &List, tree: &Tree, ran: &Ran<'_>) {
        for node in &list.nodes {
            let did_run = ran.contains(&(&*tree.source.name, node.at()));
            match node {
                Node::Action { pipe, .. } => self.pipe(pipe, did_run),
                Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                    self.branch(branch, did_run, tree, ran);
                }
                Node::Template { pipe, .. } => {
                    if let Some(pipe) = pipe {
                        self.pipe(pipe, did_run);
                    }
                }
                Node::Text { .. } | Node::Break { .. } | Node::Continue { .. } => {}
            }
        }
    }

    fn branch(&mut self, branch: &Branch, did_run: bool, tree: &Tree, ran: &Ran<'_>) {
        self.pipe(&branch.pipe, did_run);
        self.list(&branch.list, tree, ran);
        if let Some(otherwise) = &branch.otherwise {
            self.list(otherwise, tree, ran);
        }
    }

    /// Of what ran only that counts which `and` and `or` may have left out.
    fn pipe(&mut self, pipe: &Pipe, did_run: bool) {
        for command in &pipe.commands {
            self.command(command, did_run);
        }
    }

    fn command(&mut self, command: &Command, did_run: bool) {
        let function = match command.args.first() {
            Some(Expr::Function { function, .. }) => function.name,
            _ => "",
        };
        let stops = matches!(function, "and" | "or");
        // These take one key out of a map, which stands beside it.
        let takes_one = matches!(function, "index" | "get" | "hasKey" | "dig" | "pluck" | "pick")
            && command.args.iter().any(|arg| matches!(arg, Expr::String { .. }));
        let had_everything = self.everything;
        for (index, arg) in command.args.iter().enumerate() {
            self.expr(arg, did_run && !(stops && index > 1));
        }
        if takes_one {
            self.everything = had_everything;
        }
    }

    fn expr(&mut self, expr: &Expr, did_run: bool) {
        match expr {
            Expr::Pipe(pipe) => self.pipe(pipe, did_run),
            Expr::Chain { of, names, .. } => {
                self.expr(of, did_run);
                self.chain(names.iter(), did_run);
            }
            Expr::Field { names, .. } | Expr::Variable { names, .. } => self.chain(names.iter(), did_run),
            Expr::String { value, .. } if !did_run => {
                self.texts.insert(value.to_string());
            }
            _ => {}
        }
    }

    fn chain<'n>(&mut self, names: impl Iterator<Item = &'n Str>, did_run: bool) {
        let names: Vec<String> = names.map(ToString::to_string).collect();
        if did_run || names.is_empty() {
            return;
        }
        let start = names.iter().position(|name| name == "Values").map_or(0, |at| at + 1);
        let names = names[start..].to_vec();
        if names.is_empty() {
            self.everything = true;
        } else {
            // The first names may be those of a map that a template made for another.
            for from in 0..names.len() {
                self.chains.insert(names[from..].to_vec());
            }
        }
    }

    /// Whether something that did not run names the key, or a map around it.
    pub(super) fn may_read(&self, path: &KeyPath) -> bool {
        let names: Vec<String> = path
            .0
            .iter()
            .filter_map(|segment| match segment {
                Segment::Key(key) => Some(key.clone()),
                Segment::Index(_) => None,
            })
            .collect();
        let named = |from: usize, to: usize| self.chains.contains(&names[from..to]);
        let count = names.len();
        self.everything
            || (1..=count).any(|to| (0..to).any(|from| named(from, to)))
            || (0..count).any(|from| self.chains.iter().any(|chain| chain.starts_with(&names[from..])))
            || names.last().is_some_and(|last| self.texts.contains(last))
    }
}
