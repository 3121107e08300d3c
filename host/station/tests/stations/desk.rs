//! A desk with two stations: folders, configurations, processes and what they log.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use helio_distill::release::{BlockId, BlockState};
use helio_keys::Simulated;
use helio_station::store::DiskStore;
use serde_json::Value;
use tempfile::TempDir;

/// No step of a healthy desk takes so long, even on a machine that does other things too.
pub const LONG: Duration = Duration::from_secs(90);

/// The program.
pub fn helio(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_helio")).args(args).output().expect("helio runs")
}

/// A port that nobody has now and no other test is given. Not of those that a system gives to
/// outgoing connections: such a one may be taken before the program that is to listen there starts.
pub fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    // Processes begin at different places of the range.
    let begin = std::process::id().wrapping_mul(101);
    let mut candidates = (0..PORTS).map(|_| {
        let at = begin.wrapping_add(TRIED.fetch_add(1, Relaxed)) % PORTS;
        FIRST_PORT + at as u16
    });
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.find(is_free).expect("a free port")
}

/// Linux gives 32768 and above to outgoing connections, other systems 49152 and above.
const FIRST_PORT: u16 = 20_000;
const PORTS: u32 = 12_000;

/// Both stations' folders and configurations, and the light's.
pub struct Desk {
    home: TempDir,
    /// Where Bob listens.
    pub line: u16,
}

impl Desk {
    /// A short bright link whose blocks of half a second make key, `speed` times real time.
    pub fn new(speed: &str) -> Desk {
        Desk::with(speed, &[])
    }

    /// As [`Desk::new`], with more pads or fewer: options of `helio pair`.
    pub fn with(speed: &str, pair: &[&str]) -> Desk {
        let home = tempfile::tempdir().expect("a folder");
        let desk = Desk { line: free_port(), home };
        let run = |args: &[&str]| {
            let output = helio(args);
            assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        };
        run(&["config", "init", "--dir", desk.path("").to_str().expect("UTF-8")]);
        let mut args = vec!["pair", "--simulated", "--alice"];
        let (alice, bob) = (desk.path("alice"), desk.path("bob"));
        args.extend([alice.to_str().expect("UTF-8"), "--bob", bob.to_str().expect("UTF-8")]);
        args.extend(pair);
        run(&args);
        let [a, b] = [free_port(), free_port()];
        for name in ["alice", "bob", "sim"] {
            desk.edit(name, "127.0.0.1:7010", &format!("127.0.0.1:{}", desk.line));
            desk.edit(name, "slots_per_block = 20_000_000", "slots_per_block = 2_500_000");
        }
        desk.edit("alice", "address = \"sim\"", &format!("address = \"tcp:127.0.0.1:{a}\""));
        desk.edit("bob", "address = \"sim\"", &format!("address = \"tcp:127.0.0.1:{b}\""));
        desk.edit("sim", "127.0.0.1:7001", &format!("127.0.0.1:{a}"));
        desk.edit("sim", "127.0.0.1:7002", &format!("127.0.0.1:{b}"));
        desk.edit("sim", "speed = \"real time\"", &format!("speed = \"{speed}\""));
        desk.edit("sim", "length = \"25 km\"", "length = \"0 km\"");
        desk.edit("sim", "seed = 1\n", "");
        desk
    }

    /// A path on the desk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Replaces text in a configuration, if it is there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.path(&format!("{name}.toml"));
        let old = std::fs::read_to_string(&path).expect("the configuration");
        std::fs::write(&path, old.replace(from, to)).expect("the configuration");
    }

    /// Starts `helio alice|bob|sim` with the desk's configuration.
    pub fn start(&self, name: &'static str) -> Process {
        self.start_with(name, &[])
    }

    /// The same with more options.
    pub fn start_with(&self, name: &'static str, options: &[&str]) -> Process {
        let config = self.path(&format!("{name}.toml"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_helio"));
        command.arg(name).arg("--config").arg(config).args(options);
        let mut process = Process::start(name, command);
        if name == "sim" {
            process.wait_for("Bob's device is at", 1);
        }
        process
    }

    /// What `helio status --json` says.
    pub fn status(&self, name: &str) -> Value {
        let output = helio(&["status", self.path(name).to_str().expect("UTF-8"), "--json"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON object")
    }

    /// The same, once it says that the station is in this phase.
    pub fn wait_for_phase(&self, name: &str, phase: &str) -> Value {
        self.wait_for_status(name, phase, |status| status["phase"] == phase)
    }

    /// The same, once it says what is waited for: it lags behind the log by a fifth of a second.
    pub fn wait_for_status(&self, name: &str, what: &str, said: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.status(name);
            if said(&status) {
                return status;
            }
            assert!(begun.elapsed() < LONG, "not {what}: {status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The store of a station that does not run.
    pub fn store(&self, name: &str) -> DiskStore<Simulated> {
        DiskStore::open(&self.path(name), None).expect("a sound store")
    }

    /// Every block of a station that does not run, with its key's fingerprint if it is usable.
    pub fn blocks(&self, name: &str) -> BTreeMap<BlockId, (BlockState, Option<String>)> {
        let store = self.store(name);
        let entries = store.entries().expect("a sound store");
        let print = |id| store.usable(id).expect("a sound store").map(|key| key.fingerprint());
        entries.into_iter().map(|e| (e.id, (e.state, print(e.id)))).collect()
    }

    /// Keys that both stations may use, after both were stopped: as many, and that they are equal and that
    /// no key is usable on one side which the other has burnt.
    pub fn equal_keys(&self) -> usize {
        let (alice, bob) = (self.blocks("alice"), self.blocks("bob"));
        let mut equal = 0;
        for (id, (state, key)) in &alice {
            let (there, other) = bob.get(id).cloned().unzip();
            match (state, there) {
                (BlockState::Usable, Some(BlockState::Usable)) => {
                    assert_eq!(Some(key), other.as_ref(), "the two keys of {id} differ");
                    equal += 1;
                }
                // Alice turns usable last: then Bob holds the same.
                (BlockState::Usable, there) => panic!("{id}: usable at Alice, {there:?} at Bob"),
                (BlockState::Burnt, Some(BlockState::Usable)) => {
                    panic!("{id}: burnt at Alice, usable at Bob")
                }
                _ => {}
            }
        }
        for (id, (state, _)) in &bob {
            let known = alice.contains_key(id);
            assert!(known || *state != BlockState::Usable, "{id}: usable at Bob, unknown to Alice");
        }
        equal
    }
}

/// A running `helio`.
pub struct Process {
    name: &'static str,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts a command and listens to what it logs.
    pub fn start(name: &'static str, mut command: Command) -> Process {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env_remove("HELIO_LOG")
            .spawn()
            .expect("helio starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let errors = BufReader::new(child.stderr.take().expect("a pipe"));
        let lines = log.clone();
        let reader = std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                lines.lock().expect("no panic").push(line);
            }
        });
        Process { name, child, log, reader: Some(reader) }
    }

    /// Its number at the system.
    #[allow(dead_code, reason = "only the search for secrets looks into a process")]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lines logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("no panic").clone()
    }

    /// Lines with these words so far.
    pub fn count(&self, words: &str) -> usize {
        self.log().iter().filter(|line| line.contains(words)).count()
    }

    /// Waits until so many lines have these words.
    pub fn wait_for(&mut self, words: &str, times: usize) {
        let begun = Instant::now();
        while self.count(words) < times {
            let ended = self.child.try_wait().expect("a process");
            let log = || self.log().join("\n");
            if let Some(status) = ended
                && self.count(words) < times
            {
                std::thread::sleep(Duration::from_millis(100));
                assert!(self.count(words) >= times, "{} ended ({status}):\n{}", self.name, log());
            }
            assert!(begun.elapsed() < LONG, "{}: no {words:?} in:\n{}", self.name, log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `kill -9`; gives what was logged.
    pub fn kill(&mut self) -> Vec<String> {
        self.child.kill().expect("a process");
        self.child.wait().expect("a process");
        self.end()
    }

    /// SIGTERM, and what came of it.
    pub fn terminate(mut self) -> (ExitStatus, Vec<String>) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        let status = self.wait();
        (status, self.end())
    }

    /// Waits for the end, which comes by itself.
    pub fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.wait();
        (status, self.end())
    }

    fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a process") {
                return status;
            }
            let log = self.log().join("\n");
            assert!(begun.elapsed() < LONG, "{} does not end:\n{log}", self.name);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn end(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no panic");
        }
        self.log()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("--- {}:\n{}", self.name, self.log().join("\n"));
        }
    }
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

/// The one sentence with which a process ended.
pub fn complaint(log: &[String]) -> &str {
    let last = log.last().map_or("", String::as_str);
    assert!(last.starts_with("helio: "), "no complaint at the end of:\n{}", log.join("\n"));
    last
}

/// A folder's entries.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let list = std::fs::read_dir(folder).expect("a folder");
    let mut entries: Vec<PathBuf> = list.map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    entries
}
