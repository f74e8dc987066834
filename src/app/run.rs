//! The loop: wait for one event, drain what is queued, update, hand out effects, reconcile the watches, draw
//! once if anything changed. Idle costs nothing: there is no tick unless the screen shows something that ages.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::{Error, Result};
use crate::session::{Action, Effect, Message};
use crate::ui::glyphs::Glyphs;
use crate::ui::theme::{Catalogue, Depth, Theme};

use super::input::{Input, InputEvent};
use super::model::Model;
use super::terminal::Terminal;
use super::workers::Workers;
use super::{clipboard, editor, frame, login};

/// Drained at most so many events before a draw, so that a flood cannot starve the screen.
const DRAIN: usize = 256;

/// The terminal with what is needed to draw on it.
#[derive(Debug)]
pub(super) struct Screen {
    pub terminal: Terminal,
    pub input: Input,
    catalogue: Catalogue,
    depth: Depth,
    glyphs: &'static Glyphs,
    theme: Theme,
    /// Where a clipboard of last resort is written.
    folder: PathBuf,
    /// No theme was asked for: the terminal's background decides, after the first frame.
    pub follow_background: bool,
}

impl Screen {
    /// A screen in the theme that needs no files.
    pub(super) fn new(
        terminal: Terminal,
        input: Input,
        catalogue: Catalogue,
        depth: Depth,
        glyphs: &'static Glyphs,
        folder: PathBuf,
    ) -> Self {
        let theme = Theme::built_in("terminal").with_glyphs(glyphs);
        Self { terminal, input, catalogue, depth, glyphs, theme, folder, follow_background: false }
    }

    /// Draws the model, in its theme.
    pub(super) fn draw(&mut self, model: &mut Model) -> Result<()> {
        if self.theme.name() != model.theme {
            let loaded = self.catalogue.load(&model.theme, self.depth);
            for warning in loaded.warnings {
                model.session.warn(warning);
            }
            self.theme = loaded.theme.with_glyphs(self.glyphs);
        }
        let theme = &self.theme;
        self.terminal.draw(|target| frame::draw(model, target, theme))
    }

    /// Asks for the background once, after the first frame, and takes the theme that fits it.
    fn adapt(&mut self, model: &mut Model) {
        if !self.follow_background {
            return;
        }
        self.follow_background = false;
        if let Some(background) = self.terminal.background(&mut self.input) {
            Catalogue::choose(None, self.depth, Some(background)).clone_into(&mut model.theme);
        }
    }
}

/// Runs until the user leaves. `messages` is where the workers answer.
///
/// # Errors
/// The terminal cannot be drawn on or read any more.
pub(super) async fn run(
    model: &mut Model,
    screen: &mut Screen,
    workers: &mut Workers,
    messages: &mut mpsc::Receiver<Message>,
) -> Result<()> {
    screen.draw(model)?;
    let effects = model.start();
    dispatch(model, screen, workers, effects).await?;
    screen.adapt(model);
    screen.draw(model)?;
    while !model.done {
        let mut dirty = false;
        let pause = next_tick(model);
        let linger = workers.lingers().then_some(Duration::from_millis(150));
        let pause = linger.map_or(pause, |linger| pause.min(linger));
        tokio::select! {
            biased;
            event = screen.input.next() => {
                model.session.now = Timestamp::now();
                dirty |= on_input(model, screen, workers, event?).await?;
            }
            Some(message) = messages.recv() => {
                model.session.now = Timestamp::now();
                dirty = true;
                let effects = model.hear(&message);
                dispatch(model, screen, workers, effects).await?;
            }
            () = tokio::time::sleep(pause) => {
                model.session.now = Timestamp::now();
                dirty |= linger.is_none();
            }
        }
        for _ in 0..DRAIN {
            if let Ok(message) = messages.try_recv() {
                dirty = true;
                let effects = model.hear(&message);
                dispatch(model, screen, workers, effects).await?;
            } else if let Some(event) = screen.input.try_next().await {
                dirty |= on_input(model, screen, workers, event).await?;
            } else {
                break;
            }
        }
        for died in workers.reconcile(&model.watches()) {
            tracing::error!(died, "a worker ended by a fault of ours");
            model.session.fail(&Error::new("a part of floe-tui failed; the rest goes on").because(died));
        }
        if dirty && !model.done {
            screen.draw(model)?;
        }
    }
    workers.finish().await;
    Ok(())
}

async fn on_input(
    model: &mut Model,
    screen: &mut Screen,
    workers: &mut Workers,
    event: InputEvent,
) -> Result<bool> {
    let action = match event {
        InputEvent::Key(key) => {
            if model.asks_unseen() {
                return Ok(false);
            }
            match model.meaning(key) {
                Some(action) => action,
                None => return Ok(false),
            }
        }
        InputEvent::Paste(text) => Action::Paste(text),
        InputEvent::Mouse(mouse) => Action::Mouse(mouse),
        InputEvent::Resized => return Ok(true),
        InputEvent::Resumed => {
            screen.terminal.resume()?;
            return Ok(true);
        }
        InputEvent::Ends => {
            // A closed terminal or a polite kill: leave as `q` does, without a question nobody can answer.
            model.done = true;
            return Ok(false);
        }
    };
    let effects = model.act(&action);
    dispatch(model, screen, workers, effects).await?;
    Ok(true)
}

/// Effects on the terminal are done here, all others by the workers.
async fn dispatch(
    model: &mut Model,
    screen: &mut Screen,
    workers: &mut Workers,
    effects: Vec<Effect>,
) -> Result<()> {
    for effect in effects {
        match effect {
            Effect::Quit => model.done = true,
            Effect::Redraw => screen.terminal.clear()?,
            Effect::CaptureMouse(on) => screen.terminal.capture_mouse(on)?,
            Effect::Suspend => {
                if let Err(error) = screen.terminal.suspend(&mut screen.input) {
                    model.session.fail(&error);
                }
            }
            Effect::OpenEditor { path, line } => {
                hand_over(model, screen, Ok(editor::command(&path, line))).await;
                workers.dispatch(model.session.reload());
            }
            Effect::Login { context } => {
                let command = login::command(&model.session.given, &context);
                hand_over(model, screen, command).await;
                workers.forget_connection(&context);
                // Clusters of this context are asked again once the contexts are read.
                model.session.world.clusters.retain(|_, view| view.context != context);
                workers.dispatch(Effect::LoadContexts);
            }
            Effect::Copy { what, text } => {
                match clipboard::copy(&mut screen.terminal, &text, &screen.folder) {
                    Ok(way) => model.session.say(format!("copied the {what}{}", way.words())),
                    Err(error) => model.session.fail(&error),
                }
            }
            effect => workers.dispatch(effect),
        }
    }
    Ok(())
}

async fn hand_over(model: &mut Model, screen: &mut Screen, command: Result<std::process::Command>) {
    let ended = match command {
        Ok(command) => screen.terminal.hand_over(&mut screen.input, command).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(status) if status.success() => {}
        Ok(status) => model.session.warn(format!("it ended with {status}")),
        Err(error) => model.session.fail(&error),
    }
}

/// When the screen has to be drawn again though nothing happened: ages, elapsed times, fading notices.
fn next_tick(model: &Model) -> Duration {
    let session = &model.session;
    if model.is_working() {
        return Duration::from_millis(200);
    }
    if session.world.operations.values().any(|view| view.is_running()) {
        return Duration::from_millis(500);
    }
    if session.notices.shown(session.now).any(|notice| notice.level != crate::session::Level::Error) {
        return Duration::from_secs(1);
    }
    // Relative ages are shown in minutes: a frame now and then keeps them honest and costs nothing.
    Duration::from_secs(30)
}
