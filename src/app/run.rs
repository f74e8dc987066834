//! The loop: wait for one event, drain what is queued, update, hand out effects, reconcile the watches, draw
//! once if anything changed. Idle costs nothing: there is no tick unless the screen shows something that ages.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::{Error, Result};
use crate::session::{Action, Effect, Message};

use super::input::{Input, InputEvent};
use super::model::Model;
use super::terminal::Terminal;
use super::workers::Workers;

/// Drained at most so many events before a draw, so that a flood cannot starve the screen.
const DRAIN: usize = 256;

/// Runs until the user leaves. `messages` is where the workers answer.
pub async fn run(
    model: &mut Model,
    terminal: &mut Terminal,
    input: &mut Input,
    workers: &mut Workers,
    messages: &mut mpsc::Receiver<Message>,
) -> Result<()> {
    let effects = model.start();
    dispatch(model, terminal, input, workers, effects).await?;
    terminal.draw(model)?;
    while !model.done {
        let mut dirty = false;
        let pause = next_tick(model);
        tokio::select! {
            biased;
            event = input.next() => {
                model.session.now = Timestamp::now();
                dirty |= on_input(model, terminal, input, workers, event?).await?;
            }
            Some(message) = messages.recv() => {
                model.session.now = Timestamp::now();
                dirty = true;
                let effects = model.hear(&message);
                dispatch(model, terminal, input, workers, effects).await?;
            }
            () = tokio::time::sleep(pause.unwrap_or(Duration::MAX)), if pause.is_some() => {
                model.session.now = Timestamp::now();
                dirty = true;
            }
        }
        for _ in 0..DRAIN {
            let effects = match messages.try_recv() {
                Ok(message) => model.hear(&message),
                Err(_) => match input.try_next() {
                    Some(event) => {
                        dirty |= on_input(model, terminal, input, workers, event).await?;
                        continue;
                    }
                    None => break,
                },
            };
            dirty = true;
            dispatch(model, terminal, input, workers, effects).await?;
        }
        workers.reconcile(&model.watches());
        if dirty && !model.done {
            terminal.draw(model)?;
        }
    }
    Ok(())
}

async fn on_input(
    model: &mut Model,
    terminal: &mut Terminal,
    input: &mut Input,
    workers: &mut Workers,
    event: InputEvent,
) -> Result<bool> {
    let action = match event {
        InputEvent::Key(key) => {
            let places = model.places();
            match model.session.keymap.resolve(&places, key) {
                Some(command) => Action::Command(command),
                None if places.first().is_some_and(|place| place.takes_text()) => Action::Text(key),
                None => return Ok(false),
            }
        }
        InputEvent::Paste(text) => Action::Paste(text),
        InputEvent::Mouse(mouse) => Action::Mouse(mouse),
        InputEvent::Resized => return Ok(true),
        InputEvent::Resumed => {
            terminal.resume()?;
            return Ok(true);
        }
        InputEvent::Ends => {
            // A closed terminal or a polite kill: leave as `q` does, without a question nobody can answer.
            model.done = true;
            return Ok(false);
        }
    };
    let effects = model.act(&action);
    dispatch(model, terminal, input, workers, effects).await?;
    Ok(true)
}

/// Effects on the terminal are done here, all others by the workers.
async fn dispatch(
    model: &mut Model,
    terminal: &mut Terminal,
    input: &mut Input,
    workers: &mut Workers,
    effects: Vec<Effect>,
) -> Result<()> {
    for effect in effects {
        match effect {
            Effect::Quit => model.done = true,
            Effect::Redraw => terminal.clear()?,
            Effect::CaptureMouse(on) => terminal.capture_mouse(on)?,
            Effect::Suspend => terminal.suspend(input)?,
            Effect::OpenEditor { path, line } => {
                let outcome = terminal.hand_over(input, super::editor::command(&path, line)).await;
                report(model, outcome, "your editor");
                workers.dispatch(Effect::LoadWorkspace);
            }
            Effect::Login { context } => {
                let outcome = terminal.hand_over(input, super::login::command(&model.session.given, &context)).await;
                report(model, outcome, "the login");
                workers.forget_connection(&context);
                workers.dispatch(Effect::LoadContexts);
            }
            Effect::Copy { what, text } => match super::clipboard::copy(terminal, &text) {
                Ok(way) => model.session.say(format!("copied {what}{}", way.words())),
                Err(error) => model.session.fail(&error),
            },
            effect => workers.dispatch(effect),
        }
    }
    Ok(())
}

fn report(model: &mut Model, outcome: Result<()>, what: &str) {
    if let Err(error) = outcome {
        model.session.fail(&Error::new(format!("{what} did not run")).because(error));
    }
}

/// When the screen has to be drawn again though nothing happened: ages, elapsed times, fading notices.
fn next_tick(model: &Model) -> Option<Duration> {
    let session = &model.session;
    if model.is_working() || session.world.operations.values().any(|view| view.is_running()) {
        return Some(Duration::from_millis(250));
    }
    if session.notices.shown(session.now).any(|notice| notice.level != crate::session::Level::Error) {
        return Some(Duration::from_secs(1));
    }
    // Relative ages are minutes at most: one frame every 30 s keeps them honest.
    Some(Duration::from_secs(30))
}
