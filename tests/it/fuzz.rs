//! The fuzz targets of `fuzz/` on a stable toolchain: a corpus made of the traps, and mutations of it. The number of
//! rounds and the seed are fixed; `FUZZ_SEED=new` tries others, and `FUZZ_SEED=N` repeats a run.

#[path = "../../fuzz/targets.rs"]
mod targets;

use crate::support::random::Random;
use crate::traps;

/// Rounds for each target; more in the full proof.
fn rounds(few: usize, many: usize) -> usize {
    if std::env::var("CHARTS_PROOF").as_deref() == Ok("full") { many } else { few }
}

/// Bytes changed, cut, repeated and joined with another of the corpus.
fn mutated(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    const WORDS: &[&str] = &[
        "{{",
        "}}",
        "{{-",
        "-}}",
        "range",
        "define \"x\"",
        "end",
        "tpl",
        "include",
        "- ",
        ": ",
        "\n",
        "&a",
        "*a",
        "|",
        "[",
        "{",
        "\"",
        "'",
        "\\",
        "$x",
        ":=",
        ".",
        "999999999",
        "-1",
        "\u{feff}",
        "\u{e9}",
        "\t",
        "---\n",
        "<<: ",
        "? ",
        "!!int ",
        "=",
        ",",
    ];
    let mut data = corpus[random.below(corpus.len())].clone();
    data.truncate(4_096);
    for _ in 0..=random.below(6) {
        let at = random.below(data.len() + 1);
        match random.below(6) {
            0 if at < data.len() => data[at] = random.below(256) as u8,
            1 if at < data.len() => {
                let end = (at + 1 + random.below(16)).min(data.len());
                data.drain(at..end);
            }
            2 => {
                let other = &corpus[random.below(corpus.len())];
                let start = random.below(other.len() + 1);
                let end = (start + random.below(64)).min(other.len());
                data.splice(at..at, other[start..end].iter().copied());
            }
            3 => {
                let copy: Vec<u8> = data[at..(at + random.below(32)).min(data.len())].to_vec();
                data.splice(at..at, copy);
            }
            _ => {
                let word = WORDS[random.below(WORDS.len())];
                data.splice(at..at, word.bytes());
            }
        }
    }
    data
}

fn run(name: &str, corpus: &[Vec<u8>], rounds: usize, target: fn(&[u8])) {
    assert!(corpus.len() > 3, "{name}: the corpus is missing");
    let mut random = Random::seeded("FUZZ_SEED");
    println!("{name}: FUZZ_SEED={}", random.seed());
    let check = |data: &[u8]| {
        let done = std::panic::catch_unwind(|| target(data)).is_ok();
        assert!(done, "{name} fails on {:?}", String::from_utf8_lossy(data));
    };
    for data in corpus {
        check(data);
    }
    for _ in 0..rounds {
        check(&mutated(&mut random, corpus));
    }
}

#[test]
fn templates_from_anywhere_end() {
    let corpus = traps::contents(|path| path.starts_with("templates/"));
    // The evaluator wants the stack of a rendering.
    let thread = std::thread::Builder::new().stack_size(512 * 1024 * 1024);
    let work = move || run("template", &corpus, rounds(3_000, 40_000), targets::template);
    thread.spawn(work).expect("a thread").join().expect("no failure");
}

#[test]
fn yaml_from_anywhere_keeps_its_meaning() {
    let corpus = traps::contents(|path| path.ends_with("values.yaml") || path.ends_with("Chart.yaml"));
    run("yaml", &corpus, rounds(3_000, 40_000), targets::yaml);
}

#[test]
fn values_from_anywhere_are_read_or_refused() {
    let corpus = traps::arguments();
    run("values", &corpus, rounds(5_000, 40_000), targets::values);
}

#[test]
fn archives_from_anywhere_stay_where_they_are() {
    let corpus = traps::archives();
    run("archive", &corpus, rounds(200, 2_000), targets::archive);
}
