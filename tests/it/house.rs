//! The repository's rules about itself: layers, lock file, file sizes, documents made from tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use floe_tui::session::command::{Place, TABLE};

use super::support::{generated, repository_files, root};

/// From low to high: a lower line never uses a higher one.
const LAYERS: [&str; 17] = [
    "base",
    "yaml",
    "chart",
    "values",
    "schema",
    "model",
    "generate",
    "render",
    "manifest",
    "workspace",
    "helm",
    "cluster",
    "operations",
    "ui",
    "session",
    "screens",
    "app",
];

/// Lines of a file after which it has more than one reason to change, tests not counted. The house says 600; this is
/// where it stops being a matter of taste.
const TOO_LONG: usize = 850;

fn read(file: &Path) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn sources() -> Vec<(String, String)> {
    repository_files()
        .into_iter()
        .filter(|file| file.starts_with("src") && file.extension().is_some_and(|e| e == "rs"))
        .map(|file| (file.to_string_lossy().into_owned(), read(&file)))
        .collect()
}

/// The code of a file: comments cut, so that a doc link upwards is no use of a higher layer.
fn code(text: &str) -> Vec<(usize, String)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(i, line)| (i + 1, line.split(" // ").next().unwrap_or(line).to_owned()))
        .collect()
}

/// Top-level modules that a file names: `crate::x`, `crate::{x, y::z}`, and `super` chains that reach the root.
fn used(file: &str, text: &str) -> Vec<(usize, String)> {
    let module = file.trim_start_matches("src/").trim_end_matches(".rs");
    let depth = module.split('/').count();
    let lines = code(text);
    let mut starts = Vec::new();
    let mut joined = String::new();
    for (number, line) in &lines {
        starts.push((joined.len(), *number));
        joined.push_str(line);
        joined.push('\n');
    }
    let line_of =
        |at: usize| starts.iter().rev().find(|(start, _)| *start <= at).map_or(0, |(_, number)| *number);
    let mut anchors: Vec<usize> =
        joined.match_indices("crate::").map(|(at, found)| at + found.len()).collect();
    let climb = "super::".repeat(depth);
    for (at, _) in joined.match_indices(&climb) {
        let rest = joined[at..].trim_start_matches("super::");
        anchors.push(joined.len() - rest.len());
    }
    let mut found = Vec::new();
    for at in anchors {
        let rest = &joined[at..];
        if let Some(group) = rest.strip_prefix('{') {
            // The first name of each item at the first level of the braces.
            let (mut level, mut fresh) = (0, true);
            for (offset, c) in group.char_indices() {
                match c {
                    '{' => level += 1,
                    '}' if level == 0 => break,
                    '}' => level -= 1,
                    ',' if level == 0 => fresh = true,
                    c if fresh && level == 0 && (c.is_alphabetic() || c == '_') => {
                        fresh = false;
                        found.push((line_of(at + 1 + offset), name(&group[offset..])));
                    }
                    _ => {}
                }
            }
        } else {
            found.push((line_of(at), name(rest)));
        }
    }
    found
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// What is wrong with a use, if anything.
fn offence(file: &str, used: &str) -> Option<String> {
    let home = name(file.trim_start_matches("src/"));
    let rank = |layer: &str| LAYERS.iter().position(|other| *other == layer);
    match (home.as_str(), used) {
        ("main" | "lib", _) => None,
        (home, "cli") if home != "cli" => Some("only the binary uses `cli`".to_owned()),
        ("cli", used) if rank(used) >= rank("ui") => {
            Some(format!("`cli` is headless and never uses `{used}`"))
        }
        (home, used) if rank(home).is_some() && rank(used) > rank(home) => {
            Some(format!("`{home}` is below `{used}` in the house plan"))
        }
        _ => None,
    }
}

#[test]
fn a_lower_layer_never_uses_a_higher_one() {
    let sources = sources();
    assert!(sources.len() > 5, "found only {} sources", sources.len());
    let wrong: Vec<String> = sources
        .iter()
        .flat_map(|(file, text)| {
            used(file, text).into_iter().filter_map(move |(line, used)| {
                offence(file, &used).map(|what| format!("{file}:{line}: {what}"))
            })
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_layer_rule_sees_every_way_to_name_a_module() {
    let text = "//! See [`crate::app`].\nuse crate::base::Error;\nuse crate::{\n    yaml::KeyPath,\n    session::{Action, screens},\n};\n\
                fn f() { crate::ui::draw(); super::super::app::run(); } // crate::cli\n";
    let found: Vec<(usize, String)> = used("src/values/merge.rs", text);
    let names: Vec<(usize, &str)> = found.iter().map(|(line, name)| (*line, name.as_str())).collect();
    assert_eq!(names, [(2, "base"), (4, "yaml"), (5, "session"), (7, "ui"), (7, "app")]);
    assert!(offence("src/values/merge.rs", "base").is_none());
    assert!(offence("src/values/merge.rs", "session").is_some());
    assert!(offence("src/cli/plan.rs", "operations").is_none());
    assert!(offence("src/cli/plan.rs", "ui").is_some());
    assert!(offence("src/app.rs", "cli").is_some());
    assert!(offence("src/main.rs", "app").is_none());
}

#[test]
fn every_module_has_a_place_in_the_house_plan() {
    let lib = read(Path::new("src/lib.rs"));
    let modules: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod ")))
        .filter_map(|rest| rest.strip_suffix(';'))
        .collect();
    assert!(modules.contains(&"base"), "{modules:?}");
    for module in modules {
        assert!(LAYERS.contains(&module) || module == "cli", "`{module}` has no line in the house plan");
        assert!(lib.contains(&format!("[`{module}`]")), "src/lib.rs does not say what `{module}` owns");
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut long = Vec::new();
    for (file, text) in sources() {
        if file.ends_with("tests.rs") {
            continue;
        }
        assert!(
            text.starts_with("//!") || file == "src/main.rs",
            "{file}: no `//!` header that says what it is and why"
        );
        assert!(!file.ends_with("/mod.rs"), "{file}: a module is `name.rs` beside `name/`");
        let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
        if lines > 600 {
            eprintln!("{file}: {lines} lines of code; past 600 a file usually has two reasons to change");
        }
        if lines > TOO_LONG {
            long.push(format!("{file}: {lines} lines"));
        }
    }
    assert!(long.is_empty(), "more than {TOO_LONG} lines: {long:?}");
}

#[test]
fn the_lock_file_holds_one_tls_and_no_dead_yaml() {
    let lock: toml::Table = toml::from_str(&read(Path::new("Cargo.lock"))).expect("Cargo.lock");
    let names: Vec<&str> = lock["package"]
        .as_array()
        .expect("packages")
        .iter()
        .filter_map(|package| package.get("name").and_then(toml::Value::as_str))
        .collect();
    assert!(names.contains(&"ring") && names.contains(&"rustls"), "this reads the lock file");
    for forbidden in
        ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "serde_yaml", "tui-textarea"]
    {
        assert!(
            !names.contains(&forbidden),
            "{forbidden} is in Cargo.lock; `cargo tree -i {forbidden}` says why"
        );
    }
}

#[test]
fn no_file_names_a_machine() {
    let home = std::env::var("HOME").unwrap_or_default();
    // The folder of this checkout, wherever it is.
    let mut places: Vec<String> = vec![root().display().to_string()];
    if home.len() > 3 {
        places.push(format!("{home}/"));
    }
    let mut found = Vec::new();
    for file in repository_files() {
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            if let Some(place) = places.iter().find(|place| line.contains(place.as_str())) {
                found.push(format!("{}:{}: {place}", file.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn scripts_are_executable() {
    use std::os::unix::fs::PermissionsExt as _;
    for file in repository_files() {
        let path = root().join(&file);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if text.starts_with("#!/") && !text.starts_with("#![") {
            let mode = std::fs::metadata(&path).expect("metadata").permissions().mode();
            assert!(mode & 0o111 != 0, "{}: begins with `#!` and is not executable", file.display());
        }
    }
}

#[test]
fn the_readme_lists_the_themes() {
    let mut themes: BTreeMap<String, String> = BTreeMap::new();
    for file in repository_files().iter().filter(|file| file.starts_with("themes")) {
        let Some(stem) = file.file_stem().filter(|_| file.extension().is_some_and(|e| e == "toml")) else {
            continue;
        };
        let text = read(file);
        // The comment at the head of a theme says what it is for.
        let words: Vec<&str> = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect();
        let about = words.join(" ");
        themes.insert(stem.to_string_lossy().into_owned(), about);
    }
    let mut table = "| theme | |\n|---|---|\n".to_owned();
    for (name, about) in &themes {
        let _ = writeln!(table, "| `{name}` | {about} |");
    }
    generated("README.md", "themes", &table);
}

#[test]
fn the_readme_lists_the_keys() {
    let mut places: Vec<Place> = Vec::new();
    for info in TABLE {
        if !places.contains(&info.place) {
            places.push(info.place);
        }
    }
    assert!(places.len() > 5, "{places:?}");
    let mut text = String::new();
    for place in places {
        let _ = writeln!(text, "\n**{}**\n\n| keys | | does | name |\n|---|---|---|---|", place.title());
        for info in TABLE.iter().filter(|info| info.place == place) {
            let keys: Vec<String> = info.keys.iter().map(|key| format!("`{key}`")).collect();
            let keys = if keys.is_empty() { "palette".to_owned() } else { keys.join(" ") };
            let _ = writeln!(text, "| {keys} | {} | {} | `{}` |", info.title, info.help, info.id);
        }
    }
    text.push('\n');
    generated("README.md", "keys", &text);
}

#[test]
fn the_schemas_of_all_entities_are_shipped_and_linked() {
    let readme = read(Path::new("README.md"));
    let folder = root().join("schemas");
    let mut shipped: Vec<String> = Vec::new();
    for (name, schema) in floe_tui::model::ENTITIES {
        let file = format!("schemas/{name}.json");
        let wanted = format!("{:#}\n", schema());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(root().join(&file), &wanted).expect("a written schema");
        }
        let found = std::fs::read_to_string(root().join(&file)).unwrap_or_default();
        assert!(
            found == wanted,
            "{file} is not what the program says; `UPDATE=1 cargo test --test it house::` writes it"
        );
        assert!(readme.contains(&format!("({file})")), "README.md does not link {file}");
        shipped.push(format!("{name}.json"));
    }
    for entry in std::fs::read_dir(&folder).expect("schemas/").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(shipped.contains(&name), "schemas/{name} belongs to no entity");
    }
}
