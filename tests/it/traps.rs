//! Small charts, each a trap: rules of the template language, of loading, of merging, of printing, and their errors.
//! What helm prints is asked of the real programs; exit, output and words must be the same.
//!
//! `traps/*.txt` hold many each:
//!
//! ```text
//! === name of the trap
//! $ --set a=1                 arguments; paths are relative to the chart
//! -- templates/x.yaml --      a file; below `some.tgz/` it lies in that archive
//! content
//! -- link -> target --        a symbolic link
//! -- file.txt (escaped) --    content with Rust's escapes, without the last line break
//! ```
//!
//! Text without a file is `templates/x.yaml`. A chart without `Chart.yaml` gets one, unless it is listed as `-- no Chart.yaml --`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use floe_tui::render::{Engine, Profile, Refusal, Request, Session, SetForm, ValuesSource};

use crate::support::sandbox::{HelmMajor, helm, older_helms};

const FILES: &[(&str, &str)] = &[
    ("errors", include_str!("traps/errors.txt")),
    ("functions", include_str!("traps/functions.txt")),
    ("language", include_str!("traps/language.txt")),
    ("loading", include_str!("traps/loading.txt")),
    ("printing", include_str!("traps/printing.txt")),
    ("values", include_str!("traps/values.txt")),
];

#[derive(Debug, Default, Clone)]
struct Trap {
    name: String,
    args: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
    links: Vec<(String, String)>,
    without_metadata: bool,
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.trim_end_matches('\n');
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            out.extend(c.to_string().bytes());
            continue;
        }
        let escape = rest.chars().next().expect("an escape");
        rest = &rest[escape.len_utf8()..];
        match escape {
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            '0' => out.push(0),
            '\\' => out.push(b'\\'),
            'x' => {
                out.push(u8::from_str_radix(&rest[..2], 16).expect("two digits"));
                rest = &rest[2..];
            }
            other => panic!("an unknown escape {other:?}"),
        }
    }
    out
}

fn traps() -> Vec<Trap> {
    let mut found: Vec<Trap> = Vec::new();
    for (file, text) in FILES {
        let mut traps = text.split("\n=== ");
        // What stands before the first trap is the file's comment.
        traps.next();
        for trap in traps {
            let (name, body) = trap.split_once('\n').unwrap_or((trap, ""));
            let mut made = Trap { name: format!("{file}: {name}"), ..Trap::default() };
            let mut current: Option<(String, bool)> = None;
            let mut content = String::new();
            for line in body.split_inclusive('\n').chain(["-- end --\n"]) {
                let header = line.trim_end().strip_prefix("-- ").and_then(|line| line.strip_suffix(" --"));
                if let Some(arguments) =
                    line.strip_prefix("$ ").filter(|_| content.is_empty() && current.is_none())
                {
                    made.args.extend(arguments.split_whitespace().map(str::to_owned));
                } else if let Some(header) = header {
                    let (path, escaped) =
                        current.take().unwrap_or_else(|| ("templates/x.yaml".to_owned(), false));
                    let text = std::mem::take(&mut content);
                    if !(text.is_empty() && path == "templates/x.yaml") {
                        let bytes = if escaped { unescaped(&text) } else { text.into_bytes() };
                        made.files.push((path, bytes));
                    }
                    if let Some((link, target)) = header.split_once(" -> ") {
                        made.links.push((link.to_owned(), target.to_owned()));
                    } else if header == "no Chart.yaml" {
                        made.without_metadata = true;
                    } else if let Some(path) = header.strip_suffix(" (escaped)") {
                        current = Some((path.to_owned(), true));
                    } else {
                        current = Some((header.to_owned(), false));
                    }
                } else {
                    content.push_str(line);
                }
            }
            made.files.retain(|(path, _)| path != "end" && !path.is_empty());
            found.push(made);
        }
    }
    found
}

/// A `.tgz` of files by path, links last.
fn archive(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    // Archives nest: what lies below another `.tgz` goes into that one.
    let mut inner: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    let mut own = files.clone();
    own.retain(|path, bytes| match path.split_once(".tgz/") {
        Some((stem, below)) => {
            inner.entry(format!("{stem}.tgz")).or_default().insert(below.to_owned(), bytes.clone());
            false
        }
        None => true,
    });
    own.extend(inner.iter().map(|(path, files)| (path.clone(), archive(files))));
    for (path, bytes) in own {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Names that the crate refuses are written as they are.
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).expect("a written entry");
    }
    tar.into_inner().expect("a tar").finish().expect("an archive")
}

impl Trap {
    /// Unpacked into a folder `c` there.
    fn unpack(&self, folder: &Path) {
        let chart = folder.join("c");
        let mut files: BTreeMap<String, Vec<u8>> = self.files.iter().cloned().collect();
        if !self.without_metadata && !files.contains_key("Chart.yaml") {
            files.insert("Chart.yaml".to_owned(), b"apiVersion: v2\nname: c\nversion: 1.0.0\n".to_vec());
        }
        let mut archives: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
        for (path, bytes) in files {
            if let Some((stem, below)) = path.split_once(".tgz/") {
                archives.entry(format!("{stem}.tgz")).or_default().insert(below.to_owned(), bytes);
            } else {
                write(&chart.join(path), &bytes);
            }
        }
        for (path, files) in archives {
            write(&chart.join(path), &archive(&files));
        }
        for (link, target) in &self.links {
            let link = chart.join(link);
            std::fs::create_dir_all(link.parent().expect("a parent")).expect("a folder");
            std::os::unix::fs::symlink(target, link).expect("a link");
        }
    }

    fn request(&self, chart: &Path) -> Request {
        let mut request = Request::new("c", "rel", "default");
        request.chart_dir = chart.join("c");
        let mut args = self.args.iter();
        while let Some(flag) = args.next() {
            let mut value = || args.next().expect("a flag's value").clone();
            match flag.as_str() {
                "-f" => request.values.push(ValuesSource::File(chart.join(value()))),
                "--set" => request.set.push(value()),
                "--set-string" => request.given.push((SetForm::Text, value())),
                "--set-json" => request.given.push((SetForm::Json, value())),
                // Relative to where helm runs.
                "--set-file" => {
                    let there = format!("={}/c/", chart.display());
                    request.given.push((SetForm::File, value().replace("=c/", &there)));
                }
                "--set-literal" => request.given.push((SetForm::Literal, value())),
                "--show-only" => request.show_only.push(value().into()),
                "--kube-version" => request.kube_version = Some(value()),
                "--api-versions" => request.api_versions.push(value()),
                "--namespace" => request.namespace = value(),
                "--is-upgrade" => request.is_upgrade = true,
                "--include-crds" => request.include_crds = true,
                "--skip-tests" => request.skip_tests = true,
                other => panic!("{}: the flag {other}", self.name),
            }
        }
        request
    }
}

/// Contents of the traps' files, for fuzzing.
pub fn contents(fits: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    traps()
        .into_iter()
        .flat_map(|trap| trap.files)
        .filter(|(path, _)| fits(path))
        .map(|(_, bytes)| bytes)
        .collect()
}

/// The traps' arguments, each behind a byte that chooses the form.
pub fn arguments() -> Vec<Vec<u8>> {
    let found = traps().into_iter().flat_map(|trap| trap.args).filter(|argument| !argument.starts_with('-'));
    found.enumerate().map(|(at, argument)| [&[at as u8], argument.as_bytes()].concat()).collect()
}

/// The traps' archives.
pub fn archives() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for trap in traps() {
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (path, bytes) in trap.files {
            if let Some((_, below)) = path.split_once(".tgz/") {
                files.insert(below.to_owned(), bytes);
            }
        }
        if !files.is_empty() {
            found.push(archive(&files));
        }
    }
    found
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, bytes).expect("a written file");
}

/// Exit, output, words.
type Printed = (bool, String, String);

fn by_helm(program: &Path, folder: &Path, trap: &Trap) -> Printed {
    let mut command = Command::new(program);
    command
        .args(["template", "rel", "c"])
        .args(&trap.args)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder);
    let output = command.output().expect("helm runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout),
        words(&text(&output.stderr)).replace(&format!("{}/c/", folder.display()), "c/"),
    )
}

/// Without what helm tells on the side, on the same stream.
fn words(text: &str) -> String {
    let is_told = |line: &&str| {
        line.starts_with("level=")
            || line.contains(".go:")
            || line.starts_with("WARNING: ")
            || line.starts_with("20")
    };
    text.split_inclusive('\n').filter(|line| !is_told(line)).collect()
}

fn by_engine(engine: &Engine, folder: &Path, trap: &Trap) -> Printed {
    match engine.render(&trap.request(folder), false) {
        Ok(output) => (true, output.manifest().to_owned(), String::new()),
        Err(refusal @ Refusal::Helm { .. }) => {
            let words = refusal.printed().unwrap_or_default();
            // Files of values are named as they were given.
            (false, String::new(), words.replace(&format!("{}/c/", folder.display()), "c/"))
        }
        Err(other) => (false, String::new(), format!("{other:?}")),
    }
}

/// Where the engine differs from a helm, one entry a trap.
fn differences(program: &Path, profile: Profile, traps: &[Trap]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let engine = Engine::new(profile, Session::default());
                while let Some(trap) = traps.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let folder = tempfile::tempdir().expect("a folder");
                    let folder = folder.path().canonicalize().expect("a path");
                    trap.unpack(&folder);
                    let (theirs, ours) = (by_helm(program, &folder, trap), by_engine(&engine, &folder, trap));
                    if theirs != ours {
                        let shown = |(done, out, words): &Printed| format!("{done} {out:?} {words:?}");
                        let entry =
                            format!("{}\n  helm   {}\n  engine {}", trap.name, shown(&theirs), shown(&ours));
                        found.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort();
    found
}

#[test]
fn every_trap_is_what_helm_makes_of_it() {
    let mut traps = traps();
    assert!(traps.len() >= 150, "only {} traps", traps.len());
    if let Ok(wanted) = std::env::var("TRAPS") {
        traps.retain(|trap| trap.name.contains(&wanted));
    }
    let mut different = Vec::new();
    for (major, profile) in [(HelmMajor::Three, Profile::THREE), (HelmMajor::Four, Profile::FOUR)] {
        for difference in differences(&helm(major), profile, &traps) {
            different.push(format!("helm {}, {difference}", major.number()));
        }
    }
    assert!(
        different.is_empty(),
        "{} of {} differ:\n{}",
        different.len(),
        traps.len() * 2,
        different.join("\n")
    );
}

/// In the full proof (`CHARTS_PROOF=full`), or with `OLDER_HELMS=1`: also older helms, each compared by its own profile.
/// There is no list of what may differ.
#[test]
fn every_trap_is_what_older_helms_make_of_it() {
    if std::env::var("CHARTS_PROOF").as_deref() != Ok("full") && std::env::var_os("OLDER_HELMS").is_none() {
        return;
    }
    let (traps, helms) = (traps(), older_helms());
    let mut different = Vec::new();
    for (version, program) in &helms {
        let profile = Profile::of(version);
        assert!(profile.is_proven(), "helm {version} is compared and not called proven");
        let found = differences(program, profile, &traps);
        different.extend(found.into_iter().map(|difference| format!("helm {version}, {difference}")));
    }
    assert!(
        different.is_empty(),
        "{} of {} differ:\n{}",
        different.len(),
        traps.len() * helms.len(),
        different.join("\n")
    );
}

/// What is called proven is what is compared: the README and the screens say so of no other version.
#[test]
fn proven_versions_are_those_that_are_compared() {
    let versions = include_str!("../sandbox/versions");
    let value = |name: &str| {
        let line = versions.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("no {name}")).trim_matches('"')
    };
    let older = value("older_helms").split_whitespace().filter_map(|pair| pair.split('=').next());
    let mut compared: Vec<semver::Version> = [value("helm3"), value("helm4")]
        .into_iter()
        .chain(older)
        .map(|version| version.trim_start_matches('v').parse().expect("a version"))
        .collect();
    compared.sort();
    let proven: Vec<semver::Version> = Profile::PROVEN.iter().map(|profile| profile.version()).collect();
    assert_eq!(proven, compared);
    let named = format!("({})", proven.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&named), "the README names other versions than {named}");
}
