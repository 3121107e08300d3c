//! Progress on standard error, for whoever waits longer than a second.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const SILENT_FOR: Duration = Duration::from_secs(1);
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How far a job has come: a bar in a terminal, a line every ten seconds elsewhere, nothing in the
/// first second.
#[derive(Debug)]
pub struct Progress {
    task: String,
    total: u64,
    begun: Instant,
    spoken: Instant,
    bar: Option<ProgressBar>,
    terminal: bool,
    template: &'static str,
}

impl Progress {
    /// A job of `total` bytes.
    pub fn of_bytes(task: impl Into<String>, total: u64) -> Progress {
        Progress::new(task, total, "{msg} [{bar:30}] {bytes}/{total_bytes}, {eta} left")
    }

    /// Bytes that come until they end.
    pub fn of_stream(task: impl Into<String>) -> Progress {
        Progress::new(task, 0, "{msg} {bytes}, {bytes_per_sec}")
    }

    /// A job of `total` slots.
    pub fn of_slots(task: impl Into<String>, total: u64) -> Progress {
        Progress::new(task, total, "{msg} [{bar:30}] {human_pos}/{human_len} slots, {eta} left")
    }

    /// A job of `total` blocks.
    pub fn of_blocks(task: impl Into<String>, total: u64) -> Progress {
        Progress::new(task, total, "{msg} [{bar:30}] {human_pos}/{human_len} blocks, {eta} left")
    }

    /// A job of `total` steps.
    pub fn of_steps(task: impl Into<String>, total: u64) -> Progress {
        Progress::new(task, total, "{msg} [{bar:30}] {human_pos}/{human_len} steps, {eta} left")
    }

    /// A job of so many seconds; see [`Progress::at_elapsed`].
    pub fn of_seconds(task: impl Into<String>, seconds: f64) -> Progress {
        let total = seconds.ceil() as u64;
        Progress::new(task, total, "{msg} [{bar:30}] {human_pos}/{human_len} s")
    }

    /// Says that the job has come as far as the time since its beginning.
    pub fn at_elapsed(&mut self) {
        self.at(self.begun.elapsed().as_secs().min(self.total));
    }

    fn new(task: impl Into<String>, total: u64, template: &'static str) -> Progress {
        let now = Instant::now();
        let terminal = std::io::stderr().is_terminal();
        Progress {
            task: task.into(),
            total,
            begun: now,
            spoken: now,
            bar: None,
            terminal,
            template,
        }
    }

    /// Does something that writes to the terminal, with the bar out of the way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Says that the job has come to byte `done`.
    pub fn at(&mut self, done: u64) {
        if self.begun.elapsed() < SILENT_FOR {
            return;
        }
        if self.terminal {
            let new = || bar(&self.task, self.total, self.template);
            self.bar.get_or_insert_with(new).set_position(done);
        } else if self.spoken.elapsed() >= LINE_EVERY {
            self.spoken = Instant::now();
            match self.total {
                0 => eprintln!("helio: {} {} MB", self.task, done / 1_000_000),
                total => {
                    let percent = 100.0 * done as f64 / total as f64;
                    eprintln!("helio: {} {percent:.0} %", self.task);
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(task: &str, total: u64, template: &str) -> ProgressBar {
    let total = Some(total).filter(|total| *total > 0);
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    bar.with_message(task.to_owned())
}
