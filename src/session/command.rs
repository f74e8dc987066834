//! The one table of commands. Key map, palette, help, footer and the README's key table are all made from it,
//! so that a command cannot exist without a name, a help text and a place in each of them.

/// Where a key means something. The innermost place that binds a key wins; in a modal place (see
/// [`Place::takes_text`]) a key that is not bound there is text, never a command of a place further out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Anywhere outside of typing.
    Everywhere,
    /// A pane with rows and a cursor, or with text that scrolls.
    Pane,
    Charts,
    Values,
    Clusters,
    Diff,
    /// The list of releases.
    Releases,
    /// Inside one release.
    Release,
    /// The jobs of a release.
    Jobs,
    Run,
    /// A plan that waits for its confirm.
    Plan,
    /// A hunk of a diff is under the cursor.
    Hunks,
    /// Typing in the text editor of a file.
    Editor,
    /// Typing in a one-line field.
    Input,
    /// Typing a filter.
    Filter,
    /// A question with a yes and a no.
    Dialog,
    /// A list to choose from, the palette among them.
    Menu,
    /// Help, messages: something to read and close.
    Reading,
}

impl Place {
    /// Whether unbound keys are text here.
    pub fn takes_text(self) -> bool {
        matches!(self, Self::Editor | Self::Input | Self::Filter | Self::Menu)
    }

    /// Whether places further out are cut off here.
    pub fn is_modal(self) -> bool {
        self.takes_text() || matches!(self, Self::Dialog | Self::Reading)
    }

    /// The heading in the help and in the README.
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Pane => "Moving",
            Self::Charts => "Charts",
            Self::Values => "Values",
            Self::Clusters => "Clusters",
            Self::Diff => "Diff",
            Self::Releases => "Releases",
            Self::Release => "One release",
            Self::Jobs => "Jobs of a release",
            Self::Run => "Run",
            Self::Plan => "A plan",
            Self::Hunks => "Reading a diff",
            Self::Editor => "Text editor",
            Self::Input => "Input field",
            Self::Filter => "Filter",
            Self::Dialog => "Question",
            Self::Menu => "Menu and palette",
            Self::Reading => "Help and messages",
        }
    }
}

/// What the table knows of a command.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    pub command: Command,
    /// Stable name for the configuration: `values.edit`.
    pub id: &'static str,
    /// A few words for palette and footer.
    pub title: &'static str,
    /// One sentence for the help.
    pub help: &'static str,
    /// Default keys in the notation of [`super::keymap`].
    pub keys: &'static [&'static str],
    pub place: Place,
    /// Whether it changes a cluster: refused with `--read-only`, names its target in the footer.
    pub writes: bool,
    /// Whether the footer shows it where there is room; smaller numbers first, 0 never.
    pub footer: u8,
}

macro_rules! commands {
    ($($name:ident $id:literal $place:ident [$($key:literal),*] $footer:literal $writes:literal $title:literal $help:literal;)*) => {
        /// Everything a key, the palette or the mouse can ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Command { $($name),* }

        /// The table, in the order of the help.
        pub const TABLE: &[Info] = &[$(Info {
            command: Command::$name, id: $id, title: $title, help: $help,
            keys: &[$($key),*], place: Place::$place, writes: $writes, footer: $footer,
        }),*];
    };
}

commands! {
    RoomCharts      "room.charts"       Everywhere ["1"] 0 false "Charts" "Browse charts, dependencies, templates, files and schema.";
    RoomValues      "room.values"       Everywhere ["2"] 0 false "Values" "Every value of every environment, and who set it.";
    RoomClusters    "room.clusters"     Everywhere ["3"] 0 false "Clusters" "Which environment lives on which cluster and namespace.";
    RoomDiff        "room.diff"         Everywhere ["4"] 0 false "Diff" "What the text would change, object by object.";
    RoomReleases    "room.releases"     Everywhere ["5"] 0 false "Releases" "Every release, worst first; then one from the inside.";
    RoomRun         "room.run"          Everywhere ["6"] 0 false "Run" "The plan, the running operation, its result.";
    PaneNext        "pane.next"         Everywhere ["Tab"] 0 false "next pane" "Give the focus to the next pane.";
    PanePrevious    "pane.previous"     Everywhere ["Shift-Tab"] 0 false "previous pane" "Give the focus to the previous pane.";
    Environment     "environment"       Everywhere ["e"] 3 false "environment" "Choose the environment that the header names.";
    Filter          "filter"            Everywhere ["/"] 5 false "filter" "Narrow the rows: text, ~fuzzy, !without, field:value.";
    Palette         "palette"           Everywhere [":", "Ctrl-P"] 90 false "everything else" "Find any command by its name.";
    Help            "help"              Everywhere ["?"] 95 false "help" "The keys of this room.";
    Zoom            "zoom"              Everywhere ["z"] 0 false "zoom pane" "Give the whole screen to this pane, without borders, and back.";
    Copy            "copy"              Everywhere ["y"] 0 false "copy" "Copy the key path, value, hunk, error or command.";
    Worth           "worth"             Everywhere ["="] 0 false "verified?" "What the preview is worth: whether helm printed the same, and where it differs.";
    Messages        "messages"          Everywhere ["!"] 0 false "messages" "All messages of this session.";
    Save            "save"              Everywhere ["s", "Ctrl-S"] 20 false "save" "Save the focused file.";
    SaveAll         "save.all"          Everywhere ["S"] 0 false "save several" "List all unsaved files with their changed lines and save those chosen.";
    Undo            "undo"              Everywhere ["u"] 25 false "undo" "Undo the last edit of this file.";
    Redo            "redo"              Everywhere ["Ctrl-R"] 0 false "redo" "Redo what was undone.";
    Diff            "diff"              Everywhere ["d"] 22 false "diff" "See what the text would change.";
    Install         "install"           Everywhere ["I"] 40 true "install" "Plan an install of the selected target.";
    Upgrade         "upgrade"           Everywhere ["U"] 41 true "upgrade" "Plan an upgrade of the selected target.";
    Rollback        "rollback"          Everywhere ["R"] 42 true "roll back" "Choose a revision of the selected target and plan the way back.";
    Test            "test"              Everywhere ["T"] 43 true "test" "Plan a run of the chart's tests on the selected target.";
    Uninstall       "uninstall"         Everywhere ["X"] 0 true "uninstall" "Plan an uninstall of the selected target.";
    Login           "login"             Everywhere ["L"] 0 false "log in" "Run the cluster's credential program in the foreground.";
    Reload          "reload"            Everywhere ["r"] 0 false "refresh" "Take the new order of rows; read the workspace from disk again.";
    Theme           "theme"             Everywhere [] 0 false "theme" "Choose the colours, live.";
    Mouse           "mouse"             Everywhere ["M"] 0 false "mouse on or off" "Give the mouse back to the terminal for selecting, and take it again.";
    ExternalEditor  "editor.external"   Everywhere ["Ctrl-E"] 0 false "open in $EDITOR" "Open the focused file in your own editor.";
    Dismiss         "dismiss"           Everywhere ["Ctrl-X"] 0 false "dismiss message" "Close the oldest error that is still shown.";
    Suspend         "suspend"           Everywhere ["Ctrl-Z"] 0 false "suspend" "Stop floe-tui and return to the shell; fg comes back.";
    Redraw          "redraw"            Everywhere ["Ctrl-L"] 0 false "redraw" "Draw the whole screen again.";
    Quit            "quit"              Everywhere ["q", "Ctrl-C"] 99 false "quit" "Leave; asks only if something would be lost. helm goes on.";

    Up              "up"                Pane ["k", "Up"] 0 false "up" "One row up.";
    Down            "down"              Pane ["j", "Down"] 0 false "down" "One row down.";
    Left            "left"              Pane ["h", "Left"] 0 false "left" "One column left; fold; scroll left.";
    Right           "right"             Pane ["l", "Right"] 0 false "right" "One column right; unfold; scroll right.";
    PageUp          "page.up"           Pane ["PageUp", "Ctrl-B"] 0 false "page up" "One page up.";
    PageDown        "page.down"         Pane ["PageDown", "Ctrl-F"] 0 false "page down" "One page down.";
    Top             "top"               Pane ["g", "Home"] 0 false "top" "The first row.";
    Bottom          "bottom"            Pane ["G", "End"] 0 false "bottom" "The last row; a log follows again.";
    Enter           "enter"             Pane ["Enter"] 1 false "open" "Go in; edit; choose.";
    Back            "back"              Pane ["Esc"] 0 false "back" "Go out; clears a filter first.";
    Fold            "fold"              Pane ["Space"] 0 false "fold" "Fold or unfold; in a diff mark as reviewed.";
    FoldAll         "fold.all"          Pane ["-"] 0 false "fold all" "Fold everything to the first level, or unfold it all.";
    Wrap            "wrap"              Pane ["w"] 0 false "wrap lines" "Wrap long lines or cut them.";

    BuildDependencies "charts.build"    Charts ["b"] 10 false "build dependencies" "Run helm dependency build for this chart.";
    RenderedToggle  "charts.rendered"   Charts ["v"] 11 false "rendered or source" "Show what the template renders to for the selected environment, or its source.";

    EditFile        "charts.edit"       Charts ["E"] 12 false "edit as text" "Edit this values file as text.";

    EditText        "values.text"       Values ["E"] 12 false "edit as text" "Edit the file that would be written, as text.";
    Unset           "values.unset"      Values ["Delete", "Backspace"] 13 false "unset" "Remove this key from the environment's file, so that the layer below wins.";
    AddKey          "values.add"        Values ["a"] 0 false "add a key" "Set a key that no file has yet, in the environment's file: path: value.";
    Generate        "values.generate"   Values ["m"] 11 false "generate" "Make the values again that come from the compiled artifact, for all environments, as one edit.";
    NextProblem     "values.problem"    Values ["n"] 14 false "next problem" "Go to the next key with a problem.";
    PreviousProblem "values.problem.previous" Values ["N"] 0 false "previous problem" "Go to the key with a problem before.";
    OnlyDiffering   "values.differing"  Values ["v"] 15 false "only differing" "Show only keys whose value differs between environments or from the default.";
    Explain         "values.explain"    Values ["x"] 17 false "explain" "Every template line that reads this key and every line of an object that it reaches; one of them opens.";
    GoToSource      "values.source"     Values ["o"] 16 false "go to line" "Open the file at the line that sets this value.";

    PinCluster      "clusters.pin"      Clusters ["p"] 10 false "pin identity" "Accept the cluster that answers now as the one meant by this name.";
    CheckCluster    "clusters.check"    Clusters ["c"] 11 false "check" "Ask the cluster again who it is.";

    Sides           "diff.sides"        Diff ["v"] 10 false "sides" "Choose what is compared with what.";
    Why             "diff.why"          Diff ["x"] 9 false "explain" "The keys and template lines that this hunk comes from, each with its layer; one of them opens.";
    Noise           "diff.noise"        Diff ["a"] 11 false "hide noise" "Hide chart labels and checksums, or show them.";
    NextObject      "hunk.object.next"  Hunks ["]"] 12 false "next object" "The next changed object.";
    PreviousObject  "hunk.object.previous" Hunks ["["] 0 false "previous object" "The previous changed object.";
    NextHunk        "hunk.next"         Hunks ["n"] 13 false "next hunk" "The next hunk, across objects.";
    PreviousHunk    "hunk.previous"     Hunks ["N"] 0 false "previous hunk" "The previous hunk, across objects.";

    SortBy          "releases.sort"     Releases ["o"] 10 false "sort" "Sort by the next column.";
    AskContexts     "releases.contexts" Releases ["t"] 11 false "other contexts" "Tick contexts that no chart maps, to see their releases too; remembered.";
    NextView        "release.view.next" Release ["]", "Ctrl-Right"] 10 false "next view" "Overview, components, resources, history, values, manifest, hooks, jobs, events, logs, notes.";
    PreviousView    "release.view.previous" Release ["[", "Ctrl-Left"] 0 false "previous view" "The view before.";
    JumpToCause     "release.cause"     Release ["c"] 11 false "jump to the cause" "Go to the object and container that the root-cause line names.";
    ShowLogs        "release.logs"      Release ["o"] 12 false "logs" "Logs of the pod or job under the cursor.";
    PreviousLogs    "release.logs.previous" Release ["p"] 0 false "previous container" "Logs of the container's previous life, or of the present one.";
    DiffRevision    "release.diff"      Release ["d"] 13 false "diff revision" "In the history: the revision under the cursor against the deployed one.";
    RollbackHere    "release.rollback"  Release ["R"] 14 true "roll back" "In the history: plan the way back to the revision under the cursor; elsewhere open the history.";
    NextMatch       "release.match"     Release ["n"] 0 false "next match" "The next line that the search names.";
    PreviousMatch   "release.match.previous" Release ["N"] 0 false "previous match" "The previous line that the search names.";

    RunJob          "job.run"           Jobs ["J"] 2 true "run now" "Plan a run of the schedule under the cursor: a Job from its template.";
    RetryJob        "job.retry"         Jobs ["A"] 2 true "retry" "Plan another try of the job that failed: its schedule again, or a new Job from its spec.";
    SuspendJob      "job.suspend"       Jobs ["P"] 2 true "suspend or resume" "Plan that the schedule under the cursor starts nothing any more, or starts runs again.";

    Confirm         "plan.confirm"      Plan ["Enter"] 1 true "run it" "Ask for the confirm of this plan.";
    PlanAgain       "plan.again"        Plan ["r"] 0 false "plan again" "Compute the plan again from what is saved now.";
    Interrupt       "run.interrupt"     Run ["x"] 10 false "waiting too long?" "Keep waiting, detach, or interrupt; says what each leaves behind.";
    RunJump         "run.cause"         Run ["c"] 11 false "jump to the cause" "Go to the release's object that the root-cause line names.";
    RunLogs         "run.logs"          Run ["o"] 12 false "logs" "Logs of the pod or job under the cursor.";
    RunTests        "run.tests"         Run ["t"] 13 true "run the tests" "Plan helm test for the target of this operation.";

    EditorLeave     "editor.leave"      Editor ["Esc"] 1 false "leave" "Stop typing; the text stays as it is.";
    EditorSave      "editor.save"       Editor ["Ctrl-S"] 2 false "save" "Save the file.";
    EditorUndo      "editor.undo"       Editor ["Ctrl-Z"] 3 false "undo" "Undo the last edit.";
    EditorRedo      "editor.redo"       Editor ["Ctrl-Y"] 4 false "redo" "Redo what was undone.";
    EditorExternal  "editor.hand-over"  Editor ["Ctrl-E"] 5 false "open in $EDITOR" "Go on in your own editor.";

    InputAccept     "input.accept"      Input ["Enter"] 1 false "accept" "Take the value.";
    InputCancel     "input.cancel"      Input ["Esc"] 2 false "cancel" "Leave the value as it was.";
    InputNext       "input.next"        Input ["Tab", "Down"] 3 false "next choice" "The next allowed value; for numbers one less.";
    InputPrevious   "input.previous"    Input ["Shift-Tab", "Up"] 0 false "previous choice" "The previous allowed value; for numbers one more.";

    FilterKeep      "filter.keep"       Filter ["Enter", "Down"] 1 false "keep" "Keep the filter and go to the rows.";
    FilterClear     "filter.clear"      Filter ["Esc"] 2 false "clear" "Clear the filter.";

    DialogYes       "dialog.yes"        Dialog ["y"] 2 false "yes" "Do it.";
    DialogNo        "dialog.no"         Dialog ["n", "Esc", "q"] 3 false "no" "Do not.";
    DialogEnter     "dialog.enter"      Dialog ["Enter"] 1 false "the marked answer" "The focus starts on cancel.";
    DialogMove      "dialog.move"       Dialog ["Tab", "Left", "Right", "h", "l", "Shift-Tab"] 0 false "move" "Go to the other button.";
    DialogDown      "dialog.down"       Dialog ["Down", "j", "PageDown"] 0 false "scroll down" "Read on.";
    DialogUp        "dialog.up"         Dialog ["Up", "k", "PageUp"] 0 false "scroll up" "Read back.";

    MenuAccept      "menu.accept"       Menu ["Enter"] 1 false "choose" "Take the marked row.";
    MenuCancel      "menu.cancel"       Menu ["Esc", "Ctrl-C"] 2 false "close" "Close without choosing.";
    MenuDown        "menu.down"         Menu ["Down", "Ctrl-N", "Tab"] 0 false "down" "The next row.";
    MenuUp          "menu.up"           Menu ["Up", "Ctrl-P", "Shift-Tab"] 0 false "up" "The previous row.";
    MenuPageDown    "menu.page.down"    Menu ["PageDown"] 0 false "page down" "One page of the rows on, or of the lines below them.";
    MenuPageUp      "menu.page.up"      Menu ["PageUp"] 0 false "page up" "One page back.";

    ReadingClose    "reading.close"     Reading ["Esc", "q", "?", "!", "=", "Enter"] 1 false "close" "Close.";
    ReadingDown     "reading.down"      Reading ["Down", "j"] 0 false "down" "One line down.";
    ReadingUp       "reading.up"        Reading ["Up", "k"] 0 false "up" "One line up.";
    ReadingPageDown "reading.page.down" Reading ["PageDown", "Space"] 0 false "page down" "One page down.";
    ReadingPageUp   "reading.page.up"   Reading ["PageUp"] 0 false "page up" "One page up.";
}

impl Command {
    /// The row of the table.
    pub fn info(self) -> &'static Info {
        // The enum and the table are made by one macro in one order.
        &TABLE[self as usize]
    }

    /// By its stable name.
    pub fn by_id(id: &str) -> Option<Self> {
        TABLE.iter().find(|info| info.id == id).map(|info| info.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn table_and_enum_agree_and_ids_are_unique() {
        let mut ids = HashSet::new();
        for info in TABLE {
            assert_eq!(info.command.info().id, info.id);
            assert!(ids.insert(info.id), "{} twice", info.id);
            assert!(info.help.ends_with('.'), "{}: help is a sentence", info.id);
        }
    }

    #[test]
    fn no_default_key_uses_alt() {
        assert!(TABLE.iter().all(|info| info.keys.iter().all(|key| !key.contains("Alt"))));
    }
}
