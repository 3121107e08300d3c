//! Whose memory this is: the first thing that is read.

use std::path::Path;

use helio_distill::Role;
use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};

use super::fault::StoreFault;

type Result<T> = std::result::Result<T, StoreFault>;

/// Version of the layout of database and files.
pub(super) const SCHEMA: u32 = 1;

const HEADER: TableDefinition<&str, &str> = TableDefinition::new("header");

/// Names a pre-shared secret; not a function of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairingId(pub [u8; 16]);

impl std::fmt::Display for PairingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which of the two stations this is, and the name of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// This station's role.
    pub role: Role,
    /// The other station's name.
    pub peer: String,
}

/// What a store says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Role and peer.
    pub identity: Identity,
    /// Which pre-shared secret counters and ε belong to.
    pub pairing: PairingId,
}

pub(super) fn write(
    transaction: &WriteTransaction,
    header: &Header,
    origin: &str,
) -> std::result::Result<(), redb::Error> {
    let mut table = transaction.open_table(HEADER)?;
    let role = match header.identity.role {
        Role::Alice => "alice",
        Role::Bob => "bob",
    };
    table.insert("schema", SCHEMA.to_string().as_str())?;
    table.insert("origin", origin)?;
    table.insert("role", role)?;
    table.insert("peer", header.identity.peer.as_str())?;
    table.insert("pairing", header.pairing.to_string().as_str())?;
    Ok(())
}

/// Reads the header and refuses another version or origin.
pub(super) fn read(database: &Database, path: &Path, origin: &'static str) -> Result<Header> {
    let lost = |what: &str| StoreFault::Corrupted { path: path.to_owned(), what: what.to_owned() };
    let field = |name: &str| -> Result<Option<String>> {
        let get = || -> std::result::Result<Option<String>, redb::Error> {
            let table = database.begin_read()?.open_table(HEADER)?;
            Ok(table.get(name)?.map(|value| value.value().to_owned()))
        };
        get().map_err(|e| StoreFault::database(path, e))
    };
    let need = |name: &str| field(name)?.ok_or_else(|| lost(&format!("no {name} in its header")));
    let found = need("schema")?;
    if found != SCHEMA.to_string() {
        return Err(StoreFault::Version { path: path.to_owned(), found, reads: SCHEMA });
    }
    let found = need("origin")?;
    if found != origin {
        return Err(StoreFault::Origin { path: path.to_owned(), found, wanted: origin });
    }
    let role = match need("role")?.as_str() {
        "alice" => Role::Alice,
        "bob" => Role::Bob,
        other => return Err(lost(&format!("the role {other:?} in its header"))),
    };
    let pairing = need("pairing")?;
    let digits = pairing.len() == 32 && pairing.bytes().all(|b| b.is_ascii_hexdigit());
    let pairing = u128::from_str_radix(&pairing, 16)
        .ok()
        .filter(|_| digits)
        .map(|id| PairingId(id.to_be_bytes()))
        .ok_or_else(|| lost("the pairing in its header"))?;
    Ok(Header { identity: Identity { role, peer: need("peer")? }, pairing })
}
