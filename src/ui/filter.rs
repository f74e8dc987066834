//! The filter of every list: a case-smart substring, `~` fuzzy, `!` inverse, `field:value`. Several words must all
//! match. A `~` at the very start makes every word fuzzy.

use std::borrow::Cow;
use std::ops::Range;

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A parsed filter. The empty filter matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    inverse: bool,
    fuzzy: bool,
    /// The part before a `:`; only a field when the rows know it.
    field: Option<String>,
    /// The part after the `:`, or everything.
    value: String,
    /// Everything, for rows that do not know the field.
    whole: String,
}

impl Filter {
    /// Parses what was typed. Everything is a filter; there are no errors.
    pub fn parse(text: &str) -> Self {
        let all_fuzzy = text.trim_start().starts_with('~');
        let mut terms = Vec::new();
        for word in text.split_whitespace() {
            let (mut rest, mut inverse, mut fuzzy) = (word, false, all_fuzzy);
            loop {
                if let Some(after) = rest.strip_prefix('!').filter(|_| !inverse) {
                    (rest, inverse) = (after, true);
                } else if let Some(after) = rest.strip_prefix('~') {
                    (rest, fuzzy) = (after, true);
                } else {
                    break;
                }
            }
            if rest.is_empty() {
                continue;
            }
            let (field, value) = match rest.split_once(':') {
                Some((field, value)) if !field.is_empty() => (Some(field.to_owned()), value.to_owned()),
                _ => (None, rest.to_owned()),
            };
            terms.push(Term { inverse, fuzzy, field, value, whole: rest.to_owned() });
        }
        Self { text: text.to_owned(), terms }
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether `text` matches, and the byte ranges of it to mark, ascending and apart.
    pub fn matches(&self, text: &str) -> Option<Vec<Range<usize>>> {
        self.matches_fields(text, |_| None)
    }

    /// As [`Filter::matches`], with the fields of a row: `field` gives the text of a field it knows.
    pub fn matches_fields<'t>(
        &self,
        text: &str,
        field: impl Fn(&str) -> Option<Cow<'t, str>>,
    ) -> Option<Vec<Range<usize>>> {
        let mut ranges = Vec::new();
        for term in &self.terms {
            let known = term.field.as_deref().and_then(&field);
            let hit = match &known {
                // An empty value waits for more typing.
                Some(_) if term.value.is_empty() => continue,
                Some(own) => term.find(&term.value, own).map(|_| Vec::new()),
                None => term.find(&term.whole, text).map(|(_, ranges)| ranges),
            };
            match (hit, term.inverse) {
                (Some(found), false) => ranges.extend(found),
                (None, true) => {}
                _ => return None,
            }
        }
        Some(tidy(ranges))
    }

    /// How well `text` matches, higher is better; `None` when it does not.
    pub fn score(&self, text: &str) -> Option<u32> {
        let mut score = 0;
        for term in &self.terms {
            match (term.find(&term.whole, text), term.inverse) {
                (Some((own, _)), false) => score += own,
                (None, true) => {}
                _ => return None,
            }
        }
        Some(score)
    }
}

impl Term {
    fn find(&self, needle: &str, text: &str) -> Option<(u32, Vec<Range<usize>>)> {
        if self.fuzzy { fuzzy(needle, text) } else { substring(needle, text) }
    }
}

fn substring(needle: &str, text: &str) -> Option<(u32, Vec<Range<usize>>)> {
    let exact = needle.chars().any(char::is_uppercase);
    let fold = |c: char| if exact { c } else { c.to_lowercase().next().unwrap_or(c) };
    let needle: Vec<char> = needle.chars().map(fold).collect();
    let chars: Vec<(usize, char)> = text.char_indices().map(|(at, c)| (at, fold(c))).collect();
    let end_of = |place: usize| chars.get(place).map_or(text.len(), |(at, _)| *at);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut place = 0;
    while place + needle.len() <= chars.len() {
        if chars[place..].iter().map(|(_, c)| c).zip(&needle).all(|(a, b)| a == b) {
            ranges.push(chars[place].0..end_of(place + needle.len()));
            place += needle.len();
        } else {
            place += 1;
        }
    }
    let first = ranges.first()?.start;
    Some((1_000u32.saturating_sub(u32::try_from(first).unwrap_or(u32::MAX)), ranges))
}

fn fuzzy(needle: &str, text: &str) -> Option<(u32, Vec<Range<usize>>)> {
    thread_local! {
        // The matcher owns scratch memory of 135 kB; one a thread serves every row of every list.
        static MATCHER: std::cell::RefCell<Matcher> = std::cell::RefCell::new(Matcher::new(Config::DEFAULT));
    }
    let atom = Atom::new(needle, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy, false);
    let chars: Vec<char>;
    let haystack = if text.is_ascii() {
        Utf32Str::Ascii(text.as_bytes())
    } else {
        chars = text.chars().collect();
        Utf32Str::Unicode(&chars)
    };
    let mut indices = Vec::new();
    let score = MATCHER.with_borrow_mut(|matcher| atom.indices(haystack, matcher, &mut indices))?;
    indices.sort_unstable();
    let starts: Vec<(usize, usize)> = text.char_indices().map(|(at, c)| (at, at + c.len_utf8())).collect();
    let places = indices.into_iter().filter_map(|index| starts.get(usize::try_from(index).ok()?));
    Some((u32::from(score), places.map(|(start, end)| *start..*end).collect()))
}

/// Sorts ranges and joins those that touch.
fn tidy(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// What a pane says about its filter: `/replic  12 of 80`.
pub fn summary(filter: &Filter, shown: usize, all: usize) -> Option<String> {
    (!filter.is_empty()).then(|| format!("/{}  {shown} of {all}", filter.text()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init)]
    use proptest::prelude::*;

    use super::*;

    fn hits(filter: &str, text: &str) -> bool {
        Filter::parse(filter).matches(text).is_some()
    }

    #[test]
    fn lower_case_finds_both_and_upper_case_itself() {
        assert!(hits("replic", "dagster.Replicas"));
        assert!(hits("Replic", "dagster.Replicas"));
        assert!(!hits("Replic", "dagster.replicas"));
        assert_eq!(Filter::parse("a").matches("Banana"), Some(vec![1..2, 3..4, 5..6]));
        assert_eq!(Filter::parse("ä").matches("xÄy"), Some(vec![1..3]));
    }

    #[test]
    fn words_must_all_match_and_may_be_inverse() {
        assert!(hits("web rep", "dagster.webserver.replicas"));
        assert!(!hits("web rep", "dagster.daemon.replicas"));
        assert!(hits("!web rep", "dagster.daemon.replicas"));
        assert!(!hits("!web", "webserver"));
        assert!(hits("!", "anything"));
        assert!(hits("", "anything"));
    }

    #[test]
    fn fuzzy_skips_letters_and_marks_what_it_used() {
        assert!(hits("~dwr", "dagster.webserver.replicas"));
        assert!(!hits("dwr", "dagster.webserver.replicas"));
        assert!(!hits("~!dwr", "dagster.webserver.replicas"));
        assert_eq!(Filter::parse("~ac").matches("a-c"), Some(vec![0..1, 2..3]));
        assert_eq!(Filter::parse("~äc").matches("ä日c"), Some(vec![0..2, 5..6]));
        let filter = Filter::parse("~roll");
        assert!(filter.score("roll back") > filter.score("reload all"));
        assert_eq!(filter.score("quit"), None);
    }

    #[test]
    fn a_known_field_is_asked_and_an_unknown_one_is_text() {
        let filter = Filter::parse("kind:deploy");
        let kind = |name: &str| (name == "kind").then_some(Cow::Borrowed("Deployment"));
        assert_eq!(filter.matches_fields("floe-web", kind), Some(vec![]));
        assert_eq!(Filter::parse("!kind:deploy").matches_fields("floe-web", kind), None);
        assert_eq!(Filter::parse("kind:").matches_fields("floe-web", kind), Some(vec![]));
        assert!(hits("image:1.2", "registry/image:1.2"));
        assert!(!hits("kind:job", "floe-web"));
    }

    #[test]
    fn the_summary_counts() {
        assert_eq!(summary(&Filter::parse("rep"), 12, 80).as_deref(), Some("/rep  12 of 80"));
        assert_eq!(summary(&Filter::default(), 80, 80), None);
    }

    proptest! {
        #[test]
        fn marks_are_valid_ranges(filter in "[~!a-cA-Cäß: ]{0,8}", text in "\\PC{0,20}|[a-cA-Cäß:]{0,12}") {
            if let Some(ranges) = Filter::parse(&filter).matches(&text) {
                let mut last = 0;
                for range in ranges {
                    prop_assert!(range.start >= last && text.get(range.clone()).is_some());
                    last = range.end;
                }
            }
        }
    }
}
