//! The files that `helio config init` writes: a simulated pair on one computer, with every key.

/// A file to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Alice's station.
    Alice,
    /// Bob's station.
    Bob,
    /// The light between them.
    Sim,
}

/// What both stations' files have to the letter.
const SHARED: &str = include_str!("templates/shared.toml");

impl Template {
    /// All, in the order in which they are written.
    pub const ALL: [Template; 3] = [Template::Alice, Template::Bob, Template::Sim];

    /// The file's name.
    pub fn file_name(self) -> &'static str {
        match self {
            Template::Alice => "alice.toml",
            Template::Bob => "bob.toml",
            Template::Sim => "sim.toml",
        }
    }

    /// The file's text.
    pub fn text(self) -> String {
        match self {
            Template::Alice => [include_str!("templates/alice.toml"), SHARED].concat(),
            Template::Bob => {
                let channels = include_str!("templates/channels.toml");
                [include_str!("templates/bob.toml"), SHARED, channels].concat()
            }
            Template::Sim => include_str!("templates/sim.toml").to_owned(),
        }
    }
}
