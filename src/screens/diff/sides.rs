//! The sides that can be compared, and what each is made from.

use super::{ASK_SIDES, DiffRoom};
use crate::base::Error;
use crate::session::{Ask, Choice, EnvironmentView, Session, Side, SideSource, Then, release_of};

impl DiffRoom {
    pub(super) fn source(
        session: &Session,
        view: &EnvironmentView,
        side: &Side,
    ) -> Result<SideSource, Error> {
        let render = |view: &EnvironmentView, edited: bool| {
            let mut source = session
                .render_source(view, edited)
                .ok_or_else(|| Error::new("no chart is selected").next("choose one in Charts (1)"))?;
            if let Ok(target) = &view.target
                && let Some(context) = &target.context
            {
                source.request.cluster = Some(crate::render::RenderCluster {
                    kubeconfig: session.given.kubeconfig.clone(),
                    context: context.clone(),
                });
            }
            Ok(SideSource::Render(Box::new(source)))
        };
        let is_selected = session.environment().is_some_and(|own| own.name == view.name);
        let release = || {
            let own = || view.target.as_ref().ok().and_then(release_of);
            let release = if is_selected { session.release() } else { own() };
            release.ok_or_else(|| {
                Error::new("this target has no cluster here")
                    .next("map its cluster to a context in Clusters (3)")
            })
        };
        match side {
            Side::Saved => render(view, false),
            Side::Edited => render(view, true),
            Side::Environment(name) => {
                let other = session.environments.iter().find(|view| view.name == *name);
                render(other.ok_or_else(|| Error::new(format!("there is no environment {name}")))?, true)
            }
            Side::Deployed => Ok(SideSource::Revision { release: release()?, revision: None }),
            Side::Revision(revision) => {
                Ok(SideSource::Revision { release: release()?, revision: Some(*revision) })
            }
            Side::Live => Ok(SideSource::Live { release: release()? }),
        }
    }

    pub(super) fn pairs(session: &Session) -> Vec<(String, Side, Side)> {
        let mut pairs = vec![
            ("saved → edited".to_owned(), Side::Saved, Side::Edited),
            ("deployed → saved: what an upgrade would do".to_owned(), Side::Deployed, Side::Saved),
            ("deployed → edited".to_owned(), Side::Deployed, Side::Edited),
            ("deployed → live: drift".to_owned(), Side::Deployed, Side::Live),
            ("live → saved".to_owned(), Side::Live, Side::Saved),
        ];
        let here = session.environment().map(|view| view.name.clone()).unwrap_or_default();
        for view in session.environments.iter().filter(|view| view.name != here) {
            pairs.push((
                format!("{here} → {}", view.name),
                Side::Edited,
                Side::Environment(view.name.clone()),
            ));
        }
        if let Some(release) = session.release()
            && let Some(row) = session.world.releases.get(&release.context).and_then(|s| {
                s.rows.iter().find(|r| r.name == release.release && r.namespace == release.namespace)
            })
        {
            for revision in (1..=row.revision).rev().take(10) {
                pairs.push((
                    format!("deployed → revision {revision}"),
                    Side::Deployed,
                    Side::Revision(revision),
                ));
            }
        }
        pairs
    }

    pub(super) fn ask_sides(&self, session: &mut Session) {
        let choices = Self::pairs(session)
            .into_iter()
            .map(|(label, left, right)| Choice::new(label).current(left == self.left && right == self.right))
            .collect();
        session.ask(Ask::Choose { title: "Compare".to_owned(), choices }, Then::Room(ASK_SIDES));
    }
}
