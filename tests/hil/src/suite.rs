//! The cases, by name.

mod bad_cables;
mod greeting;
mod job;
mod pipes;
mod raw;
mod running;
mod steered;
mod table;
mod trips;
mod update;

use crate::case::Skip;
use crate::desk::Desk;

pub use job::{SiftedBit, main_job, sifted};

/// What a case brings: its figures.
pub(crate) type Figures = Result<String, Skip>;

/// All cases, in the order in which they are run.
pub const CASES: &[&str] = &[
    "hello",
    "foreign_version_and_command",
    "both_pipes",
    "start_and_stop",
    "trip_contact_open",
    "trip_random_fault",
    "trip_player_fault",
    "trip_link_reset",
    "trip_bad_frames",
    "trip_unknown_command",
    "trip_heartbeat_lost",
    "tags_in_order_without_loss",
    "tags_above_the_rate_are_counted",
    "settings_round_trip",
    "commands_too_late",
    "time_across_rollovers",
    "reboot_in_mid_run",
    "unplugged_in_mid_run",
    "update_cut_at_every_block",
    "slot_clock_steered",
    "bad_cables",
    "main_job",
];

/// Not among [`CASES`]: to be asked for by its whole name.
pub(crate) const SOAK: &str = "soak";

/// Runs a case.
///
/// # Panics
/// Where it does not hold, or there is none of this name.
pub(crate) fn case<D: Desk>(desk: &mut D, name: &str) -> Figures {
    use helio_bench::TripCause;
    match name {
        "hello" => greeting::hello(desk),
        "foreign_version_and_command" => greeting::foreign(desk),
        "both_pipes" => pipes::both(desk),
        "start_and_stop" => running::start_and_stop(desk),
        "trip_contact_open" => trips::trip(desk, TripCause::External),
        "trip_random_fault" => trips::trip(desk, TripCause::RandomFault),
        "trip_player_fault" => trips::trip(desk, TripCause::PlayerFault),
        "trip_link_reset" => trips::trip(desk, TripCause::LinkReset),
        "trip_bad_frames" => trips::trip(desk, TripCause::BadFrames),
        "trip_unknown_command" => trips::trip(desk, TripCause::UnknownCommand),
        "trip_heartbeat_lost" => trips::trip(desk, TripCause::HeartbeatLost),
        "tags_in_order_without_loss" => running::tags_in_order(desk),
        "tags_above_the_rate_are_counted" => running::tags_above_the_rate(desk),
        "settings_round_trip" => table::round_trip(desk),
        "commands_too_late" => table::too_late(desk),
        "time_across_rollovers" => running::rollovers(desk),
        "reboot_in_mid_run" => running::reboot(desk),
        "unplugged_in_mid_run" => running::unplugged(desk),
        "update_cut_at_every_block" => update::cut(desk),
        "slot_clock_steered" => steered::steered(desk),
        "bad_cables" => bad_cables::bad_cables(desk),
        "main_job" => job::compare(desk),
        SOAK => running::soak(desk),
        _ => panic!("no case is called {name}"),
    }
}
