//! The live picture.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use helio_tune::News;

use super::sight::{Sight, news_word};
use crate::status::view::live::charts::{gauge, histogram};
use crate::term::si;

/// Draws over the whole frame; made for 80 columns and 24 rows.
pub(super) fn draw(frame: &mut Frame<'_>, sight: &Sight, colours: bool) {
    let colour = |c| if colours { Style::new().fg(c) } else { Style::new() };
    let rows = sight.channels.len() as u16 + 1;
    let middle = if sight.matrix.is_some() { 8 } else { 0 };
    let [head, rates, bases, arrivals] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(rows.clamp(2, 12)),
        Constraint::Length(middle),
        Constraint::Min(0),
    ])
    .areas(frame.area());
    let mut title = vec![Span::raw(format!("{}  {:.1} s  ", sight.source, sight.at_s))];
    if sight.simulated {
        title.push(Span::styled("SIMULATED  ", colour(Color::Yellow)));
    }
    if sight.locked == Some(false) {
        title.push(Span::styled("not locked  ", colour(Color::Red)));
    }
    if let Some(note) = &sight.note {
        title.push(Span::styled(format!("{note}  "), colour(Color::Yellow)));
    }
    title.push(Span::raw("q leaves, p forgets peaks"));
    frame.render_widget(Paragraph::new(Line::from(title)), head);

    let lines = sight.channels.iter().map(|(name, rate)| {
        let share = rate.rate_hz.value / rate.peak_hz.max(f64::MIN_POSITIVE);
        let style = match rate.news {
            Some(News::Lost) => colour(Color::Red).add_modifier(Modifier::BOLD),
            Some(News::Peak) => colour(Color::Green).add_modifier(Modifier::BOLD),
            _ => colour(Color::Cyan),
        };
        let error = si(rate.rate_hz.error, "Hz", 2);
        Line::from(vec![
            Span::raw(format!("{name:<6.6} {:>10} ± {error:<9} ", si(rate.rate_hz.value, "Hz", 4))),
            Span::styled(gauge(share, 24), style),
            Span::raw(format!(" peak {:>9} ", si(rate.peak_hz, "Hz", 4))),
            Span::styled(rate.news.map_or("", news_word), style),
        ])
    });
    panel(frame, rates, "count rates", lines.collect());
    if sight.matrix.is_some() {
        let [left, right] =
            Layout::horizontal([Constraint::Length(33), Constraint::Min(0)]).areas(bases);
        let plain = |rows: Vec<String>| rows.into_iter().map(Line::from).collect();
        panel(frame, left, "sent (rows), found, % of clicks", plain(sight.matrix_rows()));
        panel(frame, right, "bases", plain(sight.basis_rows()));
    }
    if let Some(seen) = &sight.arrivals {
        let (width, height) = (usize::from(arrivals.width), usize::from(arrivals.height));
        let found = sight.arrivals_of();
        let rows = height.saturating_sub(2 + found.len());
        let chart = histogram(&seen.all(), seen.window_bins(), width, rows);
        let mut lines: Vec<Line<'_>> = chart.into_iter().map(Line::from).collect();
        lines.extend(found.into_iter().map(|(name, at)| {
            let [offset, error, rms] = [at.offset_ps.value, at.offset_ps.error, at.rms_ps]
                .map(|ps| si(ps * 1e-12, "s", 3));
            let inside = 100.0 * at.inside.value;
            Line::from(format!("{name} {offset} ± {error}, rms {rms}, {inside:.1} % inside"))
        }));
        panel(frame, arrivals, "arrivals, from the middle of the window", lines);
    }
}

fn panel(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'_>>) {
    let block = Block::new().borders(Borders::TOP).title(format!(" {title} "));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    frame.render_widget(Paragraph::new(lines), inner);
}
