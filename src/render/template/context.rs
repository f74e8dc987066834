//! What all templates of one rendering share, and what functions get to see.

mod apart;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::ast::Tree;
use super::errors::Fault;
use super::eval;
use super::function::{FnError, Function};
use super::limits::{Budget, NESTING, Used};
use super::parser;
use super::trace::{Level, Trace};
use super::value::{Str, Value, in_values, is_shared};
use crate::render::encode::json::lossy;
use crate::render::profile::Profile;
use crate::yaml::{self, YamlError};

/// What stays the same while somebody edits: the clock, where random functions start, and what took long to make.
#[derive(Debug, Clone)]
pub struct Session {
    pub now: Timestamp,
    pub seed: [u8; 32],
    kept: Kept,
}

/// Keys, certificates and hashes by what they were made from; shared by the copies of a session.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Made>>);

type Made = HashMap<[u8; 32], Arc<[u8]>>;

impl std::fmt::Debug for Kept {
    /// Without what it holds: that is secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Session {
    /// Another clock and other random values: what differs between renderings of the two is unstable.
    #[must_use]
    pub fn other(&self) -> Self {
        /// Moves every part of a date: 13 months and some, an hour, a minute and a second.
        const LATER: SignedDuration = SignedDuration::from_secs(404 * 86_400 + 3_661);
        Self {
            now: self.now.saturating_add(LATER).unwrap_or(self.now),
            seed: Sha256::digest(self.seed).into(),
            kept: self.kept.clone(),
        }
    }
}

impl Default for Session {
    fn default() -> Self {
        Self { now: Timestamp::now(), seed: rand_seed(), kept: Kept::default() }
    }
}

/// The process, the time and an address: enough for values that only have to look random in a preview.
fn rand_seed() -> [u8; 32] {
    let marker = Box::new(0_u8);
    let text = format!("{} {:?} {:p}", std::process::id(), Timestamp::now(), marker);
    Sha256::digest(text.as_bytes()).into()
}

/// Named templates by Go's rules for redefinition.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    by_name: HashMap<Str, Arc<Tree>>,
    /// By the texts that they came in.
    texts: Vec<Vec<Arc<Tree>>>,
}

impl Templates {
    /// Adds the trees of one text: a later one wins, but an empty one replaces nothing.
    pub fn add(&mut self, trees: &[Arc<Tree>]) {
        self.texts.push(trees.to_vec());
        self.define(trees);
    }

    fn define(&mut self, trees: &[Arc<Tree>]) {
        for tree in trees {
            let name = Str::from(&*tree.name);
            if tree.is_empty() && self.by_name.contains_key(&name) {
                continue;
            }
            self.by_name.insert(name, tree.clone());
        }
    }

    pub fn get(&self, name: &[u8]) -> Option<&Arc<Tree>> {
        self.by_name.get(name)
    }
}

/// Parsed YAML by its text: charts build the same maps in template after template.
pub type Documents = Arc<Mutex<HashMap<Str, Arc<Result<Json, YamlError>>>>>;

/// How many documents are kept, and how long one may be.
const DOCUMENTS: usize = 4_096;
const DOCUMENT: usize = 64 * 1024;

type Parsed = Result<Arc<[Arc<Tree>]>, String>;

/// A rendering at work. Functions get it to charge for memory, tell what they read, and run templates.
pub struct Context {
    templates: Arc<Templates>,
    /// What the `tpl` calls we are in have defined, innermost last.
    overlays: Vec<Templates>,
    /// How often each name is being included right now.
    included: HashMap<Str, usize>,
    /// Texts that `tpl` was given.
    parsed: HashMap<Str, Parsed>,
    /// Documents that `fromYaml` was given, shared by renderings.
    documents: Documents,
    functions: fn(&str) -> Option<&'static Function>,
    profile: Profile,
    session: Session,
    /// The file at work, and how often it asked for entropy: what it gets depends on no other file.
    file: Arc<str>,
    drawn: u64,
    budget: Budget,
    /// The file at work called a random or clock function.
    unstable: bool,
    pub trace: Trace,
}

impl Context {
    /// A rendering of these templates by the newest helm; `functions` finds what they may call.
    pub fn new(
        templates: Arc<Templates>,
        functions: fn(&str) -> Option<&'static Function>,
        session: Session,
        timeout: Duration,
        level: Level,
    ) -> Self {
        Self {
            templates,
            overlays: Vec::new(),
            included: HashMap::new(),
            parsed: HashMap::new(),
            documents: Documents::default(),
            functions,
            profile: Profile::FOUR,
            session,
            file: Arc::from(""),
            drawn: 0,
            budget: Budget::new(timeout),
            unstable: false,
            trace: Trace::new(level),
        }
    }

    // ---- for functions

    /// Asks before making something large, in bytes.
    ///
    /// # Errors
    /// It is too much.
    pub fn charge(&mut self, bytes: usize) -> Result<(), FnError> {
        self.budget.charge(bytes).map_err(FnError::Limit)
    }

    /// Counts work that no template node stands for: an element looked at, a round computed.
    ///
    /// # Errors
    /// It is too much, or it takes too long.
    pub fn work(&mut self) -> Result<(), FnError> {
        self.budget.step().map_err(FnError::Limit)
    }

    /// Shares the documents of earlier renderings.
    #[must_use]
    pub fn with_documents(mut self, documents: Documents) -> Self {
        self.documents = documents;
        self
    }

    /// As a version of helm renders.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// With one of so many shares of the memory that a rendering may take.
    #[must_use]
    pub fn with_share(mut self, of: usize) -> Self {
        self.budget.share(of);
        self
    }

    /// Whether the share was too little, where all of the memory might be enough.
    pub fn is_short(&self) -> bool {
        self.budget.is_short()
    }

    /// The version of helm that it is rendered as.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// A YAML document, perhaps from memory.
    pub fn yaml(&mut self, text: &Str) -> Arc<Result<Json, YamlError>> {
        let known = self.documents.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        known.unwrap_or_else(|| {
            let read = Arc::new(yaml::read(&lossy(text)));
            if text.len() <= DOCUMENT {
                let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
                if documents.len() >= DOCUMENTS {
                    documents.clear();
                }
                documents.insert(text.clone(), read.clone());
            }
            read
        })
    }

    /// Tells the trace that a key of a map was looked at.
    pub fn read(&mut self, map: &Value, key: &Str) {
        if let Value::Map(map) = map
            && self.trace.is_on()
        {
            self.trace.read(map.origin(), key, map.get(key).as_ref(), false);
        }
    }

    /// Tells the trace that the keys of a map, or the elements of a list, were looked at; what is taken out of those
    /// that are maps or lists themselves will be told.
    pub fn read_keys(&mut self, value: &Value) {
        match value {
            Value::Map(map) => self.trace.read_keys(map.origin()),
            Value::List(list) => self.trace.read_keys(list.origin()),
            _ => {}
        }
    }

    /// Tells the trace that everything below a value was looked at.
    pub fn read_whole(&mut self, value: &Value) {
        if self.trace.is_on() && matches!(value, Value::Map(_) | Value::List(_)) {
            self.read_below(value, NESTING, &mut HashSet::new());
        }
    }

    /// A map or list that a template made may hold some of the values; one that was changed may hold others, too.
    fn read_below(&mut self, value: &Value, depth: usize, seen: &mut HashSet<usize>) {
        let (origin, is_mixed, at) = match value {
            Value::Map(map) => (map.origin(), map.is_mixed(), map.address()),
            Value::List(list) => (list.origin(), false, Rc::as_ptr(list).cast::<u8>() as usize),
            _ => return,
        };
        self.trace.read_whole(origin);
        if in_values(origin).is_some() && !is_mixed {
            return;
        }
        let Some(depth) = depth.checked_sub(1) else {
            // Too deep to look: nothing can be said about what depends on what.
            self.trace.changed = true;
            return;
        };
        if seen.insert(at) {
            match value {
                Value::Map(map) => {
                    map.values().iter().for_each(|value| self.read_below(value, depth, seen));
                }
                Value::List(list) => list.iter().for_each(|value| self.read_below(value, depth, seen)),
                _ => {}
            }
        }
    }

    /// Tells the trace that a map was changed in place.
    pub fn changed(&mut self, map: &Value) {
        if let Value::Map(map) = map {
            map.mix();
            self.trace.changed |= is_shared(map.origin());
        }
    }

    /// The time, the same during a session; what calls it is marked as unstable.
    pub fn now(&mut self) -> Timestamp {
        self.unstable = true;
        self.trace.unstable();
        self.session.now
    }

    /// Bytes that look random and are the same for the same call of the same session; what calls it is marked as
    /// unstable.
    pub fn entropy(&mut self, count: usize) -> Vec<u8> {
        self.unstable = true;
        self.trace.unstable();
        self.drawn += 1;
        let mut bytes = Vec::with_capacity(count);
        let mut block = 0_u64;
        while bytes.len() < count {
            let mut hash = Sha256::new();
            hash.update(self.session.seed);
            hash.update(self.file.as_bytes());
            hash.update(self.drawn.to_le_bytes());
            hash.update(block.to_le_bytes());
            bytes.extend_from_slice(&hash.finalize());
            block += 1;
        }
        bytes.truncate(count);
        bytes
    }

    // ---- for the engine

    /// A file begins; gives what it will have used to [`Context::end_file`].
    pub fn begin_file(&mut self, name: &Arc<str>) -> Used {
        self.file = name.clone();
        self.drawn = 0;
        self.unstable = false;
        self.budget.since(Used::default())
    }

    /// What the file used that began with this, and whether it called a random or clock function.
    pub fn end_file(&self, begun: Used) -> (Used, bool) {
        (self.budget.since(begun), self.unstable)
    }

    /// Counts a file that need not run again.
    ///
    /// # Errors
    /// It is too much for one of the limits.
    pub fn skip_file(&mut self, used: Used) -> Result<(), Fault> {
        self.budget.again(used).map_err(|fault| *fault)
    }

    /// What `make` made for this name earlier in the session, else now.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn kept(
        &mut self,
        name: [u8; 32],
        make: impl FnOnce(&mut Self) -> Result<Str, FnError>,
    ) -> Result<Str, FnError> {
        let kept = self.session.kept.0.clone();
        if let Some(known) = kept.lock().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return Ok(Str::from(&**known));
        }
        let made = make(self)?;
        // Another thread may have made the same meanwhile: the first one counts.
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Str::from(&**kept.entry(name).or_insert_with(|| Arc::from(&*made))))
    }

    /// For work that takes long between two calls of [`Context::work`].
    ///
    /// # Errors
    /// The time is up.
    pub fn in_time(&self) -> Result<(), FnError> {
        self.budget.in_time().map_err(FnError::Limit)
    }

    // ---- for the evaluator

    pub(super) fn step(&mut self) -> eval::Ran<()> {
        self.budget.step()
    }

    pub(super) fn written(&mut self, bytes: usize) -> eval::Ran<()> {
        self.budget.written(bytes)
    }

    pub(super) fn enter(&mut self) -> eval::Ran<()> {
        self.budget.enter()
    }

    pub(super) fn leave(&mut self) {
        self.budget.leave();
    }

    /// The template of a name, as seen from where we are.
    pub(super) fn find(&self, name: &[u8]) -> Option<Arc<Tree>> {
        let over = self.overlays.iter().rev().find_map(|overlay| overlay.get(name));
        over.or_else(|| self.templates.get(name)).cloned()
    }

    /// Runs a named template: Go's `ExecuteTemplate`.
    ///
    /// # Errors
    /// There is no such template, or it failed.
    pub fn run(&mut self, name: &[u8], dot: Value) -> Result<Str, Fault> {
        let Some(tree) = self.find(name) else {
            let name = super::quote::quoted(name);
            return Err(Fault::other(format!(
                "template: no template {name} associated with template \"gotpl\""
            )));
        };
        self.run_tree(&tree, dot)
    }

    fn run_tree(&mut self, tree: &Tree, dot: Value) -> Result<Str, Fault> {
        let mut out = Vec::new();
        let outer = self.trace.enter(&tree.name);
        let ran = eval::execute(self, tree, dot, &mut out);
        let out = Str::from(out);
        self.trace.leave(outer, &out);
        ran.map_err(|fault| *fault)?;
        Ok(out)
    }

    /// Helm's `include`.
    pub(super) fn include(&mut self, name: &Str, dot: Value) -> Result<Str, FnError> {
        /// Helm's `recursionMaxNums`.
        const RECURSION: usize = 1000;
        let count = self.included.entry(name.clone()).or_insert(0);
        if *count > RECURSION {
            return Err(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )
            .into());
        }
        *count += 1;
        let ran = self.run(name, dot);
        if let Some(count) = self.included.get_mut(name) {
            *count -= 1;
        }
        ran.map_err(FnError::from)
    }

    fn parse(&self, name: &str, text: &Str) -> Parsed {
        let find = |name: &str| (self.functions)(name).filter(|_| self.profile.has_function(name));
        parser::parse(name, text.into(), &find).map(Arc::from)
    }

    /// Helm's `tpl`: the text sees all templates; what it defines is seen inside only.
    pub(super) fn tpl(&mut self, text: &Str, dot: Value) -> Result<Str, FnError> {
        if memchr::memmem::find(text, b"{{").is_none() {
            return Ok(without_no_value(text.clone()));
        }
        if self.profile.tpl_is_apart() {
            return self.tpl_apart(text, &dot);
        }
        let parsed = if let Some(parsed) = self.parsed.get(text) {
            parsed.clone()
        } else {
            let parsed = self.parse("gotpl", text);
            self.parsed.insert(text.clone(), parsed.clone());
            parsed
        };
        let quoted = || super::quote::quoted(text);
        let trees = parsed.map_err(|words| {
            FnError::Nested(format!("cannot parse template {}: ", quoted()), Box::new(Fault::other(words)))
        })?;
        let Some(main) = trees.last().cloned() else { return Ok(Str::default()) };
        let mut overlay = Templates::default();
        for tree in &*trees {
            // An empty definition replaces nothing that is already there.
            let name = tree.name.as_bytes();
            if !(tree.is_empty() && self.find(name).is_some()) {
                overlay.add(std::slice::from_ref(tree));
            }
        }
        self.overlays.push(overlay);
        let ran = self.run_tree(&main, dot);
        self.overlays.pop();
        match ran {
            Ok(out) => Ok(without_no_value(out)),
            Err(fault) if fault.is_limit() => Err(FnError::Limit(Box::new(fault))),
            Err(fault) => Err(FnError::Nested(
                format!("error during tpl function execution for {}: ", quoted()),
                Box::new(fault),
            )),
        }
    }
}

/// Helm deletes what Go prints for a missing value from each file and each `tpl`.
pub(crate) fn without_no_value(text: Str) -> Str {
    const NO_VALUE: &[u8] = b"<no value>";
    if memchr::memmem::find(&text, NO_VALUE).is_none() {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest: &[u8] = &text;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(NO_VALUE) {
            rest = after;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    Str::from(out)
}
