//! `floe-tui verify`: whether the engine gives for a chart what the installed helm gives. Exit codes: 0 identical, also
//! when both refuse; 2 different; 1 when only one of the two refuses.

use super::args::{Global, Verify};
use super::rendering::Asked;
use super::setup::Setup;
use super::{CHANGES, FAILED, OK, out};
use crate::base::Result;
use crate::helm::Outcome;

pub(super) async fn run(global: Global, args: Verify) -> Result<u8> {
    let setup = Setup::new(global)?;
    let asked = Asked::find(&setup, args.rendering)?;
    // Without a helm there is nobody to judge.
    let (helm, renderer) = setup.helm(&asked.redactor).await?;
    let previewer = crate::helm::Previewer::default().with_helm(helm, renderer);
    let report = previewer.verify(&asked.source, &asked.redactor).await?;
    if args.json {
        out::json(&report.json());
    } else {
        report.lines().iter().for_each(|line| out::line(line));
    }
    Ok(match report.outcome {
        Outcome::Identical { .. } | Outcome::BothRefuse { .. } => OK,
        Outcome::Different { .. } => CHANGES,
        Outcome::EngineRefuses { .. } | Outcome::HelmRefuses { .. } => FAILED,
    })
}
