//! What the world answers, put where it belongs in the session.

use super::files::{ask_conflict, ask_recover};
use crate::app::model::Model;
use crate::base::Error;
use crate::session::{Effect, Judged, Message, RoomId, SaveFailure, Session};

impl Model {
    /// Puts an answer where it belongs in the session.
    pub(super) fn take(&mut self, message: &Message) -> Vec<Effect> {
        let session = &mut self.session;
        let now = session.now;
        match message {
            Message::Workspace { generation, .. } if session.is_stale(*generation) => {
                return vec![session.reload()];
            }
            Message::Workspace { result, .. } => return self.take_workspace(result),
            Message::Helm(result) => {
                if let Err(error) = result {
                    session.fail(error);
                }
                session.helm.take(now, result.clone());
                session.invalidate_environments();
            }
            Message::Contexts(result) => {
                session.contexts.take(now, result.clone());
                session.invalidate_environments();
                let effects = session.refresh_environments();
                return effects.into_iter().chain(check_clusters(session)).collect();
            }
            Message::Saved { path, text, result } => {
                session.disk_moves();
                match result {
                    Ok(hash) => {
                        session.documents.saved(path, text.clone(), *hash);
                        let name =
                            path.strip_prefix(&session.given.root).unwrap_or(path).display().to_string();
                        session.say(format!("saved {name}"));
                    }
                    // Somebody wrote the very same text; most often we did, a key press earlier.
                    Err(SaveFailure::ChangedOnDisk { text: theirs, hash: Some(hash) }) if theirs == text => {
                        session.documents.saved(path, text.clone(), *hash);
                    }
                    Err(SaveFailure::ChangedOnDisk { text: theirs, hash }) => {
                        session.documents.conflicts(path, theirs.clone(), *hash);
                        ask_conflict(session, path);
                    }
                    Err(SaveFailure::Failed(error)) => session.fail(error),
                }
            }
            Message::Preview { target, generation, result, verdict } => {
                session.take_preview(target, *generation, result.clone(), verdict);
            }
            Message::Verdict { of: Judged::Preview(target), generation, verdict } => {
                session.take_verdict(target, *generation, verdict);
            }
            Message::Traced(traced) => session.traced = Some(traced.clone()),
            Message::Generated { values, apply } => {
                session.take_generated(values.clone());
                if *apply && values.generation != session.documents.generation() {
                    // Somebody typed meanwhile: what is taken over is made from what stands there.
                    return session.generate().into_iter().collect();
                }
                if *apply {
                    session.apply_generated();
                }
            }
            Message::DependenciesBuilt { result, .. } => {
                match result {
                    Ok(said) => session.say(said.clone()),
                    Err(error) => session.fail(error),
                }
                return vec![session.reload()];
            }
            Message::Cluster { cluster, context, result } => session.take_cluster(cluster, context, result),
            Message::Releases { context, snapshot } => {
                session.world.releases.insert(context.clone(), snapshot.clone());
            }
            Message::Objects { release, snapshot } => {
                session.world.objects.insert(release.clone(), snapshot.clone());
            }
            Message::Record { release, revision, result } => {
                let fetched = match result {
                    Ok(record) => crate::session::Fetched::Ready { value: record.clone(), at: now },
                    Err(error) => crate::session::Fetched::Failed { error: error.clone(), at: now },
                };
                session.world.records.insert((release.clone(), *revision), fetched);
            }
            Message::Operations(all) => {
                session.world.operations = all.iter().map(|view| (view.id(), view.clone())).collect();
                let news: Vec<String> =
                    all.iter().filter(|view| !view.is_running() && !view.seen).map(|v| headline(v)).collect();
                for line in news {
                    session.warn(format!("meanwhile: {line} (6 shows it)"));
                }
            }
            Message::Operation(view) => {
                session.world.operations.insert(view.id(), view.clone());
            }
            Message::JobDone(Ok(done)) => session.say(done.words.clone()),
            Message::Launched(Err(error)) | Message::JobDone(Err(error)) | Message::Failed(error) => {
                session.fail(error);
            }
            Message::LogStarted { log } => session.world.log_started(log),
            Message::LogLines { log, lines, dropped } => {
                session.world.log_lines(log.clone(), lines.clone(), *dropped);
            }
            Message::LogEnded { log, error } => session.world.log_ended(log, error.clone()),
            Message::Unsaved { aside, edits } => return ask_recover(session, aside, edits),
            Message::FilesChanged => return vec![session.reload()],
            Message::Said(text) => session.say(text.clone()),
            Message::Launched(Ok(_))
            | Message::Compared { .. }
            | Message::Verdict { .. }
            | Message::Explained { .. }
            | Message::Template { .. }
            | Message::Planned { .. }
            | Message::JobPlanned { .. } => {}
        }
        Vec::new()
    }

    pub(super) fn take_workspace(&mut self, result: &Result<crate::session::Loaded, Error>) -> Vec<Effect> {
        let session = &mut self.session;
        let loaded = match result {
            Ok(loaded) => loaded,
            Err(error) => {
                session.workspace.take(session.now, Err(error.clone()));
                session.fail(error);
                return Vec::new();
            }
        };
        let first = session.workspace.ready().is_none();
        for (path, text, hash) in &loaded.texts {
            let before = session.documents.get(path).and_then(|document| document.theirs.clone());
            session.documents.loaded(path, text.clone(), Some(*hash));
            let theirs = session.documents.get(path).and_then(|document| document.theirs.clone());
            if theirs.is_some() && theirs != before {
                let name = path.strip_prefix(&session.given.root).unwrap_or(path).display();
                let words =
                    format!("{name} changed on disk while it is edited here: saving asks which to keep");
                session.notices.warn(session.now, words);
            }
        }
        for path in &loaded.gone {
            let Some(dirty) = session.documents.gone(path) else { continue };
            let name = path.strip_prefix(&session.given.root).unwrap_or(path).display();
            let words = if dirty {
                format!("{name} was deleted on disk: the edits here are kept, saving makes it anew")
            } else {
                format!("{name} was deleted on disk: its values are gone (undo there brings the text back)")
            };
            session.notices.warn(session.now, words);
        }
        session.problems.clone_from(&loaded.problems);
        session.redactor = loaded.redactor.clone();
        session.workspace.take(session.now, Ok(loaded.workspace.clone()));
        session.invalidate_environments();
        let charts = &loaded.workspace.charts;
        let selected = session.selection.mapped.as_ref().map(|mapped| mapped.chart.clone());
        if !charts.iter().any(|chart| Some(&chart.dir) == selected.as_ref()) {
            // The chart that maps environments is what people come for.
            let best = charts.iter().find(|chart| chart.mapping.is_some()).or_else(|| charts.first());
            match best.map(|chart| chart.dir.clone()) {
                Some(dir) => session.select_chart(&dir),
                None => session.selection.mapped = None,
            }
        }
        let mut effects = session.refresh_environments();
        effects.extend(check_clusters(session));
        if first {
            effects.push(Effect::LoadUnsaved);
        }
        if first && charts.is_empty() {
            effects.extend(self.enter(RoomId::Releases));
        } else if first {
            effects.extend(self.enter(self.session.room));
        }
        effects
    }
}

/// Asks every cluster that the workspace maps who it is; those only.
pub(super) fn check_clusters(session: &mut Session) -> Vec<Effect> {
    let mut effects = Vec::new();
    for view in &session.environments {
        let Ok(target) = &view.target else { continue };
        let Some(context) = target.context.clone() else { continue };
        let known = session.world.clusters.get(&target.cluster).is_some_and(|c| c.context == context);
        if known {
            continue;
        }
        let answer = crate::session::Fetched::Awaited { since: session.now };
        session
            .world
            .clusters
            .insert(target.cluster.clone(), crate::session::ClusterView { context: context.clone(), answer });
        effects.push(Effect::CheckCluster {
            cluster: target.cluster.clone(),
            context,
            namespace: Some(target.namespace.clone()),
        });
    }
    effects
}

/// One line about an operation that ended while nobody looked.
fn headline(view: &crate::operations::OperationView) -> String {
    format!("{} {}", view.spec.title(), view.state.word())
}
