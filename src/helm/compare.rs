//! Two printings of the same thing against each other, document by document: what the engine made and what helm
//! printed. What one of the two prints differently from one time to the next is random and no difference.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::base::redact::Redactor;
use crate::base::text::neutralise;
use crate::chart::Chart;
use crate::yaml;

/// Lines of each side that are shown of a difference.
const SHOWN: usize = 5;

/// What differs in one document. Redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The template, as in `# Source:`: the chart's name, then the path inside it.
    pub template: String,
    /// Which document of the template, from 1.
    pub document: usize,
    /// The document's line that differs first, from 1 (below its `# Source:` line).
    pub line: usize,
    /// What helm prints there; a few lines at most.
    pub helm: Vec<String>,
    /// What the engine makes of it.
    pub engine: Vec<String>,
    /// Differing lines that are not shown.
    pub more: usize,
    /// Why, as far as can be told.
    pub cause: String,
}

/// What came of a comparison.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub differences: Vec<Difference>,
    /// Lines that differ because they are random.
    pub random: usize,
}

/// Documents by template, in their order.
type Documents<'t> = BTreeMap<&'t str, Vec<&'t str>>;

/// What causes are guessed from.
pub(super) struct Known<'a> {
    pub chart: Option<&'a Chart>,
    /// The version of helm is one that tests compare with.
    pub is_proven: bool,
    pub version: String,
    pub redactor: &'a Redactor,
}

/// Compares; both sides have at least one printing, further ones only tell what is random.
pub(super) fn compare(ours: &[&str], theirs: &[&str], known: &Known<'_>) -> Compared {
    let mut compared = Compared::default();
    let (Some(our_first), Some(their_first)) = (ours.first(), theirs.first()) else { return compared };
    if our_first == their_first {
        return compared;
    }
    let ours: Vec<Documents<'_>> = ours.iter().map(|text| documents(text).1).collect();
    let theirs: Vec<Documents<'_>> = theirs.iter().map(|text| documents(text).1).collect();
    let (Some(mine), Some(helms)) = (ours.first(), theirs.first()) else { return compared };
    let templates: BTreeSet<&str> = mine.keys().chain(helms.keys()).copied().collect();
    for template in templates {
        let count = |side: &Documents<'_>| side.get(template).map_or(0, Vec::len);
        for index in 0..count(mine).max(count(helms)) {
            let of = |sides: &[Documents<'_>]| -> Vec<String> {
                let texts = sides.iter().map(|side| side.get(template).and_then(|all| all.get(index)));
                texts.map(|text| text.copied().unwrap_or_default().to_owned()).collect()
            };
            let pair = Pair { template, index, ours: of(&ours), theirs: of(&theirs) };
            pair.compare(known, &mut compared);
        }
    }
    let (order, other) = (documents(our_first).0, documents(their_first).0);
    if compared.differences.is_empty() && order != other {
        let first = order.iter().zip(&other).position(|(ours, theirs)| ours != theirs).unwrap_or(0);
        let at = |all: &[&str]| all.get(first).map(|one| (*one).to_owned()).into_iter().collect::<Vec<_>>();
        compared.differences.push(Difference {
            template: at(&other).pop().unwrap_or_default(),
            document: 1,
            line: 1,
            helm: at(&other),
            engine: at(&order),
            more: 0,
            cause: "the documents are the same in another order".to_owned(),
        });
    }
    compared
}

/// The templates in the order of their documents, and the documents of each.
fn documents(text: &str) -> (Vec<&str>, Documents<'_>) {
    const MARK: &str = "# Source: ";
    let (mut order, mut all) = (Vec::new(), Documents::new());
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let from = &rest[at + MARK.len()..];
        let (source, body) = from.split_once('\n').unwrap_or((from, ""));
        let end =
            body.match_indices("---\n# Source: ").find(|(at, _)| *at == 0 || body[..*at].ends_with('\n'));
        let end = end.map_or(body.len(), |(at, _)| at);
        order.push(source);
        all.entry(source).or_default().push(&body[..end]);
        rest = &body[end..];
    }
    (order, all)
}

struct Pair<'t> {
    template: &'t str,
    index: usize,
    ours: Vec<String>,
    theirs: Vec<String>,
}

impl Pair<'_> {
    fn compare(&self, known: &Known<'_>, compared: &mut Compared) {
        let (Some(ours), Some(theirs)) = (self.ours.first(), self.theirs.first()) else { return };
        if ours == theirs {
            return;
        }
        let (a, b): (Vec<&str>, Vec<&str>) = (theirs.lines().collect(), ours.lines().collect());
        let (random_a, random_b) = (random(&a, &self.theirs[1..]), random(&b, &self.ours[1..]));
        let (mut helm, mut engine) = (Vec::new(), Vec::new());
        for op in capture_diff_slices(Algorithm::Myers, &a, &b) {
            if let DiffOp::Equal { .. } = op {
                continue;
            }
            let (old, new) = (op.old_range(), op.new_range());
            for step in 0..old.len().max(new.len()) {
                let at_a = (step < old.len()).then_some(old.start + step);
                let at_b = (step < new.len()).then_some(new.start + step);
                let is_random = at_a.is_some_and(|at| random_a[at]) || at_b.is_some_and(|at| random_b[at]);
                if is_random {
                    compared.random += 1;
                } else {
                    helm.extend(at_a);
                    engine.extend(at_b);
                }
            }
        }
        // White space at the very end is no line.
        if helm.is_empty() && engine.is_empty() && a == b {
            helm.push(a.len().saturating_sub(1));
            engine.push(b.len().saturating_sub(1));
        }
        let Some(line) = helm.first().or(engine.first()) else { return };
        compared.differences.push(Difference {
            template: self.template.to_owned(),
            document: self.index + 1,
            line: line + 1,
            more: helm.len().max(engine.len()).saturating_sub(SHOWN),
            cause: self.cause(&pick(&a, &helm), &pick(&b, &engine), known),
            helm: shown(theirs, &helm, known.redactor),
            engine: shown(ours, &engine, known.redactor),
        });
    }

    fn cause(&self, helm: &[&str], engine: &[&str], known: &Known<'_>) -> String {
        let (ours, theirs) = (self.ours[0].as_str(), self.theirs[0].as_str());
        if ours.is_empty() || theirs.is_empty() {
            let who = if ours.is_empty() { "helm" } else { "the engine" };
            return format!("only {who} has this document{}", self.hint(known));
        }
        let squeezed = |lines: &[&str]| -> Vec<String> {
            let words = lines.iter().map(|line| line.split_whitespace().collect::<String>());
            words.filter(|line| !line.is_empty()).collect()
        };
        if squeezed(helm) == squeezed(engine) {
            return "white space only: trimming or indentation".to_owned();
        }
        if let (Ok(a), Ok(b)) = (yaml::read(ours), yaml::read(theirs))
            && a == b
        {
            return "the same values, written differently: quoting, folding or the form of a number"
                .to_owned();
        }
        format!("the content differs{}", self.hint(known))
    }

    /// What in the template may be answered differently.
    fn hint(&self, known: &Known<'_>) -> String {
        /// What depends on more than chart and values, with what it depends on.
        const ASKS: &[(&str, &str)] = &[
            (".Capabilities", "what this helm assumes of a cluster (.Capabilities)"),
            ("lookup", "the cluster (lookup)"),
            ("getHostByName", "the network (getHostByName)"),
            (".Files", "the chart's files (.Files)"),
        ];
        let text = known.chart.and_then(|chart| source(chart, self.template)).unwrap_or_default();
        if let Some((_, what)) = ASKS.iter().find(|(word, _)| text.contains(word)) {
            return format!("; the template asks {what}");
        }
        if !known.is_proven {
            return format!("; helm {} is a version that the engine is not tested with", known.version);
        }
        "; the cause is not known, please report it with the template".to_owned()
    }
}

fn pick<'t>(lines: &[&'t str], at: &[usize]) -> Vec<&'t str> {
    at.iter().filter_map(|at| lines.get(*at).copied()).collect()
}

/// Which lines are not the same in every printing.
fn random(lines: &[&str], again: &[String]) -> Vec<bool> {
    let mut random = vec![false; lines.len()];
    for other in again {
        let other: Vec<&str> = other.lines().collect();
        for op in capture_diff_slices(Algorithm::Myers, lines, &other) {
            if let DiffOp::Equal { .. } = op {
                continue;
            }
            let range = op.old_range();
            // What only the other one has is random where it would stand.
            let range = if range.is_empty() { range.start..range.start + 1 } else { range };
            for at in range {
                if let Some(mark) = random.get_mut(at) {
                    *mark = true;
                }
            }
        }
    }
    random
}

/// A few lines of a document, without what is secret.
fn shown(document: &str, at: &[usize], redactor: &Redactor) -> Vec<String> {
    let redacted = redactor.manifest(document);
    let lines: Vec<&str> = redacted.lines().collect();
    let same = lines.len() == document.lines().count();
    let line = |at: &usize| match lines.get(*at).filter(|_| same) {
        Some(line) => neutralise(line).into_owned(),
        None => "‹not shown: secret›".to_owned(),
    };
    at.iter().take(SHOWN).map(line).collect()
}

/// The text of a template, by the name that `# Source:` gives it.
fn source(chart: &Chart, name: &str) -> Option<String> {
    let inside = name.split_once('/')?.1;
    if let Some((sub, rest)) = inside.strip_prefix("charts/").and_then(|rest| rest.split_once('/')) {
        let found = chart.dependencies.iter().find(|dependency| dependency.key() == sub)?;
        return source(found.chart.as_ref()?, &format!("{sub}/{rest}"));
    }
    chart.files.text(inside).map(|text| text.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(ours: &[&str], theirs: &[&str]) -> Compared {
        let redactor = Redactor::with_key([7; 32]);
        let known = Known { chart: None, is_proven: true, version: "4.2.4".to_owned(), redactor: &redactor };
        compare(ours, theirs, &known)
    }

    fn document(name: &str, body: &str) -> String {
        format!("---\n# Source: c/templates/{name}.yaml\n{body}")
    }

    #[test]
    fn a_difference_is_told_with_template_line_and_cause() {
        let theirs = document("a", "x: 1\n") + &document("b", "kind: A\nreplicas: 2\n");
        let ours = document("a", "x: 1\n") + &document("b", "kind: A\nreplicas: 3\n");
        let found = of(&[&ours], &[&theirs]).differences;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].template.as_str(), found[0].line), ("c/templates/b.yaml", 2));
        assert_eq!((found[0].helm[0].as_str(), found[0].engine[0].as_str()), ("replicas: 2", "replicas: 3"));
        assert!(found[0].cause.contains("not known"), "{}", found[0].cause);
    }

    #[test]
    fn what_either_side_prints_anew_each_time_is_random() {
        let text = |secret: &str, plain: &str| document("a", &format!("p: {secret}\nx: {plain}\n"));
        let (o1, o2, t1, t2) = (text("o1", "1"), text("o2", "1"), text("t1", "1"), text("t2", "1"));
        for (ours, theirs) in [(vec![&*o1, &o2], vec![&*t1]), (vec![&*o1], vec![&*t1, &t2])] {
            let compared = of(&ours, &theirs);
            assert!(compared.differences.is_empty(), "{:?}", compared.differences);
            assert_eq!(compared.random, 1);
        }
        // Beside a random line everything else still counts.
        let t3 = text("t3", "2");
        let compared = of(&[&o1, &o2], &[&t3]);
        assert_eq!((compared.differences.len(), compared.differences[0].line), (1, 2));
    }

    #[test]
    fn causes_are_told_apart() {
        let cause = |ours: &str, theirs: &str| {
            of(&[&document("a", ours)], &[&document("a", theirs)]).differences[0].cause.clone()
        };
        assert!(cause("a:\n    b: 1\n", "a:\n  b: 1\n").contains("white space"));
        assert!(cause("a: \"x\"\n", "a: x\n").contains("written differently"));
        assert!(cause("a: x\n", "a: x\n\n").contains("white space"));
        let (one, two) = (document("a", "x: 1\n"), document("b", "x: 1\n"));
        let found = of(&[&(one.clone() + &two)], &[&(two.clone() + &one)]).differences;
        assert!(found[0].cause.contains("order"), "{found:?}");
        let found = of(&[&one], &[&(one.clone() + &two)]).differences;
        assert!(found[0].cause.contains("only helm"), "{found:?}");
    }

    #[test]
    fn no_secret_is_shown() {
        let text = |secret: &str| {
            document(
                "s",
                &format!("kind: Secret\nmetadata: {{name: s}}\nstringData:\n  password: {secret}\n"),
            )
        };
        let found = of(&[&text("hunter2")], &[&text("correct-horse")]).differences;
        let all = format!("{found:?}");
        assert!(!all.contains("hunter2") && !all.contains("correct-horse"), "{all}");
        assert_ne!(found[0].helm, found[0].engine, "that they differ is seen");
    }
}
