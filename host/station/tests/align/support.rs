//! Programs that end by themselves or are ended.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

const LONG: Duration = Duration::from_secs(120);

pub fn helio() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helio"));
    command.stdin(Stdio::null()).env_remove("HELIO_LOG");
    command
}

/// Runs to the end.
pub fn run(args: &[&str]) -> Output {
    helio().args(args).output().expect("helio runs")
}

/// The one JSON object of a run that must succeed.
pub fn json(args: &[&str]) -> Value {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one object")
}

/// An object for each line.
pub fn lines(stdout: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

/// A program that is ended if the test fails.
pub struct Running(pub Child);

impl Running {
    pub fn start(args: &[&str]) -> Running {
        let mut command = helio();
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(command.spawn().expect("helio runs"))
    }

    /// The address in the line that says where tags are awaited, and the rest of standard error.
    pub fn address(&mut self) -> (String, BufReader<ChildStderr>) {
        let mut err = BufReader::new(self.0.stderr.take().expect("piped"));
        let mut line = String::new();
        err.read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        assert!(line.contains("awaited at 127.0.0.1:"), "{line}");
        (address, err)
    }

    /// As Ctrl-C does.
    pub fn interrupt(&self) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Waits for the end.
    pub fn end(mut self) -> Output {
        let begun = Instant::now();
        let out = self.0.stdout.take();
        let reader = thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut out) = out {
                std::io::Read::read_to_end(&mut out, &mut bytes).expect("it can be read");
            }
            bytes
        });
        let status = loop {
            if let Some(status) = self.0.try_wait().expect("it can be waited for") {
                break status;
            }
            assert!(begun.elapsed() < LONG, "helio does not end");
            thread::sleep(Duration::from_millis(20));
        };
        Output { status, stdout: reader.join().expect("it ends"), stderr: Vec::new() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
