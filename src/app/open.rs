//! Opening the program on a folder: settings, theme, terminal, workers; then the loop; then what is left to say.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::folders::Folders;
use crate::base::redact::Redactor;
use crate::base::{Error, Result};
use crate::session::{Given, Keymap, Session};
use crate::ui::glyphs::Glyphs;
use crate::ui::theme::{Catalogue, Depth};
use crate::workspace::Settings;

use super::input::Input;
use super::model::Model;
use super::run::{self, Screen};
use super::terminal::{Terminal, install_panic_hook};
use super::workers::Workers;

/// Answers wait here when the loop is busy; workers then wait too.
const ANSWERS: usize = 1_024;

/// What the command line gave.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder to open; relative ones are taken from the working folder.
    pub dir: PathBuf,
    pub kubeconfig: Option<PathBuf>,
    pub helm: Option<PathBuf>,
    pub theme: Option<String>,
    pub config: Option<PathBuf>,
    pub read_only: bool,
}

/// Runs the terminal UI until the user leaves; gives what should stand on the normal screen afterwards (operations
/// that go on, where the log is).
///
/// # Errors
/// There is no terminal, the folder does not exist, or the terminal failed while drawing.
pub async fn open(options: Options) -> Result<Vec<String>> {
    let folders = Folders::resolve()?;
    for folder in [&folders.config, &folders.state, &folders.cache, &folders.runtime] {
        Folders::ensure(folder)?;
    }
    let root = options.dir.canonicalize().map_err(|error| {
        Error::new("cannot open this folder").at(options.dir.display().to_string()).because(error)
    })?;
    let config = options.config.clone().unwrap_or_else(|| folders.config.join("config.toml"));
    let settings = Settings::load(&config, options.config.is_some());
    let level =
        std::env::var(super::logging::LEVEL_VARIABLE).unwrap_or_else(|_| settings.log.word().to_owned());
    let log = super::logging::start(&folders.state, Some(&level))?;
    let (keymap, key_warnings) = Keymap::new(&settings.keys);
    let redactor = Arc::new(Redactor::new());
    let given =
        Given { root, kubeconfig: options.kubeconfig, helm: options.helm, read_only: options.read_only };
    let catalogue = Catalogue::with_folder(&folders.config.join("themes"));
    let wanted = options.theme.or_else(|| settings.theme.clone());
    let depth = Depth::detect(|name| std::env::var(name).ok());
    let theme = Catalogue::choose(wanted.as_deref(), depth, None).to_owned();
    let mouse = settings.mouse;
    let problems: Vec<String> = settings.problems.iter().map(ToString::to_string).collect();

    let mut session = Session::new(given.clone(), settings, keymap, redactor.clone(), Timestamp::now());
    for warning in problems.into_iter().chain(key_warnings).chain(log.warning.clone()) {
        session.warn(warning);
    }
    match super::workers::ticked::read(&folders.state) {
        Ok(ticked) => session.ticked = ticked,
        Err(error) => session.fail(&error),
    }
    session.say("? help · 1-6 rooms · e environment · : everything else");
    let names = catalogue.names().into_iter().map(str::to_owned).collect();
    let mut model = Model::new(session, names, theme, mouse);

    install_panic_hook();
    let (answers, mut messages) = mpsc::channel(ANSWERS);
    let mut workers = Workers::new(given, folders.clone(), redactor, config, answers);
    let terminal = Terminal::enter(mouse)?;
    let input = Input::from_terminal()?;
    let glyphs = Glyphs::detect(|name| std::env::var(name).ok());
    let mut screen = Screen::new(terminal, input, catalogue, depth, glyphs, folders.state.clone());
    screen.follow_background = wanted.is_none();
    let ended = run::run(&mut model, &mut screen, &mut workers, &mut messages).await;
    drop(screen);
    ended.map_err(|error| error.next(format!("the log is {}", log.path.display())))?;
    Ok(last_words(&model))
}

/// Operations that go on without us.
fn last_words(model: &Model) -> Vec<String> {
    let running = model.session.world.operations.values().filter(|view| view.is_running());
    running
        .map(|view| {
            let pid = view.helm().map(|(pid, _)| format!(" (helm's pid is {pid})")).unwrap_or_default();
            format!("{} goes on{pid}; floe-tui picks it up at the next start", view.spec.title())
        })
        .collect()
}
