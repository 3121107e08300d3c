//! What stands in the views.

use helio_station::status::view::{line, live, page};
use helio_station::status::{Phase, Queue, Status, Window};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::filled::{filled, last_block};

fn drawn(scene: &live::Scene<'_>, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| live::draw(frame, scene)).expect("drawn");
    terminal.backend().to_string()
}

fn of<'a>(status: &'a Status, away: Option<&'a str>) -> live::Scene<'a> {
    live::Scene { status: Some(status), away, colours: true }
}

fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in:\n{text}");
    }
}

#[test]
fn a_status_goes_through_json_and_back() {
    let status = filled();
    let json = serde_json::to_string(&status).expect("JSON");
    assert_eq!(serde_json::from_str::<Status>(&json).expect("a status"), status);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&value["version"], &value["phase"]), (&2.into(), &"running".into()));
    let empty = serde_json::to_string(&Status::default()).expect("JSON");
    assert_eq!(serde_json::from_str::<Status>(&empty).expect("a status"), Status::default());
    for (phase, name) in [
        (Phase::WaitingForDevice, "\"waiting-for-device\""),
        (Phase::MakingContact, "\"making-contact\""),
        (Phase::StartingLight, "\"starting-light\""),
    ] {
        assert_eq!(serde_json::to_string(&phase).expect("JSON"), name);
    }
}

#[test]
fn lists_keep_the_newest() {
    let mut status = filled();
    assert_eq!((status.last_blocks.len(), status.last_blocks[0].block), (16, 411));
    assert_eq!(status.seconds_a_block(), Some(20.0));
    for n in 0..20 {
        status.push_event(n, Default::default(), n.to_string());
    }
    assert_eq!((status.events.len(), status.events[11].unix_s), (12, 19));
    let mut other_run = last_block(0);
    other_run.run = "f".repeat(32);
    status.push_block(other_run);
    assert_eq!(status.seconds_a_block(), None);
}

#[test]
fn the_page_says_first_what_matters() {
    let mut status = filled();
    let text = page(&status);
    let first = text.lines().next().expect("a line");
    has(first, &["Bob", "\"alice\"", "SIMULATED", "running for 2 h 13 min", "ready"]);
    has(
        &text,
        &[
            "4.32 kbit/s, 34 634 567 bits in this run",
            "3 588 of 4 000 left for blocks, 19 h 56 min",
            "4.12e-8 of 1e-6 spent, 9 587 more blocks",
            "   411 ",
            "no key: the bound leaves no secret bit",
            "D1 in block 411",
            "tcp:10.0.0.2:7000",
            "1 204 tags, 2 frames",
            "21 s ago: block 411",
            "error: block 352 failed",
        ],
    );
    assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
    assert!(!text.contains("waiting  "));
    status.waiting_for = Some("the laser is cold; wait a minute".into());
    has(&page(&status), &["\nwaiting  the laser is cold; wait a minute\n"]);
    has(&line(&status), &["Bob running", "block 411: QBER", "waiting: the laser is cold"]);
}

#[test]
fn the_live_view_has_everything_in_a_small_and_a_large_terminal() {
    let status = filled();
    for (width, height) in [(80, 24), (120, 40)] {
        let text = drawn(&of(&status, None), width, height);
        has(
            &text,
            &[
                "Bob with \"alice\", SIMULATED: running for 2 h 13 min, ready",
                "block 412: reconciling",
                "q leaves",
                "error rates",
                "test 1.1",
                "D1 ",
                "window 40 ns",
                "└",
                "D0 +312 ps",
                "4.32 kbit/s",
                "pads",
                "recovery",
                "ε spent",
                "detections",
                "15 of 16",
                "lost 1 204 tags, 2 frames",
                "interlock armed, locked, lock losses 1",
                "connected for 2 h 13 min",
                "block 411: 84 063 bits of key",
            ],
        );
    }
}

#[test]
fn names_in_the_live_view_do_not_run_into_figures() {
    let mut status = filled();
    status.queues[0].name = "from the device".into();
    for (block, name) in status.last_blocks[0].detectors.iter_mut().zip(["SPAD 1", "double clicks"])
    {
        block.detector = name.into();
    }
    let text = drawn(&of(&status, None), 80, 24);
    has(&text, &["SPAD 1   test ", "double c test ", "from device "]);
}

#[test]
fn the_live_view_says_that_a_station_is_away() {
    let status = filled();
    let away = "the station on bob went away; away for 3 s";
    let text = drawn(&of(&status, Some(away)), 80, 24);
    has(&text, &["away; last seen running", "the station on bob went away", "q leaves"]);
    let none = live::Scene { status: None, away: Some(away), colours: false };
    has(&drawn(&none, 80, 24), &["the station on bob went away", "q leaves"]);
    let stopped = Status {
        phase: Phase::Stopped,
        waiting_for: Some("it does not run; start it".into()),
        ..Status::default()
    };
    has(&drawn(&of(&stopped, Some(away)), 80, 24), &["stopped", "it does not run; start it"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// No terminal is too small and no number too large.
    #[test]
    fn any_status_is_drawn_in_any_terminal(
        width in 1u16..200,
        height in 1u16..60,
        histogram in prop::collection::vec(any::<u64>(), 0..600),
        number: u64,
        fraction: f64,
    ) {
        let mut status = filled();
        status.window = Some(Window {
            width_ps: number,
            histogram,
            bin_ps: fraction,
            first_bin_ps: -fraction,
            ..Window::default()
        });
        status.epsilon.spent = fraction;
        status.rates.key_bits_per_s = fraction;
        status.pads.block_left = number;
        status.keys.usable_bits = number;
        status.queues = vec![Queue { name: "λ".repeat(30), depth: number, capacity: 0 }; 16];
        status.station.now_unix_s = number;
        let text = drawn(&of(&status, None), width, height);
        prop_assert!(text.lines().count() >= usize::from(height));
        prop_assert!(page(&status).ends_with('\n'));
    }
}
