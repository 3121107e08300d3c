//! Where sights go: a live picture, lines, or JSON.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use super::sight::Sight;
use super::view;
use crate::exit::{Exit, Failure, print};
use crate::term::Screen;

/// What the person at the keyboard wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Go on.
    None,
    /// Leave.
    Leave,
    /// Begin the peaks anew.
    ForgetPeaks,
}

pub(super) struct Show {
    screen: Option<Screen>,
    json: bool,
    beep: bool,
    colours: bool,
}

fn unusable(err: std::io::Error) -> Failure {
    Failure::new(Exit::File, format!("the terminal cannot be used ({err}); pipe it: | cat"))
}

impl Show {
    pub fn open(json: bool, beep: bool) -> Result<Show, Failure> {
        let live = !json && stdout().is_terminal();
        let screen = live.then(Screen::open).transpose().map_err(unusable)?;
        let colours = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        Ok(Show { screen, json, beep, colours })
    }

    /// Whether somebody looks at it as it happens.
    pub fn is_live(&self) -> bool {
        self.screen.is_some()
    }

    pub fn show(&mut self, sight: &Sight) -> Result<(), Failure> {
        if self.beep && sight.rings() {
            // To the terminal in any case: standard output may be a file.
            let mut out = stderr();
            let _ = out.write_all(b"\x07").and_then(|()| out.flush());
        }
        match &mut self.screen {
            Some(screen) => {
                let colours = self.colours;
                screen
                    .terminal
                    .draw(|frame| view::draw(frame, sight, colours))
                    .map_err(unusable)?;
                Ok(())
            }
            None if self.json => print(format_args!("{}\n", sight.json())),
            None => print(format_args!("{}\n", sight.line())),
        }
    }

    /// A word beside the figures; in a live picture it is the sight's note.
    pub fn say(&self, words: &str) {
        if self.screen.is_none() {
            eprintln!("helio: {words}");
        }
    }

    pub fn wish(&mut self) -> Result<Wish, Failure> {
        if self.screen.is_none() {
            return Ok(Wish::None);
        }
        let mut wish = Wish::None;
        while event::poll(Duration::ZERO).map_err(unusable)? {
            let Event::Key(key) = event::read().map_err(unusable)? else { continue };
            if key.kind != KeyEventKind::Press {
                continue;
            }
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                KeyCode::Char('q' | 'Q') | KeyCode::Esc => return Ok(Wish::Leave),
                KeyCode::Char('c') if control => return Ok(Wish::Leave),
                KeyCode::Char('p' | 'P') => wish = Wish::ForgetPeaks,
                _ => {}
            }
        }
        Ok(wish)
    }
}
