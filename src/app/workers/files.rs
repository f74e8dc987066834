//! The workspace on disk: reading it, writing one file, noticing that somebody else changed it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use crate::base::atomic::{self, SaveError};
use crate::base::hash::Hash;
use crate::base::redact::Redactor;
use crate::base::{Context as _, Error, Problem, Result};
use crate::session::{GenerateRequest, GeneratedValues, Loaded, Message, SaveFailure, Setting};
use crate::workspace::{self, Workspace, generated};

use super::{Shared, ticked};

/// How often the workspace's files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Reads the workspace with every text that can be edited.
pub(super) async fn load(shared: Shared, generation: u64, known: Vec<PathBuf>) {
    let root = shared.given.root.clone();
    let read = tokio::task::spawn_blocking(move || read(&root, &known)).await;
    let result = read.unwrap_or_else(|error| Err(Error::new("reading the workspace failed").because(error)));
    if let Ok(loaded) = &result {
        *shared.redactor.lock().unwrap_or_else(PoisonError::into_inner) = loaded.redactor.clone();
        let charts = loaded.workspace.charts.iter().filter_map(|chart| chart.generate.as_ref());
        let sources = charts.flat_map(|from| from.files.iter().map(Path::to_owned)).collect();
        *shared.sources.lock().unwrap_or_else(PoisonError::into_inner) = sources;
    }
    shared.answer(Message::Workspace { generation, result }).await;
}

pub(in crate::app) fn read(root: &Path, known: &[PathBuf]) -> Result<Loaded> {
    let workspace = workspace::discover(root)?;
    let mut problems: Vec<Problem> = workspace.problems.clone();
    for (folder, error) in &workspace.broken {
        problems
            .push(Problem::error(error.what.clone()).at(workspace.shown(&folder.join("Chart.yaml")), None));
    }
    let mut texts: Vec<(PathBuf, Arc<str>, Hash)> = Vec::new();
    for found in &workspace.charts {
        problems.extend(found.problems.iter().chain(&found.chart.problems).cloned());
        let own = found.dir.join("values.yaml");
        let of_environments =
            found.environments.iter().flat_map(|environment| environment.values_files.iter().cloned());
        for path in std::iter::once(own).chain(of_environments) {
            if texts.iter().any(|(known, _, _)| *known == path) || !path.exists() {
                continue;
            }
            match atomic::read(&path) {
                Ok(file) => texts.push((path, file.text, file.hash)),
                Err(error) => {
                    let shown = workspace.shown(&path);
                    problems.push(Problem::error(error.what.clone()).at(shown, None));
                }
            }
        }
    }
    let redactor = Arc::new(redactor_of(&workspace, &texts));
    // A file that no chart names any more is still a file.
    let gone = known.iter().filter(|path| !path.exists()).cloned().collect();
    Ok(Loaded { workspace: Arc::new(workspace), redactor, texts, gone, problems })
}

/// Hides what schemas mark as secret, and the secret strings of the values wherever they turn up.
fn redactor_of(workspace: &Workspace, texts: &[(PathBuf, Arc<str>, Hash)]) -> Redactor {
    let declared = workspace.charts.iter().flat_map(|chart| chart.schema.secret_paths());
    let redactor = Redactor::new().with_paths(declared);
    texts
        .iter()
        .filter_map(|(_, text, _)| crate::yaml::read(text).ok())
        .fold(redactor, |redactor, values| redactor.learn(&values))
}

/// Makes the values of a chart that come from compiled artifacts.
pub(super) async fn generate(shared: Shared, request: GenerateRequest) {
    let apply = request.apply;
    let made = tokio::task::spawn_blocking(move || {
        let GenerateRequest { chart, workspace, texts, generation, .. } = request;
        let text = |file: &Path| texts.iter().find(|(path, _)| path == file).map(|(_, text)| text.clone());
        let found = workspace.charts.iter().find(|own| own.dir == chart);
        let all = found.and_then(|own| Some(generated::make(&workspace, own, own.generate.as_ref()?, &text)));
        GeneratedValues { chart, generation, all: all.unwrap_or_default() }
    })
    .await;
    match made {
        Ok(values) => shared.answer(Message::Generated { values: Arc::new(values), apply }).await,
        Err(error) => shared.answer(Message::Failed(Error::new("generating failed").because(error))).await,
    }
}

/// Writes one file if the disk still holds what was read.
pub(super) async fn save(shared: Shared, path: PathBuf, text: Arc<str>, expect: Option<Hash>) {
    let (to, bytes) = (path.clone(), text.clone());
    let written = tokio::task::spawn_blocking(move || {
        if expect.is_some() {
            return atomic::write(&to, bytes.as_bytes(), expect);
        }
        // What is generated may be the first in its folder.
        if let Some(folder) = to.parent() {
            let made = std::fs::create_dir_all(folder).context_at("cannot make the folder", folder.display());
            made.map_err(SaveError::Io)?;
        }
        atomic::create(&to, bytes.as_bytes())
    })
    .await;
    let result = match written {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(SaveError::ChangedOnDisk { path, found })) => {
            let theirs = atomic::read(&path).map(|file| file.text).unwrap_or_default();
            Err(SaveFailure::ChangedOnDisk { text: theirs, hash: found })
        }
        Ok(Err(SaveError::Io(error))) => Err(SaveFailure::Failed(error)),
        Err(error) => Err(SaveFailure::Failed(Error::new("saving failed").because(error))),
    };
    shared.answer(Message::Saved { path, text, result }).await;
}

/// Keeps a setting for the next start, in the user's configuration, everything else in it untouched.
pub(super) async fn remember(shared: Shared, setting: Setting) {
    let path = shared.config_file.to_path_buf();
    let state = shared.folders.state.clone();
    let written = tokio::task::spawn_blocking(move || {
        if let Setting::Ticked(contexts) = &setting {
            return ticked::write(&state, contexts);
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let expect = (!text.is_empty()).then(|| Hash::of(text.as_bytes()));
        let edited = match setting {
            Setting::Theme(theme) => workspace::user::with_theme(&text, &theme),
            Setting::Context { cluster, context } => workspace::user::with_cluster(&text, &cluster, &context),
            Setting::Ticked(_) => return Ok(()),
        }?;
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| {
                Error::new("cannot make the folder").at(parent.display().to_string()).because(error)
            })?;
        }
        let saved = match expect {
            Some(_) => atomic::write(&path, edited.as_bytes(), expect),
            None => atomic::create(&path, edited.as_bytes()),
        };
        saved.map(|_| ()).map_err(Error::from)
    })
    .await;
    let result = written.unwrap_or_else(|error| Err(Error::new("the setting was not kept").because(error)));
    if let Err(error) = result {
        shared.answer(Message::Failed(error)).await;
    }
}

/// Says when a file of the workspace changed. Looking at times and sizes needs no help of the operating system and
/// works on network folders.
pub(super) async fn watch(shared: Shared, token: CancellationToken) {
    let mut before = stamps(&shared).await;
    loop {
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let now = stamps(&shared).await;
        if now != before {
            before = now;
            shared.answer(Message::FilesChanged).await;
        }
    }
}

type Stamps = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

async fn stamps(shared: &Shared) -> Stamps {
    let root = shared.given.root.clone();
    let sources = shared.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
    tokio::task::spawn_blocking(move || {
        let mut found = Stamps::new();
        for path in sources {
            let meta = std::fs::metadata(&path).ok();
            let stamp = meta.map(|meta| (meta.modified().ok(), meta.len())).unwrap_or_default();
            found.insert(path, stamp);
        }
        let mut pending = vec![(root, 0)];
        while let Some((folder, depth)) = pending.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                let hidden = entry.file_name().to_string_lossy().starts_with('.');
                let Ok(meta) = entry.metadata() else { continue };
                if meta.is_dir()
                    && !hidden
                    && depth < 6
                    && found.len() < 20_000
                    && entry.file_name() != "target"
                {
                    pending.push((path, depth + 1));
                } else if meta.is_file() {
                    found.insert(path, (meta.modified().ok(), meta.len()));
                }
            }
        }
        found
    })
    .await
    .unwrap_or_default()
}
