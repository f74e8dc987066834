//! What an operator does in the program, in their words: the steps that tests, pictures and measurements are made of.

use std::time::Duration;

use vt100::Screen;

use super::pty::{SOON, Terminal, has, has_row, row_with, rows, text};
use super::workspace::Workspace;

/// The rooms, by key.
pub const ROOMS: [(&str, &str); 6] =
    [("1", "Charts"), ("2", "Values"), ("3", "Clusters"), ("4", "Diff"), ("5", "Releases"), ("6", "Run")];

/// How long something may take that a cluster has a part in.
pub const CLUSTER: Duration = Duration::from_secs(90);

/// Somebody at the program.
pub struct Operator {
    pub terminal: Terminal,
}

impl Operator {
    /// Opens the program on a workspace and waits until it shows the chart.
    #[track_caller]
    pub fn open(workspace: &Workspace, columns: u16, rows: u16) -> Self {
        let operator = Self { terminal: workspace.terminal().size(columns, rows).open() };
        operator.terminal.wait_text("floe-platform");
        operator.terminal.wait_for("the rooms", SOON, |screen| active_room(screen).is_some());
        operator
    }

    /// Goes to a room by its number.
    #[track_caller]
    pub fn room(&mut self, title: &str) -> &mut Self {
        let key = ROOMS.iter().find(|(_, name)| *name == title).expect("a room").0;
        self.terminal.press(key);
        self.terminal
            .wait_for(&format!("the room {title}"), SOON, |screen| active_room(screen) == Some(title));
        self
    }

    /// Interrupts the operation that Run shows, and waits until it has ended.
    #[track_caller]
    pub fn interrupt(&mut self, verb: &str) {
        self.terminal.press("x");
        self.terminal.wait_for("the three ways", SOON, |screen| {
            says(screen, &["keep waiting"]) && says(screen, &["detach"]) && says(screen, &["interrupt"])
        });
        self.terminal.type_text("interrupt").press("Enter");
        self.terminal.wait_text_within(&format!("{verb} was interrupted"), CLUSTER);
    }

    /// Chooses the environment that the header names.
    #[track_caller]
    pub fn environment(&mut self, environment: &str) -> &mut Self {
        if header(&self.terminal.screen()).contains(&format!("· {environment} ")) {
            return self;
        }
        self.terminal.press("e");
        // What is typed before the list is drawn is dropped.
        self.terminal.wait_text("Enter choose");
        self.terminal.type_text(environment);
        self.terminal.wait_for("the typed name", SOON, |screen| {
            has_row(screen, &["›", environment]) && !has(screen, "type to filter")
        });
        self.terminal.press("Enter");
        let wanted = format!("· {environment} ");
        self.terminal.wait_for(&format!("the header to say {environment}"), SOON, |screen| {
            header(screen).contains(&wanted)
        });
        self
    }

    /// Narrows the rows of the room and goes back to them.
    #[track_caller]
    pub fn filter(&mut self, filter: &str) -> &mut Self {
        self.terminal.press("/").type_text(filter);
        self.terminal.wait_text(filter);
        self.terminal.press("Enter");
        self
    }

    /// In Values: the cursor on a key (its full path shows beside the tree) in the column of an environment.
    #[track_caller]
    pub fn value(&mut self, path: &str, environment: &str) -> &mut Self {
        self.room("Values").environment(environment);
        let last = path.rsplit('.').next().expect("a key");
        self.filter(last);
        self.down_to(path, |screen| has_row(screen, &[path]))
    }

    /// Moves down row by row until the screen is as wanted.
    #[track_caller]
    pub fn down_to(&mut self, what: &str, wanted: impl Fn(&Screen) -> bool) -> &mut Self {
        self.terminal.press("Home");
        for _ in 0..200 {
            let screen = self.terminal.wait_quiet(Duration::from_millis(60), Duration::from_secs(2));
            if wanted(&screen) {
                return self;
            }
            self.terminal.press("Down");
        }
        panic!("no row is {what}\n{}", self.terminal.picture());
    }

    /// Replaces the value under the cursor.
    #[track_caller]
    pub fn edit(&mut self, value: &str) -> &mut Self {
        self.terminal.press("Enter");
        self.terminal.wait_text("Enter accept");
        self.terminal.press("End");
        for _ in 0..12 {
            self.terminal.press("Backspace");
        }
        self.terminal.type_text(value).press("Enter");
        // A file of a megabyte takes its time in a debug build.
        self.terminal.wait_for("the input to close", CLUSTER, |screen| !has(screen, "Enter accept"));
        self
    }

    /// Saves the focused file and waits until nothing is unsaved.
    #[track_caller]
    pub fn save(&mut self) -> &mut Self {
        self.terminal
            .wait_for("an unsaved file in the header", SOON, |screen| header(screen).contains("unsaved"));
        self.terminal.press("s");
        self.terminal.wait_for("nothing unsaved", SOON, |screen| !header(screen).contains("unsaved"));
        self
    }

    /// Asks for a plan by its capital letter and waits for it: the command is on the screen.
    #[track_caller]
    pub fn plan(&mut self, key: &str, command: &str) -> Screen {
        self.terminal.press(key);
        self.terminal.wait_for(&format!("a plan to {command}"), CLUSTER, |screen| {
            active_room(screen) == Some("Run")
                && has(screen, command)
                && has(screen, "--kube-context")
                && has(screen, "Enter to confirm")
        })
    }

    /// Runs the plan that is shown: the button, then the confirm, which does not start on yes.
    #[track_caller]
    pub fn confirm(&mut self) -> &mut Self {
        self.terminal.press("Enter");
        self.terminal.wait_for("the confirm", SOON, |screen| says(screen, &["cancel"]));
        self.terminal.press("y");
        self.terminal.wait_for("the confirm to go", SOON, |screen| !says(screen, &["cancel"]));
        self
    }

    /// Leaves; the terminal is as it was.
    #[track_caller]
    pub fn quit(&mut self) {
        self.terminal.press("q");
        let exit = self.terminal.wait_exit(SOON);
        assert_eq!(exit.exit_code(), 0, "{}", self.terminal.picture());
        self.terminal.assert_restored();
    }
}

/// The first row: what a key would act on.
pub fn header(screen: &Screen) -> String {
    rows(screen).into_iter().next().unwrap_or_default()
}

/// Whether any of these texts is on the screen, in whatever case.
pub fn says(screen: &Screen, any: &[&str]) -> bool {
    let all = text(screen).to_lowercase();
    any.iter().any(|text| all.contains(&text.to_lowercase()))
}

/// The room whose name in the bar looks different from the others'.
pub fn active_room(screen: &Screen) -> Option<&'static str> {
    let line = row_with(screen, "1 Charts")?;
    let row = u16::try_from(rows(screen).iter().position(|row| *row == line)?).ok()?;
    let look = |title: &str| {
        // Cells, not bytes: what stands before may be wide in bytes and is narrow in cells.
        let column = line[..line.find(title)?].chars().count();
        let cell = screen.cell(row, u16::try_from(column).ok()?)?;
        Some((cell.fgcolor(), cell.bgcolor(), cell.bold(), cell.underline(), cell.inverse()))
    };
    let looks: Vec<_> = ROOMS.iter().map(|(key, title)| look(&format!("{key} {title}"))).collect();
    let odd: Vec<usize> = (0..looks.len())
        .filter(|i| looks[*i].is_some() && looks.iter().filter(|other| **other == looks[*i]).count() == 1)
        .collect();
    match odd.as_slice() {
        [one] => Some(ROOMS[*one].1),
        _ => None,
    }
}
