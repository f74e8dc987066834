//! Changing a cell: the question, and the edit of the text that the answer means.

use super::grid::{self, Attribute, Line};
use super::{Clusters, Focus};
use crate::base::Error;
use crate::cluster::Pinned;
use crate::model::{ResourcePreset, ResourceRequirements};
use crate::session::{Answer, Ask, Choice, ClusterView, Effect, Fetched, Goto, Session, Then};
use crate::workspace::{ContextChoice, Isolation, MappingEdit, MappingOrigin, Preset, edit};

/// The room's only question of its own; what it is about is [`Pending`].
const ASK_CELL: u16 = 1;

/// What a question is about, by name: the text may move while it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pending {
    /// The mappings in the order of the choices; the last choice takes the environment out.
    Move {
        environment: String,
        mappings: Vec<String>,
    },
    Cluster {
        mapping: String,
    },
    Template {
        mapping: String,
    },
    Isolation {
        mapping: String,
    },
    Preset {
        mapping: String,
    },
    Resources {
        mapping: String,
        row: &'static str,
    },
}

impl Clusters {
    /// Enter on a cell.
    pub(super) fn edit_cell(&mut self, session: &mut Session) -> Vec<Effect> {
        let Some(grid) = self.grid.clone() else { return Vec::new() };
        if grid.clusters().is_empty() {
            let text = session.text(&grid.file).unwrap_or_default();
            session.goto = Some(Goto::Line { file: grid.file, line: text.lines().count().max(1) });
            return Vec::new();
        }
        let (Some(line), Some(cluster)) = (self.line().cloned(), grid.clusters().get(self.column)) else {
            return Vec::new();
        };
        let mapping = cluster.name.clone();
        let attribute = match line {
            Line::Environment(environment) => {
                self.ask_move(session, &environment.name);
                return Vec::new();
            }
            Line::Attribute(attribute) => attribute,
        };
        let (ask, pending) = match attribute {
            Attribute::Context => {
                self.ask_context(session);
                return Vec::new();
            }
            Attribute::Reachable => return self.check(session),
            Attribute::Identity => {
                self.ask_pin(session);
                return Vec::new();
            }
            Attribute::Cluster => {
                let title = format!("Cluster of {mapping}: the name that the team shares");
                (Ask::Line { title, text: cluster.cluster.clone() }, Pending::Cluster { mapping })
            }
            Attribute::Template => {
                let title = format!("Namespaces of {mapping}: a template that knows .environment");
                (Ask::Line { title, text: cluster.namespace_template.clone() }, Pending::Template { mapping })
            }
            Attribute::Isolation => {
                let choices = Isolation::ALL.iter().map(|isolation| {
                    let detail = match isolation {
                        Isolation::Namespace => "a namespace for each environment",
                        Isolation::Label => {
                            "labels within one namespace; release names carry the environment"
                        }
                    };
                    Choice::new(isolation.word()).detail(detail).current(*isolation == cluster.isolation)
                });
                let ask =
                    Ask::Choose { title: format!("Isolation of {mapping}"), choices: choices.collect() };
                (ask, Pending::Isolation { mapping })
            }
            Attribute::Resources(row) => {
                if cluster.preset() != Preset::Custom {
                    let preset = cluster.preset();
                    session.say(format!(
                        "the preset {preset} gives these: choose custom at preset to change them"
                    ));
                    return Vec::new();
                }
                let text = cluster.resources.resolve(row).map(|own| own.to_string()).unwrap_or_default();
                let title = format!("{row} of {mapping}: requests, then limits, as CPU/memory");
                (Ask::Line { title, text }, Pending::Resources { mapping, row })
            }
            Attribute::Preset => {
                let choices = Preset::ALL.iter().map(|preset| {
                    let detail = match ResourcePreset::row_of(*preset, "webserver") {
                        Some(row) => {
                            format!("webserver {} to {}, and the other components", row.requests, row.limits)
                        }
                        None => "numbers of its own for each component, from those it has now".to_owned(),
                    };
                    Choice::new(preset.word()).detail(detail).current(*preset == cluster.preset())
                });
                let ask = Ask::Choose { title: format!("Preset of {mapping}"), choices: choices.collect() };
                (ask, Pending::Preset { mapping })
            }
        };
        self.pending = Some(pending);
        session.ask(ask, Then::Room(ASK_CELL));
        Vec::new()
    }

    fn ask_move(&mut self, session: &mut Session, environment: &str) {
        let Some(grid) = &self.grid else { return };
        let mut choices: Vec<Choice> = grid
            .clusters()
            .iter()
            .map(|cluster| {
                let namespace = cluster.namespace(environment).unwrap_or_else(|why| why);
                Choice::new(&cluster.name)
                    .detail(format!("{} / {namespace}", cluster.cluster))
                    .current(cluster.environments.iter().any(|own| own == environment))
            })
            .collect();
        choices.push(Choice::new("none").detail("take it out of the mapping"));
        let mappings = grid.clusters().iter().map(|cluster| cluster.name.clone()).collect();
        self.pending = Some(Pending::Move { environment: environment.to_owned(), mappings });
        session
            .ask(Ask::Choose { title: format!("Where {environment} lives"), choices }, Then::Room(ASK_CELL));
    }

    fn ask_context(&mut self, session: &mut Session) {
        let Some(grid) = &self.grid else { return };
        let Some(cluster) = grid.clusters().get(self.column) else { return };
        let Some(contexts) = session.contexts.ready() else {
            let error = session.contexts.error().cloned();
            match error {
                Some(error) => session.fail(&error),
                None => session.say("the kubeconfig is still being read"),
            }
            return;
        };
        let target = grid.targets.get(self.column).and_then(Option::as_ref);
        let fitting = match target.map(|target| &target.choice) {
            Some(ContextChoice::Ask(fitting)) => fitting.clone(),
            _ => contexts.iter().map(|context| context.name.clone()).collect(),
        };
        let present = target.and_then(|target| target.context.clone());
        let choices: Vec<Choice> = fitting
            .iter()
            .map(|name| {
                let detail = contexts
                    .iter()
                    .find(|context| context.name == *name)
                    .map(|context| format!("{} as {}", context.server, context.user));
                Choice::new(name).detail(detail.unwrap_or_default()).current(present.as_ref() == Some(name))
            })
            .collect();
        if choices.is_empty() {
            session.warn("the kubeconfig has no contexts");
            return;
        }
        let title =
            format!("Which context is {} to you? It is remembered in your own config.toml", cluster.cluster);
        let then = Then::WhichContext { cluster: cluster.cluster.clone(), contexts: fitting };
        session.ask(Ask::Choose { title, choices }, then);
    }

    /// Asks the cluster of the column again who it is.
    pub(super) fn check(&mut self, session: &mut Session) -> Vec<Effect> {
        let Some((cluster, context, namespace)) = self.here() else {
            session.warn("this cluster has no context here: Enter on its context chooses one");
            return Vec::new();
        };
        let view = ClusterView { context: context.clone(), answer: Fetched::Awaited { since: session.now } };
        session.world.clusters.insert(cluster.clone(), view);
        vec![Effect::CheckCluster { cluster, context, namespace: Some(namespace) }]
    }

    /// Cluster, context and a namespace of the column.
    fn here(&self) -> Option<(String, String, String)> {
        let grid = self.grid.as_ref()?;
        let cluster = grid.clusters().get(self.column)?;
        let (context, namespace) = grid.context(self.column)?;
        Some((cluster.cluster.clone(), context.to_owned(), namespace.to_owned()))
    }

    pub(super) fn ask_pin(&self, session: &mut Session) {
        let Some((cluster, context, _)) = self.here() else {
            session.warn("this cluster has no context here: Enter on its context chooses one");
            return;
        };
        let mapping = self.grid.as_ref().and_then(|grid| grid.clusters().get(self.column));
        let known = mapping.and_then(|mapping| grid::known(session, mapping, Some(&context)));
        let Some((found, pinned)) = known.and_then(|view| view.answer.ready()).cloned() else {
            session.warn(format!("{cluster} has not said who it is: c asks again"));
            return;
        };
        let mut body = vec![format!("context {context}")];
        let mut typed = None;
        match &pinned {
            Pinned::Matches { .. } => {
                session.say(format!("{cluster} is the one that was pinned: {}", found.short()));
                return;
            }
            Pinned::New => {
                body.push(format!("found    {}", found.short()));
                body.push(
                    "From now on everything that writes is refused if the context leads elsewhere."
                        .to_owned(),
                );
            }
            Pinned::Mismatch { expected, found } => {
                body.push(format!("expected {}", expected.short()));
                body.push(format!("found    {}", found.short()));
                body.push("The context leads to another cluster than the one that was pinned.".to_owned());
                body.push(
                    "Pin it anew only if you know why: a rebuilt cluster, a kubeconfig on purpose."
                        .to_owned(),
                );
                let protected = session.environments.iter().any(|view| {
                    view.protected && view.target.as_ref().is_ok_and(|target| target.cluster == cluster)
                });
                typed = protected.then(|| cluster.clone());
            }
        }
        if found.is_weak() {
            body.push(
                "Without the right to read kube-system this identity is weak: CA and namespace only."
                    .to_owned(),
            );
        }
        let deed = format!("Pin {cluster} as {}", found.short());
        session
            .ask(Ask::Confirm { title: "Pin identity".to_owned(), body, deed, typed }, Then::Pin { context });
    }

    /// An answer to one of the questions.
    pub(super) fn answered(&mut self, session: &mut Session, then: &Then, answer: &Answer) -> Vec<Effect> {
        match (then, answer) {
            (Then::Pin { context }, Answer::Yes) => {
                // The context is the question's; a cursor that moved since does not change it.
                let of = |column: &usize| {
                    let (grid, found) = (self.grid.as_ref()?, self.grid.as_ref()?.context(*column)?);
                    let cluster = grid.clusters().get(*column)?.cluster.clone();
                    (found.0 == context).then(|| (cluster, found.1.to_owned()))
                };
                let count = self.grid.as_ref().map_or(0, |grid| grid.clusters().len());
                (0..count)
                    .find_map(|column| of(&column))
                    .map(|(cluster, namespace)| Effect::PinCluster {
                        cluster,
                        context: context.clone(),
                        namespace: Some(namespace),
                    })
                    .into_iter()
                    .collect()
            }
            (Then::Room(ASK_CELL), Answer::Typed(typed))
                if matches!(self.pending, Some(Pending::Resources { .. })) =>
            {
                let Some(Pending::Resources { mapping, row }) = self.pending.take() else {
                    return Vec::new();
                };
                match ResourceRequirements::parse(typed) {
                    Ok(requirements) => {
                        let what = format!("setting the resources of {row} in {mapping}");
                        let edit = MappingEdit::Resources { mapping, row: row.to_owned(), requirements };
                        self.apply(session, &what, &edit);
                    }
                    // What was typed stays, and what is wrong with it stands above.
                    Err(why) => {
                        let title = format!("{row} of {mapping}: {why}");
                        self.pending = Some(Pending::Resources { mapping, row });
                        session.ask(Ask::Line { title, text: typed.clone() }, Then::Room(ASK_CELL));
                    }
                }
                Vec::new()
            }
            (Then::Room(ASK_CELL), answer) => {
                if let Some(pending) = self.pending.take()
                    && let Some((what, edit)) = meant(pending, answer)
                {
                    self.apply(session, &what, &edit);
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn apply(&mut self, session: &mut Session, what: &str, change: &MappingEdit) {
        let Some(grid) = &self.grid else { return };
        if grid.mapping.as_ref().is_some_and(|mapping| mapping.origin == MappingOrigin::Settings) {
            let error = Error::new("this mapping stands in floe-tui.toml, which is not edited here")
                .next("open that file in your own editor; it is read again when it is saved");
            session.fail(&error);
            return;
        }
        let file = grid.file.clone();
        let text = session.text(&file).unwrap_or_default();
        match edit::apply(&text, change) {
            Ok(new) if *new == *text => session.say("that is how it is already"),
            Ok(new) => {
                session.documents.edit(what, [(file, new.into())]);
                session.say(format!("{what}; s saves, u undoes"));
                self.focus = Focus::Grid;
            }
            Err(error) => session.fail(&error),
        }
    }
}

/// The edit that an answer means, and what it does in words.
fn meant(pending: Pending, answer: &Answer) -> Option<(String, MappingEdit)> {
    Some(match (pending, answer) {
        (Pending::Move { environment, mappings }, Answer::Chosen(row)) => match mappings.get(*row) {
            Some(to) => {
                (format!("moving {environment} to {to}"), MappingEdit::Move { environment, to: to.clone() })
            }
            None => (format!("taking {environment} out of the mapping"), MappingEdit::Remove { environment }),
        },
        (Pending::Cluster { mapping }, Answer::Typed(text)) => {
            let cluster = text.trim().to_owned();
            (format!("setting the cluster of {mapping}"), MappingEdit::Cluster { mapping, cluster })
        }
        (Pending::Template { mapping }, Answer::Typed(text)) => {
            let template = text.trim().to_owned();
            (format!("setting the namespaces of {mapping}"), MappingEdit::Template { mapping, template })
        }
        (Pending::Isolation { mapping }, Answer::Chosen(row)) => {
            let isolation = *Isolation::ALL.get(*row)?;
            (format!("setting the isolation of {mapping}"), MappingEdit::Isolation { mapping, isolation })
        }
        (Pending::Preset { mapping }, Answer::Chosen(row)) => {
            let preset = *Preset::ALL.get(*row)?;
            (format!("setting the preset of {mapping}"), MappingEdit::Preset { mapping, preset })
        }
        _ => return None,
    })
}
