//! The tests' own tools, tested: a terminal that sees nothing would let everything pass.

use std::path::Path;

use rstest::rstest;
use vt100::Parser;

use super::support::operator::{ROOMS, active_room, header};
use super::support::pty::{SOON, Start, Terminal, rows};
use super::support::sandbox::HelmMajor;
use super::support::svg::draw;
use super::support::workspace::Workspace;

fn shell() -> Terminal {
    Start::command(Path::new("/bin/bash"))
        .args(["--norc", "--noprofile"])
        .env("PS1", "ready> ")
        .size(60, 10)
        .open()
}

#[test]
fn a_terminal_shows_what_a_program_writes_and_hears_what_is_typed() {
    let mut terminal = shell();
    terminal.wait_text("ready>");
    terminal.type_text("stty size; echo $((20+3))-x").press("Enter");
    terminal.wait_all(&["10 60", "23-x"], SOON);
    terminal.resize(44, 7);
    terminal.type_text("clear; stty size").press("Enter");
    terminal.wait_text("7 44");
    terminal.type_text("exit 7").press("Enter");
    assert_eq!(terminal.wait_exit(SOON).exit_code(), 7);
    terminal.assert_restored();
}

#[test]
fn a_terminal_answers_what_programs_ask() {
    let mut terminal = shell();
    terminal.wait_text("ready>");
    // -d R: the answer to \e[6n ends with R; -s: it is not echoed.
    terminal.type_text(r"read -rsd R -p $'\e[3;5H\e[6n' at; echo; echo at=${at#*[}").press("Enter");
    terminal.wait_text("at=3;5");
    terminal.type_text(r"read -rsd '\' -p $'\e]11;?\e\\' bg; echo; echo bg=${bg#*rgb:}").press("Enter");
    terminal.wait_text("bg=1e1e/1e1e/2e2e");
}

#[test]
fn what_a_program_leaves_behind_is_seen() {
    let mut terminal = shell();
    terminal.wait_text("ready>");
    terminal.type_text(r"printf '\e[?1049h\e[?25l\e[?1002h\e[?2004h'; exit").press("Enter");
    terminal.wait_exit(SOON);
    let wrong = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| terminal.assert_restored()));
    let message = *wrong.expect_err("four modes are on").downcast::<String>().expect("a message");
    for part in ["alternate screen", "cursor is hidden", "mouse", "paste"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn an_escape_is_never_taken_for_the_beginning_of_the_next_key() {
    let mut terminal = shell();
    terminal.wait_text("ready>");
    // Each read takes what is there: Esc and x must come as two. One process, so that none has to start in between.
    let script = "stty raw -echo; python3 -uc 'import os; print(6 * 7); \
                  [print(os.read(0, 64).hex(), end=chr(13) + chr(10)) for _ in range(3)]'; stty sane";
    terminal.type_text(script).press("Enter");
    terminal.wait_text("42");
    terminal.press("a").wait_for("a read", SOON, |screen| rows(screen).iter().any(|row| row.trim() == "61"));
    terminal.press("Esc").press("x");
    terminal.wait_for("two reads", SOON, |screen| {
        let rows = rows(screen);
        rows.iter().any(|row| row.trim() == "1b") && rows.iter().any(|row| row.trim() == "78")
    });
}

#[test]
fn a_picture_keeps_text_colours_and_frames() {
    let mut parser = Parser::default();
    parser.process("┌─\x1b[1;38;2;1;2;3mbold & \x1b[0mplain\x1b[44m on blue".as_bytes());
    let svg = draw(parser.screen(), "a <title>");
    assert!(svg.contains("a &lt;title&gt;"), "{svg}");
    assert!(svg.contains(r##"fill="#010203""##) && svg.contains(r#"font-weight="bold""#), "{svg}");
    assert!(svg.contains(">bold &amp;</text>"), "{svg}");
    assert!(svg.contains(&format!(r#"height="18.0" fill="{}""#, "#89b4fa")), "{svg}");
    assert!(svg.contains("<path d=\"M16.2"), "the frame is drawn, not written: {svg}");
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
}

#[test]
fn a_copy_differs_from_the_projects_charts_in_its_namespaces_alone() {
    let workspace = Workspace::new("copy");
    assert_eq!(workspace.changed_lines(), []);
    assert!(
        workspace.read("values.yaml").contains(&format!("\"{}\"", workspace.namespace("{{.environment}}")))
    );
    assert!(workspace.platform().join("charts").is_dir(), "dependencies are built");
    workspace.write("values-dev.yaml", "global: {environment: dev}\n");
    assert_eq!(workspace.changed_lines().len(), 1);
}

#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn planes_give_deployers_their_namespaces_and_no_others(#[case] major: HelmMajor) {
    let workspace = Workspace::on_planes("grant", major, &["dev", "prod"]);
    for environment in ["dev", "prod"] {
        let list = workspace.helm(environment, &["list", "--output", "json"]).ok();
        assert_eq!(list.json(), serde_json::json!([]));
        let foreign = workspace.helm(environment, &["list", "--all-namespaces"]);
        assert_ne!(foreign.code, Some(0), "{foreign}");
        assert!(foreign.stderr.contains("forbidden"), "{foreign}");
    }
    let version = workspace.helm("dev", &["version", "--template", "{{.Version}}"]).ok();
    assert!(version.stdout.starts_with(&format!("v{}.", major.number())), "{version}");
    assert_eq!(workspace.get("dev", &["secrets"])["kind"], "List");
}

#[test]
fn the_room_one_is_in_is_read_from_how_its_tab_looks() {
    let tabs = |current: &str| {
        let mut parser = Parser::default();
        parser.process("floe-platform · dev → a / b   1 unsaved\r\n".as_bytes());
        for (key, title) in ROOMS {
            let look = if title == current { "\x1b[7m" } else { "" };
            parser.process(format!("{look} {key} {title} \x1b[0m").as_bytes());
        }
        parser
    };
    for (_, title) in ROOMS {
        let parser = tabs(title);
        assert_eq!(active_room(parser.screen()), Some(title));
        assert!(header(parser.screen()).contains("· dev "));
    }
    assert_eq!(active_room(tabs("none of them").screen()), None);
    assert_eq!(active_room(Parser::default().screen()), None);
}
