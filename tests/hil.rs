//! One suite of tests of a device at the end of a cable, on every desk there is: `helio_hil`.

fn main() -> std::process::ExitCode {
    helio_hil::program()
}
