//! The live picture of a station: drawn anew several times a second, whatever the terminal's size.
//!
//! Made for 80 columns and 24 rows; larger terminals give room to charts and events, smaller ones
//! show the upper left. Nothing here waits or reads; the terminal belongs to the command.

pub(crate) mod charts;
mod panels;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Wrap};

use super::super::{Level, Phase, Status};
use super::words;

/// What is to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The last look; `None` before the first.
    pub status: Option<&'a Status>,
    /// Why there is no newer one, in words, if there is none.
    pub away: Option<&'a str>,
    /// Whether the terminal is to show colours.
    pub colours: bool,
}

/// Draws over the whole frame.
pub fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>) {
    let ink = Ink { colours: scene.colours };
    let Some(status) = scene.status else {
        let words = scene.away.unwrap_or("asking the station");
        let text = vec![Line::from(words.to_owned()), Line::from(""), Line::from(LEAVE)];
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), frame.area());
        return;
    };
    let area = frame.area();
    // What 24 rows do not need is shared by the charts and the events.
    let more = area.height.saturating_sub(24);
    let charts = 7 + (more / 2).min(8);
    let queues = (status.queues.len() + status.stages.len()).clamp(4, 12) as u16;
    let [head, upper, lower, bench, events] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(charts),
        Constraint::Length(if more > 0 { 4 + queues } else { 8 }),
        Constraint::Length(2),
        Constraint::Min(0),
    ])
    .areas(area);
    draw_head(frame, head, status, scene.away, ink);
    let halves = |area| {
        Layout::horizontal([Constraint::Min(44), Constraint::Percentage(44)]).spacing(1).areas(area)
    };
    let [left, right] = halves(upper);
    panel(frame, left, "error rates, last blocks", |w, _| panels::errors(status, w, ink));
    let title = panels::arrivals_title(status);
    panel(frame, right, &title, |w, h| panels::arrivals(status, w, h, ink));
    let [left, right] = halves(lower);
    panel(frame, left, "rates and keys", |w, _| panels::rates(status, w, ink));
    panel(frame, right, "left, and queues", |w, _| panels::stores(status, w, ink));
    frame.render_widget(Paragraph::new(panels::bench(status, ink)), bench);
    panel(frame, events, "events", |_, h| panels::events(status, h, ink));
    // On the rule above the events, where nothing else stands.
    let columns = (LEAVE.len() as u16 + 2).min(events.width);
    let right = Rect { x: events.right() - columns, width: columns, height: 1, ..events };
    frame.render_widget(Paragraph::new(format!(" {LEAVE} ")), right.intersection(events));
}

const LEAVE: &str = "q leaves";

fn draw_head(frame: &mut Frame<'_>, area: Rect, status: &Status, away: Option<&str>, ink: Ink) {
    let [first, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    // A station that stopped in order, or never ran, says itself what to do.
    let away = away.filter(|_| status.phase != Phase::Stopped);
    let mut title = vec![Span::raw(format!("{}: ", words::station(status)))];
    match (away, words::readiness(status)) {
        (Some(_), _) => {
            title.push(Span::styled("away", ink.bad()));
            title.push(Span::raw(format!("; last seen {}", status.phase.words())));
        }
        (None, ready) => {
            title.push(Span::styled(words::phase(status), ink.bold()));
            if let Some(ready) = ready {
                title.push(Span::raw(", "));
                title.push(Span::styled(ready, if status.ready { ink.good() } else { ink.warn() }));
            }
        }
    }
    frame.render_widget(Paragraph::new(Line::from(title)), first);
    let text = match (away, words::waiting(status), status.blocks.first()) {
        (Some(away), _, _) => Span::styled(away.to_owned(), ink.bad()),
        (None, Some(wait), _) => Span::styled(wait, ink.warn()),
        (None, None, Some(block)) => Span::raw(format!(
            "block {}: {}, {:.1} s; {} more waiting",
            block.block, block.step, block.seconds, status.blocks_waiting
        )),
        (None, None, None) => Span::raw("no block is being distilled just now"),
    };
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), rest);
}

/// A title on a rule, and lines below it, made for the width and height that are left.
fn panel<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    lines: impl FnOnce(usize, usize) -> Vec<Line<'a>>,
) {
    let block = Block::new().borders(Borders::TOP).title(format!(" {title} "));
    let inner = block.inner(area);
    let text = lines(usize::from(inner.width), usize::from(inner.height));
    frame.render_widget(block, area);
    frame.render_widget(Paragraph::new(text), inner);
}

/// Colours, or none of them.
#[derive(Clone, Copy, Debug)]
struct Ink {
    colours: bool,
}

impl Ink {
    fn colour(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    fn good(self) -> Style {
        self.colour(Color::Green)
    }

    fn warn(self) -> Style {
        self.colour(Color::Yellow)
    }

    fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn dim(self) -> Style {
        self.colour(Color::DarkGray)
    }

    fn level(self, level: Level) -> Style {
        match level {
            Level::Info => Style::new(),
            Level::Warn => self.warn(),
            Level::Error => self.bad(),
        }
    }
}
