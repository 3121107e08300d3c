//! The socket: several clients, strange ones, slow ones, and what a killed station leaves.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use helio_station::status::{
    AskFault, MOST_CLIENTS, Seen, ServeFault, Status, StatusServer, ask, watch,
};
use tempfile::TempDir;

use crate::filled::filled;

/// Longer than any honest answer takes on the slowest machine: a hang fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    close(folder.path());
    folder
}

fn close(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("mode");
}

fn serve(folder: &Path) -> (StatusServer, Arc<Mutex<Status>>) {
    let shared = Arc::new(Mutex::new(filled()));
    (StatusServer::start(folder, shared.clone()).expect("serves"), shared)
}

fn client(folder: &Path, request: &str) -> BufReader<UnixStream> {
    let mut stream = UnixStream::connect(folder.join("status.sock")).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    stream.write_all(request.as_bytes()).expect("asks");
    BufReader::new(stream)
}

fn line(client: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    client.read_line(&mut line).expect("a line in time");
    line
}

fn status(line: &str) -> Status {
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))
}

#[test]
fn several_clients_are_told_what_changes() {
    let folder = folder();
    let (server, shared) = serve(folder.path());
    let socket = folder.path().join("status.sock");
    let mode = fs::metadata(&socket).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut watchers: Vec<_> = (0..3).map(|_| client(folder.path(), "watch\n")).collect();
    for watcher in &mut watchers {
        let told = status(&line(watcher));
        assert_ne!(told.station.now_unix_s, filled().station.now_unix_s, "the server's clock");
        assert_eq!(told.rates, filled().rates);
    }
    assert_eq!(ask(folder.path()).expect("told").last_blocks, filled().last_blocks);
    shared.lock().expect("no panic").blocks_waiting = 77;
    for watcher in &mut watchers {
        while status(&line(watcher)).blocks_waiting != 77 {}
    }
    let mut once = client(folder.path(), "status\n");
    assert_eq!(status(&line(&mut once)).blocks_waiting, 77);
    assert_eq!(line(&mut once), "", "one look is one line");
    drop(server);
    assert!(!socket.exists());
    for watcher in &mut watchers {
        while !line(watcher).is_empty() {}
    }
    assert!(matches!(ask(folder.path()), Err(AskFault::NotRunning(_))));
}

#[test]
fn a_strange_request_is_answered_with_one_line() {
    let folder = folder();
    let (_server, _) = serve(folder.path());
    for request in ["status please\n", "\n", "GET / HTTP/1.1\n", &"x".repeat(64)] {
        let mut strange = client(folder.path(), request);
        let answer: serde_json::Value = serde_json::from_str(&line(&mut strange)).expect("JSON");
        assert!(answer["error"].as_str().is_some_and(|e| e.contains("`status`")), "{answer}");
        assert_eq!(line(&mut strange), "");
    }
    // Gone before they asked, or in the middle of it.
    drop(client(folder.path(), ""));
    drop(client(folder.path(), "wat"));
    drop(client(folder.path(), "watch\n"));
    assert!(ask(folder.path()).is_ok());
}

#[test]
fn clients_are_bounded_and_their_places_come_back() {
    let folder = folder();
    let (_server, _) = serve(folder.path());
    let mut watchers: Vec<_> =
        (0..MOST_CLIENTS).map(|_| client(folder.path(), "watch\n")).collect();
    watchers.iter_mut().for_each(|watcher| assert!(!line(watcher).is_empty()));
    let refused = ask(folder.path()).expect_err("no place");
    assert!(matches!(&refused, AskFault::Refused { why, .. } if why.contains("8 others")));
    watchers.truncate(2);
    while matches!(ask(folder.path()), Err(AskFault::Refused { .. })) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(ask(folder.path()).is_ok());
}

#[test]
fn clients_that_read_nothing_hold_nobody_up_and_are_dropped() {
    let folder = folder();
    let (_server, shared) = serve(folder.path());
    // More than a socket holds: the first look does not fit.
    shared.lock().expect("no panic").station.run_folder = Some("x".repeat(900_000));
    let mut lazy: Vec<_> = (1..MOST_CLIENTS).map(|_| client(folder.path(), "watch\n")).collect();
    for _ in 0..3 {
        assert!(ask(folder.path()).is_ok());
    }
    lazy.push(client(folder.path(), "watch\n"));
    while ask(folder.path()).is_err() {
        std::thread::sleep(Duration::from_millis(50));
    }
    // The first that came is the first to go, in the middle of its line.
    let mut rest = Vec::new();
    lazy[0].read_to_end(&mut rest).expect("an end in time");
    assert!(rest.len() < 900_000, "{}", rest.len());
}

#[test]
fn the_socket_of_a_killed_station_is_replaced_and_a_living_one_is_not() {
    let folder = folder();
    let socket = folder.path().join("status.sock");
    drop(UnixListener::bind(&socket).expect("binds"));
    assert!(socket.exists(), "a dropped listener leaves its socket, as a killed station does");
    assert!(matches!(ask(folder.path()), Err(AskFault::NotRunning(_))));
    let (server, shared) = serve(folder.path());
    assert!(ask(folder.path()).is_ok());
    let second = StatusServer::start(folder.path(), shared.clone()).expect_err("one is there");
    assert_eq!(second, ServeFault::InUse(socket.clone()));
    assert!(ask(folder.path()).is_ok());
    drop(server);
    fs::write(&socket, "notes").expect("written");
    let blocked = StatusServer::start(folder.path(), shared.clone()).expect_err("a file");
    assert_eq!(blocked, ServeFault::InTheWay(socket.clone()));
    assert_eq!(fs::read(&socket).expect("kept"), b"notes");
    fs::remove_file(&socket).expect("removed");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("mode");
    let open = StatusServer::start(folder.path(), shared).expect_err("others could look");
    assert_eq!(open, ServeFault::TooOpen(folder.path().to_owned()));
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_with_a_long_name_has_a_socket_too() {
    let folder = folder();
    let long: PathBuf = folder.path().join("x".repeat(100)).join("y".repeat(100));
    fs::create_dir_all(&long).expect("made");
    close(&long);
    let (server, _) = serve(&long);
    assert_eq!(ask(&long).expect("told").last_blocks, filled().last_blocks);
    drop(server);
    assert!(!long.join("status.sock").exists());
    assert!(matches!(ask(&long), Err(AskFault::NotRunning(_))));
}

#[test]
fn a_station_that_panicked_with_its_status_in_hand_is_still_told() {
    let folder = folder();
    let (_server, shared) = serve(folder.path());
    let held = shared.clone();
    let end = std::thread::spawn(move || {
        let _held = held.lock().expect("first");
        panic!("as a thread of a station might");
    });
    assert!(end.join().is_err() && shared.is_poisoned());
    assert!(ask(folder.path()).is_ok());
}

#[test]
fn somebody_who_listens_and_says_nothing_is_not_waited_for_forever() {
    let folder = folder();
    let _mute = UnixListener::bind(folder.path().join("status.sock")).expect("binds");
    assert!(matches!(ask(folder.path()), Err(AskFault::Silent(_))));
}

#[test]
fn a_watched_station_goes_and_comes_back() {
    let folder = folder();
    let (server, shared) = serve(folder.path());
    let seen = watch(folder.path()).expect("a thread");
    let next = || seen.recv_timeout(PATIENCE).expect("something is seen");
    assert!(matches!(next(), Seen::Status(_)));
    drop(server);
    while !matches!(next(), Seen::Away(AskFault::NotRunning(_))) {}
    let _server = StatusServer::start(folder.path(), shared).expect("serves again");
    while !matches!(next(), Seen::Status(_)) {}
}
