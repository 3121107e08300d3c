//! The program `helio`.
fn main() {}
