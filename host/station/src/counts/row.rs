//! One block of a table: texts by column, and the question to a bound that they make.

use helio_distill::bound::{
    Bound, Epsilon, Length, Mismatch, Query, Refusal, SecrecyCorrectness, Security, UnknownBound,
    leak_bits,
};

use super::{COLUMNS, column};

/// Where a row stands, as its file is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A line of text, counted from 1.
    Line(u64),
    /// An object of an array, counted from 1.
    Row(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Line(n) => write!(f, "line {n}"),
            Place::Row(n) => write!(f, "row {n}"),
        }
    }
}

/// The cells of one block. An empty cell is one that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    number: u64,
    place: Place,
    cells: [Option<Box<str>>; COLUMNS.len()],
}

/// Why a row gives no length.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RowFault {
    /// A cell that cannot be read.
    #[error(transparent)]
    Cell(#[from] CellFault),
    /// No bound has this name.
    #[error(transparent)]
    Bound(#[from] UnknownBound),
    /// The bound refuses the numbers.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl RowFault {
    /// One word for scripts: `cell`, `bound`, or the kind of the bound's refusal.
    pub fn kind(&self) -> &'static str {
        match self {
            RowFault::Cell(_) => "cell",
            RowFault::Bound(_) => "bound",
            RowFault::Refused(refusal) => refusal.kind(),
        }
    }
}

/// A cell that is empty or does not hold what its column is for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}, {column} {found}; {remedy}")]
pub struct CellFault {
    place: String,
    column: &'static str,
    found: String,
    remedy: &'static str,
}

const WHOLE: &str = "write a whole number that is not negative";
const REAL: &str = "write a number such as 0.45 or 1e-10";
const DELTA: &str = "write the value that a calibration of the detectors gave, or 0 where they are \
                     assumed to be matched";

impl Row {
    pub(super) fn new(number: u64, place: Place) -> Row {
        Row { number, place, cells: [const { None }; COLUMNS.len()] }
    }

    pub(super) fn set(&mut self, column: usize, text: &str) {
        self.cells[column] = (!text.is_empty()).then(|| text.into());
    }

    /// The row's name; its number, counted from 1, where it has none. Control characters are left
    /// out.
    pub fn id(&self) -> String {
        self.text("id").map_or_else(|| self.number.to_string(), |id| shown(id, 64))
    }

    /// Line of a CSV table, or number of a JSON object; counted from 1.
    pub fn line(&self) -> u64 {
        match self.place {
            Place::Line(n) | Place::Row(n) => n,
        }
    }

    /// The bound that is asked for: `varlen2d` where none is named.
    ///
    /// # Errors
    /// A name that no bound has.
    pub fn bound(&self) -> Result<Bound, UnknownBound> {
        let named = self.text("bound").unwrap_or(Bound::Varlen2d.name());
        named.parse().map_err(|UnknownBound(name)| UnknownBound(shown(&name, 40)))
    }

    /// The length of the block.
    ///
    /// # Errors
    /// A cell that cannot be read, or numbers that the bound refuses.
    pub fn length(&self) -> Result<Length, RowFault> {
        let bound = self.bound()?;
        Ok(bound.length(&self.query(bound)?)?)
    }

    fn query(&self, bound: Bound) -> Result<Query, RowFault> {
        // A third intensity that is there is the row's: a bound of two refuses it.
        let intensities = |name: &[&'static str; 3]| match self.text(name[2]) {
            None => bound.intensities(),
            Some(_) => 3,
        };
        let reals = |names: [&'static str; 3]| {
            names[..intensities(&names)].iter().map(|c| self.real(c)).collect::<Result<_, _>>()
        };
        let counts = |names: [&'static str; 3]| {
            names[..intensities(&names)].iter().map(|c| self.count(c)).collect::<Result<_, _>>()
        };
        let errors = ["mk1", "mk2", "mk3"];
        let m_key = errors.iter().any(|c| self.text(c).is_some()).then(|| counts(errors));
        Ok(Query {
            mu: reals(["mu1", "mu2", "mu3"])?,
            p: reals(["p1", "p2", "p3"])?,
            n_key: counts(["nk1", "nk2", "nk3"])?,
            m_key: m_key.transpose()?,
            n_test: counts(["nt1", "nt2", "nt3"])?,
            m_test: counts(["mt1", "mt2", "mt3"])?,
            leak: self.leak()?,
            security: self.security(bound)?,
        })
    }

    fn security(&self, bound: Bound) -> Result<Security, CellFault> {
        if bound != Bound::Varlen2d {
            let eps = SecrecyCorrectness { sec: self.real("eps_sec")?, cor: self.real("eps_cor")? };
            return Ok(Security::Published(eps));
        }
        let delta = |name| self.text(name).map_or_else(|| Err(self.missing(name, DELTA)), Ok);
        delta("delta1").and(delta("delta2"))?;
        Ok(Security::Composed {
            epsilon: Epsilon {
                d: self.real("eps_d")?,
                a: self.real("eps_a")?,
                b: self.real("eps_b")?,
                c: self.real("eps_c")?,
                pa: self.real("eps_pa")?,
                ev: self.real("eps_ev")?,
            },
            mismatch: Mismatch { delta1: self.real("delta1")?, delta2: self.real("delta2")? },
            verification_bits: None,
        })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.cells[column(name)?].as_deref()
    }

    fn real(&self, name: &'static str) -> Result<f64, CellFault> {
        let text = self.text(name).ok_or_else(|| self.missing(name, REAL))?;
        text.parse().map_err(|_| self.unread(name, text, REAL))
    }

    /// A whole number, also one that a spreadsheet wrote with a point or an exponent. What is too
    /// large for any count stays too large, so that the bound refuses it as such.
    fn count(&self, name: &'static str) -> Result<u64, CellFault> {
        let text = self.text(name).ok_or_else(|| self.missing(name, WHOLE))?;
        if let Ok(count) = text.parse() {
            return Ok(count);
        }
        let whole = text.parse::<f64>().ok().filter(|x| x.is_finite() && *x >= 0.0);
        let whole = whole.filter(|x| x.fract() == 0.0);
        // Saturates.
        whole.map(|x| x as u64).ok_or_else(|| self.unread(name, text, WHOLE))
    }

    /// Whole bits, or a model's real number rounded up.
    fn leak(&self) -> Result<u64, RowFault> {
        let whole = self.text("leak").and_then(|text| text.parse::<u64>().ok());
        match whole {
            // As a real number it might be rounded down.
            Some(bits) if bits > 1 << 53 => Err(Refusal::Leak { value: bits as f64 }.into()),
            _ => Ok(leak_bits(self.real("leak")?)?),
        }
    }

    fn missing(&self, column: &'static str, remedy: &'static str) -> CellFault {
        CellFault { place: self.place.to_string(), column, found: "is missing".to_owned(), remedy }
    }

    fn unread(&self, column: &'static str, text: &str, remedy: &'static str) -> CellFault {
        let found = format!("is {:?}", shown(text, 40));
        CellFault { place: self.place.to_string(), column, found, remedy }
    }
}

/// A stranger's text on one line and not longer than `most` characters.
fn shown(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}
