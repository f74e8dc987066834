//! Remembering a choice in the operator's `config.toml`: one line is changed or added, everything else stays byte
//! for byte. The result is read again before it is handed out.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::super::located::Located;
use crate::base::{Error, Result};
use crate::yaml::KeyPath;

/// The text with another theme.
pub fn with_theme(text: &str, theme: &str) -> Result<String> {
    with(text, None, "theme", theme)
}

/// The text with a context for a shared cluster name.
pub fn with_cluster(text: &str, cluster: &str, context: &str) -> Result<String> {
    with(text, Some("clusters"), cluster, context)
}

fn with(text: &str, table: Option<&str>, key: &str, value: &str) -> Result<String> {
    let refused = || {
        Error::new(format!("cannot remember {key} = {value} in this file"))
            .next("write it there as text, then start again")
    };
    let file = Path::new(super::FILE);
    let (document, errors) = DeTable::parse_recoverable(text);
    if let Some(error) = errors.first() {
        return Err(refused().because(format!("not TOML: {}", error.message())));
    }
    let root = document.get_ref();
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let entry = format!("{} = {}", quoted_key(key), quoted(value));
    let holder = match table {
        None => Some(root),
        Some(table) => match entry_of(root, table).map(|(_, value)| value.get_ref()) {
            None => None,
            Some(DeValue::Table(map)) => Some(map),
            Some(_) => return Err(refused()),
        },
    };
    let edited = if let Some((_, old)) = holder.and_then(|holder| entry_of(holder, key)) {
        let span = old.span();
        format!("{}{}{}", &text[..span.start], quoted(value), &text[span.end..])
    } else if let Some(table) = table {
        let header = text.split_inclusive('\n').scan(0, |offset, line| {
            *offset += line.len();
            Some((*offset, line))
        });
        let is_header = |line: &str| {
            let line = line.split('#').next().unwrap_or_default().trim();
            line.strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'))
                .is_some_and(|name| name.trim() == table)
        };
        if let Some((end, line)) = header.into_iter().find(|(_, line)| is_header(line)) {
            let ended = if line.ends_with('\n') { "" } else { line_end };
            format!("{}{ended}{entry}{line_end}{}", &text[..end], &text[end..])
        } else {
            let text = with_line_end(text, line_end);
            let gap = if text.is_empty() { "" } else { line_end };
            format!("{text}{gap}[{table}]{line_end}{entry}{line_end}")
        }
    } else {
        // A key of the root has to stand before the first table; comments above a table belong to it.
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let first = lines.iter().position(|line| line.trim_start().starts_with('[')).unwrap_or(lines.len());
        let above = lines[..first].iter().rev().take_while(|line| line.trim_start().starts_with('#')).count();
        let at = if first == lines.len() { first } else { first - above };
        let before = with_line_end(&lines[..at].concat(), line_end);
        format!("{before}{entry}{line_end}{}", lines[at..].concat())
    };
    // Nothing but this key may differ.
    let mut expected = Located::toml(file, text).value;
    let path = table.map_or_else(KeyPath::root, |table| KeyPath::of([table])).key(key);
    put(&mut expected, &path, value);
    let read = Located::toml(file, &edited);
    if read.problems.is_empty() && read.value == expected { Ok(edited) } else { Err(refused()) }
}

fn entry_of<'t, 'i>(
    table: &'t DeTable<'i>,
    key: &str,
) -> Option<(&'t toml::Spanned<toml::de::DeString<'i>>, &'t toml::Spanned<DeValue<'i>>)> {
    table.iter().find(|(own, _)| own.get_ref() == key)
}

fn put(document: &mut Value, path: &KeyPath, value: &str) {
    let mut here = document;
    for segment in &path.0 {
        let crate::yaml::Segment::Key(key) = segment else { return };
        here = &mut here[key.as_str()];
    }
    *here = Value::String(value.to_owned());
}

fn with_line_end(text: &str, line_end: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}{line_end}") }
}

fn quoted_key(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if is_bare { key.to_owned() } else { quoted(key) }
}

/// A basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Settings;
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "# mine\ntheme = 'dark' # night\nmouse = true\n\n# where\n[clusters] # names\na = \"x\"\n\n[keys]\nquit = \"q\"\n";

    #[test]
    fn a_value_is_replaced_where_it_stands() {
        assert_eq!(with_theme(TEXT, "light").unwrap(), TEXT.replace("'dark'", "\"light\""));
        assert_eq!(with_cluster(TEXT, "a", "y").unwrap(), TEXT.replace("\"x\"", "\"y\""));
    }

    #[test]
    fn a_new_value_finds_its_table() {
        assert_eq!(
            with_cluster(TEXT, "b.c", "y").unwrap(),
            TEXT.replace("# names\n", "# names\n\"b.c\" = \"y\"\n")
        );
        let without = TEXT.replace("theme = 'dark' # night\n", "");
        assert_eq!(
            with_theme(&without, "light").unwrap(),
            without.replace("\n# where", "\ntheme = \"light\"\n# where")
        );
    }

    #[test]
    fn an_empty_file_and_one_without_the_table() {
        assert_eq!(with_cluster("", "a", "x").unwrap(), "[clusters]\na = \"x\"\n");
        assert_eq!(with_theme("", "dark").unwrap(), "theme = \"dark\"\n");
        assert_eq!(
            with_cluster("mouse = true", "a", "x").unwrap(),
            "mouse = true\n\n[clusters]\na = \"x\"\n"
        );
        assert_eq!(with_theme("mouse = true\r\n", "x").unwrap(), "mouse = true\r\ntheme = \"x\"\r\n");
    }

    #[test]
    fn what_cannot_be_changed_safely_is_refused() {
        assert!(with_theme("theme = = 1\n", "x").is_err());
        assert!(with_cluster("clusters = 3\n", "a", "x").is_err());
        // An inline table takes no line of its own.
        assert!(with_cluster("clusters = {b = \"1\"}\n", "a", "x").is_err());
        assert_eq!(with_cluster("clusters = {a = \"1\"}\n", "a", "x").unwrap(), "clusters = {a = \"x\"}\n");
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_read_again(cluster in "\\PC{1,12}", context in "[^\u{0}]{0,3}\\PC{1,12}") {
            let text = with_cluster(TEXT, &cluster, &context).unwrap();
            let settings = Settings::read(Path::new("config.toml"), &text);
            if !context.trim().is_empty() {
                prop_assert_eq!(settings.clusters.get(&cluster), Some(&context));
            }
            prop_assert_eq!(settings.theme.as_deref(), Some("dark"));
        }
    }
}
