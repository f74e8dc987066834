//! Charts that are made to do harm: bombs, loops, depths. Each ends in an error that names the limit, soon, and in a
//! process that may not have much memory.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::process::{self, Output};
use crate::support::program;

/// Kilobytes of address space for the program: half a gigabyte of it is the stack that rendering may use.
const SPACE: u32 = 2_500_000;

const METADATA: &str = "apiVersion: v2\nname: s\nversion: 1.0.0\n";

/// Seconds; on a machine that is busy with other tests, and unoptimised, some more.
const SOON: Duration = Duration::from_mins(3);

/// A chart `c` of these files, with `Chart.yaml`.
fn chart(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let metadata = ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    for (path, text) in files.iter().chain([&metadata]) {
        put(folder.path(), path, text.as_bytes());
    }
    folder
}

fn put(chart: &Path, path: &str, bytes: &[u8]) {
    let path = chart.join("c").join(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, bytes).expect("a file");
}

/// The program on the chart, in little space and without a helm to fall back on.
fn floe(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -v {SPACE}; exec \"$@\""), "sh"])
        .arg(program())
        .args(["--helm", "/nowhere/helm"])
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder);
    process::run(&mut command, SOON)
}

#[track_caller]
fn refuses(folder: &Path, words: &str) {
    let output = floe(folder, &["render", "c"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains(words), "no {words:?} in {output}");
}

/// An archive of these files below `s/`, of so many zeros each.
fn archive(files: impl IntoIterator<Item = (String, u64)>) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let mut header = tar::Header::new_gnu();
    header.set_size(METADATA.len() as u64);
    tar.append_data(&mut header, "s/Chart.yaml", METADATA.as_bytes()).expect("an entry");
    for (path, size) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        tar.append_data(&mut header, format!("s/{path}"), std::io::Read::take(std::io::repeat(0), size))
            .expect("an entry");
    }
    tar.into_inner().expect("a tar").finish().expect("an archive")
}

#[test]
fn an_archive_that_unpacks_to_too_much() {
    let folder = chart(&[]);
    put(folder.path(), "charts/s.tgz", &archive((0..25).map(|n| (format!("f{n}"), 5 << 20))));
    refuses(folder.path(), "decompressed chart is larger than the maximum size 104857600");
    put(folder.path(), "charts/s.tgz", &archive([("f".to_owned(), 6 << 20)]));
    refuses(folder.path(), "larger than the maximum file size 5242880");
    // What the header promises need not be there.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut header = tar::Header::new_gnu();
    header.set_path("s/f").expect("a name");
    header.set_size(1 << 40);
    header.set_cksum();
    std::io::Write::write_all(&mut gzip, header.as_bytes()).expect("a header");
    put(folder.path(), "charts/s.tgz", &gzip.finish().expect("an archive"));
    refuses(folder.path(), "larger than the maximum size 104857600");
}

#[test]
fn an_archive_of_too_many_files_and_of_long_names() {
    let folder = chart(&[]);
    put(folder.path(), "charts/s.tgz", &archive((0..20_001).map(|n| (format!("f{n}"), 0))));
    refuses(folder.path(), "more than 20000 files");
    // Nothing is written anywhere, so a name may be as long as it likes.
    let long = "d/".repeat(40_000);
    put(folder.path(), "charts/s.tgz", &archive([(format!("{long}f"), 0), ("templates/x".to_owned(), 0)]));
    let output = floe(folder.path(), &["render", "c"]);
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn links_that_lead_in_circles() {
    let folder = chart(&[("templates/x.yaml", "a: 1\n")]);
    symlink("..", folder.path().join("c/templates/up")).expect("a link");
    symlink("..", folder.path().join("c/templates/again")).expect("a link");
    refuses(folder.path(), "leads into itself");
    // Looking at it does not go round for ever either.
    let output = floe(folder.path(), &["validate", "c"]);
    assert!(output.code.is_some_and(|code| code < 64), "{output}");
    let folder = chart(&[]);
    std::fs::create_dir_all(folder.path().join("c/templates")).expect("a folder");
    symlink("self", folder.path().join("c/templates/self")).expect("a link");
    refuses(folder.path(), "error evaluating symlink");
    let folder = chart(&[]);
    std::fs::create_dir_all(folder.path().join("c/templates")).expect("a folder");
    symlink("/dev/zero", folder.path().join("c/templates/zero.yaml")).expect("a link");
    refuses(folder.path(), "cannot load irregular file");
}

#[test]
fn folders_and_charts_that_nest_too_deep() {
    let folder = chart(&[]);
    put(folder.path(), &format!("{}f", "d/".repeat(40)), b"");
    refuses(folder.path(), "more than 32 deep");
    let folder = chart(&[]);
    for depth in 1..=17 {
        let metadata = format!("{}Chart.yaml", "charts/s/".repeat(depth));
        put(folder.path(), &metadata, METADATA.as_bytes());
    }
    refuses(folder.path(), "more than 32 deep");
    let mut packed = archive([]);
    for _ in 0..40 {
        let mut tar =
            tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, bytes) in [("s/Chart.yaml", METADATA.as_bytes()), ("s/charts/s.tgz", &packed)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, path, bytes).expect("an entry");
        }
        packed = tar.into_inner().expect("a tar").finish().expect("an archive");
    }
    let folder = chart(&[]);
    put(folder.path(), "charts/s.tgz", &packed);
    refuses(folder.path(), "charts nest more than 32 deep");
}

/// Each anchor holds ten of the one before: ten to the ninth values.
fn laughs() -> String {
    let mut text = "a0: &a0 [lol, lol]\n".to_owned();
    for level in 1..10 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", alias.trim_end_matches(", ")));
    }
    text
}

#[test]
fn aliases_that_multiply() {
    const WORDS: &str = "aliases make this document too large";
    let laughs = laughs();
    let folder = chart(&[("values.yaml", &laughs)]);
    refuses(folder.path(), WORDS);
    // As output it is read for its head.
    let folder = chart(&[("templates/x.yaml", &laughs)]);
    refuses(folder.path(), WORDS);
    let folder = chart(&[("bomb.yaml", &laughs)]);
    let template = "a: {{ (fromYaml (.Files.Get \"bomb.yaml\")).Error | quote }}\n";
    put(folder.path(), "templates/x.yaml", template.as_bytes());
    let output = floe(folder.path(), &["render", "c"]);
    assert!(output.code == Some(0) && output.stdout.contains(WORDS), "{output}");
}

#[test]
fn patterns_that_grow_and_texts_that_nest() {
    let template = |text: &str| chart(&[("templates/x.yaml", text)]);
    refuses(
        template("a: {{ mustRegexMatch \"((a{900}){900}){900}\" \"a\" }}").path(),
        "c/templates/x.yaml:1:6",
    );
    // Matching takes no longer than the text is long.
    let patient = "a: {{ regexMatch \"^(a+)+$\" (printf \"%sb\" (repeat 100000 \"a\")) }}";
    let output = floe(template(patient).path(), &["render", "c"]);
    assert!(output.code == Some(0) && output.stdout.contains("a: false"), "{output}");
    let depth = 100_000;
    for nested in [
        format!("a: {}", "[".repeat(depth)),
        format!("a: {}{}", "[".repeat(depth), "]".repeat(depth)),
        format!("a: {}", "{b: ".repeat(depth)),
        "- ".repeat(depth),
        (0..2_000).fold(String::new(), |text, level| text + &" ".repeat(level) + "a:\n"),
    ] {
        let folder =
            chart(&[("values.yaml", &nested), ("templates/x.yaml", "a: {{ toYaml .Values | len }}\n")]);
        let output = floe(folder.path(), &["render", "c"]);
        assert_eq!(output.code, Some(1), "{}: {output}", &nested[..20]);
        let folder = chart(&[("templates/x.yaml", &nested)]);
        let output = floe(folder.path(), &["render", "c"]);
        assert_eq!(output.code, Some(1), "{}: {output}", &nested[..20]);
    }
    for call in ["fromJson", "fromYamlArray", "fromJsonArray", "fromYaml"] {
        let text = format!(
            "a: {{{{ printf \"%s%s\" (repeat {depth} \"[\") (repeat {depth} \"]\") | {call} | len }}}}"
        );
        let output = floe(template(&text).path(), &["render", "c"]);
        assert_eq!(output.code, Some(0), "{call}: {output}");
    }
    let set = format!("a{}=1", ".a".repeat(50_000));
    let output = floe(template("a: 1").path(), &["render", "c", "--set", &set]);
    assert_eq!(output.code, Some(1), "{output}");
}
