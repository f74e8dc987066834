//! Where operations are kept: a folder each under the state folder, private to its owner.
//!
//! | file | written by | what |
//! |---|---|---|
//! | `operation.json` | whoever launches, once | the confirmed plan |
//! | `journal.jsonl` | the supervisor | what happened |
//! | `exit.json` | the supervisor, atomically, at the end | how it ended |
//! | `alive.lock` | held by the supervisor while it lives | |
//! | `refused` | the supervisor that may not start | why |
//! | `interrupt`, `kill` | whoever asks for it | |
//! | `seen` | whoever showed the result | |

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::journal::Reader;
use super::process;
use super::spec::{OperationId, OperationSpec};
use super::view::OperationView;
use crate::base::folders::Folders;
use crate::base::lock::Lock;
use crate::base::{Context as _, Error, Hash, Result, atomic};

/// Finished operations kept; older ones are removed when a new one is launched.
const KEPT: usize = 200;

/// How long a launched supervisor may take to write its first entry before the operation counts as never started.
const START: Duration = Duration::from_secs(15);

/// The largest `operation.json` that is read.
const SPEC_LIMIT: u64 = 16 * 1024 * 1024;

/// How often a tail looks at the journal. Between processes a look at a file's length is cheaper than a watch.
const POLL: Duration = Duration::from_millis(80);

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    pub at: Timestamp,
    pub code: Option<i32>,
    pub signal: Option<i32>,
}

/// All operations of this user.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Under the state folder.
    pub fn new(folders: &Folders) -> Self {
        Self::at(folders.state.join("operations"))
    }

    /// In this folder.
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder of an operation.
    pub fn folder(&self, id: &OperationId) -> PathBuf {
        self.root.join(id.as_str())
    }

    /// The lock of a release: one for all contexts and users' names of the same cluster.
    pub fn release_lock(&self, cluster_key: &str, namespace: &str, release: &str) -> PathBuf {
        let name = Hash::of(format!("{cluster_key}\n{namespace}\n{release}")).hex();
        self.root.join("locks").join(format!("{}.lock", &name[..24]))
    }

    /// Writes down a new operation.
    pub fn create(&self, spec: &OperationSpec) -> Result<PathBuf> {
        Folders::ensure(&self.root)?;
        Folders::ensure(&self.root.join("locks"))?;
        let folder = self.folder(&spec.id);
        Folders::ensure(&folder)?;
        let json = serde_json::to_vec_pretty(spec).context("cannot write the operation down")?;
        atomic::write_private(&folder.join("operation.json"), &json)?;
        Ok(folder)
    }

    /// An operation as it stands now.
    pub fn load(&self, id: &OperationId) -> Result<OperationView> {
        Ok(Tail::open(self, id)?.view)
    }

    /// Every operation, newest first, and what could not be read.
    pub fn list(&self) -> (Vec<OperationView>, Vec<Error>) {
        let mut views = Vec::new();
        let mut errors = Vec::new();
        for id in self.ids() {
            match self.load(&id) {
                Ok(view) => views.push(view),
                Err(error) => errors.push(error),
            }
        }
        (views, errors)
    }

    /// The operation that is at work on a release, if one is.
    pub fn running_on(&self, cluster_key: &str, namespace: &str, release: &str) -> Option<OperationView> {
        self.ids().into_iter().filter_map(|id| self.load(&id).ok()).find(|view| {
            view.is_running()
                && view.spec.cluster_key == cluster_key
                && view.spec.release.namespace == namespace
                && view.spec.release.release == release
        })
    }

    /// Follows an operation from its beginning.
    pub fn tail(&self, id: &OperationId) -> Result<Tail> {
        Tail::open(self, id)
    }

    /// Notes that its result was looked at.
    pub fn mark_seen(&self, id: &OperationId) -> Result<()> {
        atomic::write_private(&self.folder(id).join("seen"), b"")?;
        Ok(())
    }

    /// Asks helm to stop, as Ctrl-C would. Error: nothing runs there any more.
    pub fn interrupt(&self, id: &OperationId) -> Result<()> {
        self.ask(id, "interrupt", Signal::INT)
    }

    /// Has helm and everything it started killed at once.
    pub fn kill(&self, id: &OperationId) -> Result<()> {
        self.ask(id, "kill", Signal::KILL)
    }

    fn ask(&self, id: &OperationId, what: &str, signal: Signal) -> Result<()> {
        let view = self.load(id)?;
        if !view.is_running() {
            return Err(Error::new("there is nothing to stop: the operation is over").at(view.spec.title()));
        }
        let folder = self.folder(id);
        if Lock::is_held(&folder.join("alive.lock")) {
            // The supervisor does it, so that it is in the journal and no further step starts.
            atomic::write_private(&folder.join(what), b"")?;
            return Ok(());
        }
        let sent = view.helm().is_some_and(|(pid, start)| process::signal(pid, start, signal));
        if sent { Ok(()) } else { Err(Error::new("helm is not there any more").at(view.spec.title())) }
    }

    /// Removes the oldest finished operations beyond the newest 200.
    pub fn prune(&self) {
        for id in self.ids().into_iter().skip(KEPT) {
            if self.load(&id).is_ok_and(|view| !view.is_running()) {
                let _ = fs::remove_dir_all(self.folder(&id));
            }
        }
    }

    /// Newest first.
    fn ids(&self) -> Vec<OperationId> {
        let Ok(entries) = fs::read_dir(&self.root) else { return Vec::new() };
        let mut ids: Vec<OperationId> = entries
            .filter_map(|entry| OperationId::parse(&entry.ok()?.file_name().to_string_lossy()))
            .filter(|id| self.folder(id).join("operation.json").exists())
            .collect();
        ids.sort_by(|a, b| b.cmp(a));
        ids
    }
}

/// Reads the confirmed plan of an operation's folder.
pub fn read_spec(folder: &Path) -> Result<OperationSpec> {
    let path = folder.join("operation.json");
    let bytes = atomic::read_bytes(&path, SPEC_LIMIT)?;
    serde_json::from_slice(&bytes).context_at("cannot read an operation", path.display())
}

/// Follows one operation.
#[derive(Debug)]
pub struct Tail {
    folder: PathBuf,
    reader: Reader,
    view: OperationView,
    /// Looks since the supervisor was last looked for.
    looks: u32,
}

impl Tail {
    fn open(store: &Store, id: &OperationId) -> Result<Self> {
        let folder = store.folder(id);
        let spec = read_spec(&folder)?;
        let mut view = OperationView::new(spec);
        view.seen = folder.join("seen").exists();
        let mut tail = Self { reader: Reader::new(folder.join("journal.jsonl")), folder, view, looks: 0 };
        tail.look(true)?;
        Ok(tail)
    }

    /// As it stood at the last look.
    pub fn view(&self) -> &OperationView {
        &self.view
    }

    /// Waits until the journal tells something new; `None` once the operation is over and all was told.
    pub async fn changed(&mut self) -> Result<Option<Arc<OperationView>>> {
        loop {
            if self.view.state.is_over() {
                return Ok(None);
            }
            tokio::time::sleep(POLL).await;
            self.looks += 1;
            // Whether somebody lives costs more than a look at the journal: about once a second.
            let alive = self.looks.is_multiple_of(12);
            if self.look(alive)? {
                return Ok(Some(Arc::new(self.view.clone())));
            }
        }
    }

    /// Reads what is new. With `alive` it is also looked for somebody who still works on it.
    fn look(&mut self, alive: bool) -> Result<bool> {
        // Asked before reading: whoever is gone now has written everything by the time we read.
        let gone = alive && !self.is_attended();
        let entries = self.reader.read()?;
        let mut changed = !entries.is_empty();
        for entry in entries {
            self.view.take(entry);
        }
        if self.view.is_running()
            && (gone || changed)
            && let Some(exit) = read_exit(&self.folder)
        {
            self.view.end(exit.at, exit.code, exit.signal);
            changed = true;
        }
        if gone && self.view.is_running() && !self.is_helm_alive() && !self.is_starting() {
            self.view.abandon();
            changed = true;
        }
        Ok(changed)
    }

    fn is_attended(&self) -> bool {
        Lock::is_held(&self.folder.join("alive.lock"))
    }

    /// A helm that lost its supervisor still works on the release.
    fn is_helm_alive(&self) -> bool {
        self.view.helm().is_some_and(|(pid, start)| process::is_alive(pid, start))
    }

    fn is_starting(&self) -> bool {
        let age = Timestamp::now().duration_since(self.view.spec.created);
        self.view.started.is_none()
            && !self.folder.join("refused").exists()
            && Duration::try_from(age).is_ok_and(|age| age < START)
    }
}

fn read_exit(folder: &Path) -> Option<Exit> {
    serde_json::from_slice(&fs::read(folder.join("exit.json")).ok()?).ok()
}
