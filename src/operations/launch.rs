//! From a confirmed plan to a running supervisor: everything that the plan stood on is looked at once more, and only
//! if nothing moved is anything started.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::plan::{LastRevision, Plan, Planner};
use super::spec::OperationId;
use super::store::Store;
use crate::base::folders::Folders;
use crate::base::{Context as _, Error, Hash, Result, atomic, starts};
use crate::cluster::identity::Likeness;
use crate::cluster::releases::Driver;
use crate::cluster::{Connection, Identity, Pinned, Pins};
use crate::helm::ReleaseRef;

/// The hidden subcommand that makes our binary a supervisor.
pub const SUBCOMMAND: &str = "__supervise";

/// How long a supervisor may take to hold the release.
const START: Duration = Duration::from_secs(10);

impl Planner {
    /// Starts a confirmed plan in a supervisor of its own. Errors: it is blocked, something moved on since it was
    /// made (then nothing was started), or another operation holds the release.
    pub async fn launch(&self, plan: &Plan) -> Result<OperationId> {
        if self.read_only {
            return Err(
                Error::new("floe-tui was started with --read-only").next("start it without --read-only")
            );
        }
        if let Some(check) = plan.blockers().next() {
            let mut error = Error::new(format!("this plan may not run: {}", check.title));
            error.cause.clone_from(&check.detail);
            error.next.clone_from(&check.next);
            return Err(error);
        }
        self.verify(plan).await?;
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let program = std::env::current_exe().context("cannot find our own program")?;
        let store = Store::new(&self.folders);
        store.prune();
        start(&program, &store, plan, folder).await
    }

    /// Whether everything is still as the plan saw it.
    async fn verify(&self, plan: &Plan) -> Result<()> {
        let moved = |what: String| {
            Err(Error::new(what)
                .at(plan.request.target_words())
                .next("plan again, look at it, and confirm anew"))
        };
        for (path, hash) in &plan.files {
            let now = atomic::read_bytes(path, atomic::MAX_TEXT).ok().map(Hash::of);
            if now != *hash {
                return moved(format!(
                    "nothing was started: {} changed since the plan was made",
                    path.display()
                ));
            }
        }
        let release = &plan.request.release;
        let connection = Connection::open(&self.kubeconfig, &release.context).await?;
        if let Some(why) = elsewhere(&self.folders, &connection, release, plan.identity.as_ref()).await? {
            return moved(format!("nothing was started: {why}"));
        }
        if let Ok(driver) = Driver::from_env() {
            let history = connection.history(driver, &release.namespace, &release.release).await?;
            let last = history.first().map(LastRevision::from);
            if last != plan.last {
                let words = |last: &Option<LastRevision>| match last {
                    Some(last) => format!("revision {} ({})", last.revision, last.status),
                    None => "no revision".to_owned(),
                };
                return moved(format!(
                    "nothing was started: the release moved on, from {} to {}",
                    words(&plan.last),
                    words(&last)
                ));
            }
        }
        Ok(())
    }
}

/// Why a context does not lead to the cluster any more that a plan was made for, if it does not.
pub(super) async fn elsewhere(
    folders: &Folders,
    connection: &Connection,
    release: &ReleaseRef,
    planned: Option<&Identity>,
) -> Result<Option<String>> {
    let found = connection.identity(Some(&release.namespace)).await?;
    if planned.is_some_and(|planned| planned.compare(&found) == Likeness::Different) {
        return Ok(Some(format!("{} leads to another cluster now", release.context)));
    }
    let pinned = Pins::load(&folders.state)?.check(&release.context, &found);
    let mismatch = matches!(pinned, Pinned::Mismatch { .. });
    Ok(mismatch.then(|| format!("{} is pinned to another cluster", release.context)))
}

/// Writes the operation down and starts its supervisor; returns when that holds the release.
async fn start(program: &Path, store: &Store, plan: &Plan, folder: PathBuf) -> Result<OperationId> {
    let spec = plan.spec(folder);
    let place = store.create(&spec)?;
    let mut command = Command::new(program);
    command.arg(SUBCOMMAND).arg(&place).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child =
        starts::start(|| command.spawn()).context_at("cannot start the supervisor", program.display())?;
    let (ended, mut end) = tokio::sync::oneshot::channel();
    // Somebody has to reap it if it ends before we do.
    std::thread::spawn(move || {
        let _ = ended.send(child.wait());
    });
    let journal = place.join("journal.jsonl");
    let deadline = tokio::time::Instant::now() + START;
    loop {
        if std::fs::metadata(&journal).is_ok_and(|found| found.len() > 0) {
            return Ok(spec.id);
        }
        if let Some(error) = refusal(&place) {
            return Err(error.at(spec.title()));
        }
        if end.try_recv().is_ok() && !journal.exists() {
            return Err(refusal(&place)
                .unwrap_or_else(|| Error::new("the supervisor ended at once"))
                .at(spec.title()));
        }
        if tokio::time::Instant::now() > deadline {
            return Err(Error::new("the supervisor did not start in time")
                .at(spec.title())
                .next("look at the operation in Run before trying again: it may still start"));
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

fn refusal(place: &Path) -> Option<Error> {
    let value: serde_json::Value =
        serde_json::from_slice(&std::fs::read(place.join("refused")).ok()?).ok()?;
    let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
    let mut error = Error::new(text("what")?);
    error.cause = text("cause");
    error.next = text("next");
    Some(error)
}
