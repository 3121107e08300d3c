//! The program `helio`; everything it does is in the library of the same package.

fn main() -> std::process::ExitCode {
    helio_station::cli::run(std::env::args_os())
}
