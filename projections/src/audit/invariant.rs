//! What must always hold, by id.

use std::fmt;

/// An invariant of a book.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Invariant {
    L1,
    L2,
    M1,
    M2,
    M3,
    M4,
    Q1,
    Q2,
    D1,
    A1,
}

impl Invariant {
    /// All of them, in the order of the design.
    pub const ALL: [Self; 10] =
        [Self::L1, Self::L2, Self::M1, Self::M2, Self::M3, Self::M4, Self::Q1, Self::Q2, Self::D1, Self::A1];

    /// The id that documents, tests and reports share.
    pub fn id(self) -> &'static str {
        match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::M1 => "M1",
            Self::M2 => "M2",
            Self::M3 => "M3",
            Self::M4 => "M4",
            Self::Q1 => "Q1",
            Self::Q2 => "Q2",
            Self::D1 => "D1",
            Self::A1 => "A1",
        }
    }

    /// What holds, in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::L1 => {
                "positions are contiguous; times never decrease; stream versions are contiguous; the chain holds"
            }
            Self::L2 => "the fold of the log equals the running state, field by field",
            Self::M1 => "postings of every event sum to zero; so does the book",
            Self::M2 => {
                "available = unreserved lots - debt; it goes below the account's floor only by a settle that the \
                 policy lets overdraw"
            }
            Self::M3 => "a hold sees at most one release and at most one charge",
            Self::M4 => "charged + uncollected = what the price list in force at admission gives",
            Self::Q1 => "no trailing window ever admits more than its limit",
            Self::Q2 => "a denied request moved nothing but the denial count",
            Self::D1 => "one request id, one decision, within retention",
            Self::A1 => "nothing is answered before it is durable",
        }
    }

    /// Whether a log can show that it was broken. An answer leaves no trace in the log, so when it was given
    /// cannot be read there: killing the service under load is the test of that.
    pub fn is_visible_in_a_log(self) -> bool {
        self != Self::A1
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.id())
    }
}
