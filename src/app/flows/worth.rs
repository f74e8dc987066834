//! What previews are worth: shown at once, judged when nothing is typed, and helm has the last word.

use super::*;
use crate::base::Error;
use crate::helm::{Difference, Helm, Major, Outcome, Report};
use crate::session::{Judged, PreviewState};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {size: \"1\"}\n";

fn helm(version: &str) -> Message {
    let version = semver::Version::parse(version).unwrap();
    Message::Helm(Ok(Arc::new(Helm { path: "/bin/helm".into(), version, major: Major::Four })))
}

fn report(outcome: Outcome) -> Arc<Report> {
    Arc::new(Report { helm: "4.2.4".to_owned(), proven: true, outcome })
}

fn differs() -> Verdict {
    let difference = Difference {
        template: "tiny/templates/web.yaml".to_owned(),
        document: 1,
        line: 7,
        helm: vec!["  size: 9".to_owned()],
        engine: vec!["  size: 2".to_owned()],
        more: 0,
        cause: "the content differs".to_owned(),
    };
    Verdict::Differs(report(Outcome::Different { differences: vec![difference], random: 0 }))
}

/// An edit of dev with its preview, as the engine gives it.
fn edited() -> Flow {
    let mut flow = Flow::open("tiny");
    flow.hear(helm("4.2.4"));
    flow.press("2 / 'replicas Enter Enter '7 Enter");
    flow.previewed("dev", MAP, &MAP.replace('1', "2"));
    flow
}

fn judged(flow: &mut Flow, verdict: Verdict) {
    let request = flow.previews.iter().find(|own| own.target.environment == "dev").unwrap();
    let (of, generation) = (Judged::Preview(request.target.clone()), request.generation);
    flow.hear(Message::Verdict { of, generation, verdict });
}

#[test]
fn a_preview_says_what_it_is_worth_in_values_and_diff() {
    let mut flow = edited();
    for (verdict, words) in [
        (Verdict::Pending, "not yet verified"),
        (Verdict::Verified(report(Outcome::Identical { random: 2 })), " verified "),
        (Verdict::Unknown("the machine is overloaded".to_owned()), "not verified, = says why"),
        (Verdict::ByHelm("the engine cannot: the function nonsense".to_owned()), "by helm, = says why"),
        (differs(), "differs, = says why"),
    ] {
        judged(&mut flow, verdict);
        for room in ["2", "4"] {
            flow.press(room).sees(words);
            for (width, height) in [(80, 24), (120, 40)] {
                let screen = flow.screen(width, height);
                assert!(screen.contains(words.trim()), "no `{words}` at {width}x{height}\n{screen}");
            }
        }
    }
    flow.press("=").sees("tiny/templates/web.yaml:7").sees("helm      size: 9").sees("engine    size: 2");
    flow.sees("cause   the content differs").press("Esc").misses("cause   ");
    // What is typed next is another text, which nobody judged.
    flow.press("2 Enter '8 Enter").previewed("dev", MAP, &MAP.replace('1', "3"));
    flow.sees("not yet verified");
}

#[test]
fn a_verdict_on_an_older_text_is_dropped() {
    let mut flow = edited();
    let request = flow.previews.iter().find(|own| own.target.environment == "dev").unwrap();
    let (of, generation) = (Judged::Preview(request.target.clone()), request.generation);
    flow.press("Enter '8 Enter").previewed("dev", MAP, &MAP.replace('1', "3"));
    let verdict = Verdict::Verified(report(Outcome::Identical { random: 0 }));
    flow.hear(Message::Verdict { of, generation, verdict });
    flow.sees("not yet verified");
}

#[test]
fn without_helm_and_with_an_unknown_one_it_says_so() {
    let mut flow = edited();
    flow.hear(helm("4.9.9"));
    flow.previewed("dev", MAP, &MAP.replace('1', "2")).sees("not verified").misses("not yet verified");
    flow.press("=").sees("helm 4.9.9 is not one of the versions").press("Esc");
    flow.hear(Message::Helm(Err(Error::new("no helm found in PATH").next("install it"))));
    flow.previewed("dev", MAP, &MAP.replace('1', "2")).sees("not verified: no helm");
    flow.press("=").sees("as helm 4.").sees("no helm found in PATH").press("Esc");
    flow.press("1 =").sees("there is no preview here");
}

#[test]
fn helm_is_shown_in_the_place_of_an_engine_that_differs() {
    let mut flow = edited();
    flow.press("4").sees("size");
    let request = flow.previews.iter().find(|own| own.target.environment == "dev").unwrap();
    let (target, generation) = (request.target.clone(), request.generation);
    let (old, new) = (manifest::parse(MAP).unwrap(), manifest::parse(&MAP.replace('1', "9")).unwrap());
    let changes = manifest::diff(&old, &new, &DiffOptions::default());
    let warnings = vec!["the engine gives something else: this is what helm gives".to_owned()];
    let preview = Preview { quiet: changes.clone(), changes, warnings };
    flow.hear(Message::Preview { target, generation, result: Ok(Arc::new(preview)), verdict: differs() });
    flow.sees("the engine gives something else").sees("\"9\"").sees("differs, = says why");
}

#[test]
fn nothing_blinks_while_the_engine_works() {
    let mut flow = edited();
    flow.press("Enter '8 Enter");
    let view = &flow.model.session.environments[0];
    assert!(matches!(view.preview, PreviewState::Working { .. }));
    let quick = flow.screen(120, 40);
    flow.model.session.now += jiff::SignedDuration::from_millis(400);
    assert_ne!(quick, flow.screen(120, 40), "what takes long is said to be worked on");
}

#[test]
fn a_template_is_rendered_by_the_engine_while_no_helm_is_there() {
    let mut flow = Flow::open("tiny");
    flow.press("1 / 'configmap Enter").sees("source, v renders");
    flow.press("v").wait("rendering", |model| !model.is_working());
    flow.sees("rendered for dev").sees("# Source: tiny/templates/").sees("not yet verified");
}
