//! The operator's own editor: `$VISUAL`, else `$EDITOR`, else vi; with its arguments, at a line where the editor
//! can be told one.

use std::path::Path;
use std::process::Command;

/// The command that opens `path`, at `line` (from 1) when given.
pub fn command(path: &Path, line: Option<usize>) -> Command {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let wish = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    build(&wish, path, line)
}

fn build(wish: &str, path: &Path, line: Option<usize>) -> Command {
    let mut words = words(wish).into_iter();
    let program = words.next().unwrap_or_else(|| "vi".to_owned());
    let mut command = Command::new(&program);
    command.args(words);
    let name =
        Path::new(&program).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let with_line = |line: usize| {
        let mut text = path.as_os_str().to_owned();
        text.push(format!(":{line}"));
        text
    };
    match (line, name.as_str()) {
        (Some(line), "hx" | "helix" | "subl" | "zed" | "zeditor" | "micro") => {
            command.arg(with_line(line));
        }
        (Some(line), "code" | "code-insiders" | "codium" | "vscodium" | "cursor") => {
            command.arg("--goto").arg(with_line(line));
        }
        (
            Some(line),
            "vi" | "vim" | "nvim" | "view" | "vis" | "nano" | "pico" | "emacs" | "emacsclient" | "kak"
            | "joe" | "jed" | "ne" | "mg" | "zile" | "mcedit" | "ex",
        ) => {
            command.arg(format!("+{line}")).arg(path);
        }
        // An editor we do not know gets the file alone: a wrong flag would open something else.
        _ => {
            command.arg(path);
        }
    }
    command
}

/// Words as a shell would split them: spaces, quotes, backslashes; nothing is expanded.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(wish: &str, line: Option<usize>) -> Vec<String> {
        let command = build(wish, Path::new("/w/values prod.yaml"), line);
        let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
        std::iter::once(command.get_program().to_string_lossy().into_owned()).chain(args).collect()
    }

    #[test]
    fn each_editor_is_told_the_line_its_own_way() {
        assert_eq!(argv("vim", Some(12)), ["vim", "+12", "/w/values prod.yaml"]);
        assert_eq!(argv("/usr/bin/hx", Some(12)), ["/usr/bin/hx", "/w/values prod.yaml:12"]);
        assert_eq!(argv("code --wait", Some(3)), ["code", "--wait", "--goto", "/w/values prod.yaml:3"]);
        assert_eq!(argv("my-editor", Some(3)), ["my-editor", "/w/values prod.yaml"]);
        assert_eq!(argv("vim", None), ["vim", "/w/values prod.yaml"]);
    }

    #[test]
    fn arguments_and_quotes_are_kept() {
        assert_eq!(
            words(r#"emacs -nw --eval "(a b)" 'c d' e\ f"#),
            ["emacs", "-nw", "--eval", "(a b)", "c d", "e f"]
        );
        assert_eq!(words("  "), Vec::<String>::new());
        assert_eq!(argv("  ", None)[0], "vi");
    }
}
