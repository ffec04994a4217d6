//! Reading of what is shared: straight into its place, where serde would first make a copy of its own.

use foldhash::fast::FixedState;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::cell::RefCell;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

/// A text that several may keep.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = Arc<str>;
        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a string")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Arc<str>, E> {
            Ok(text.into())
        }
    }
    from.deserialize_str(Text)
}

/// A value that several may keep.
pub(crate) fn value<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Arc<T>, D::Error> {
    T::deserialize(from).map(Arc::new)
}

thread_local! {
    /// Texts that were read lately, each at a place that its hash gives.
    static RECENT: RefCell<[Arc<str>; 64]> = RefCell::new(std::array::from_fn(|_| Arc::default()));
}

/// A text out of few, such as an endpoint: as a rule it is found among those read lately and takes no memory.
pub(crate) fn repeated<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = Arc<str>;
        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a string")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Arc<str>, E> {
            Ok(RECENT.with_borrow_mut(|recent| recall(recent, text)))
        }
    }
    from.deserialize_str(Text)
}

fn recall(recent: &mut [Arc<str>; 64], text: &str) -> Arc<str> {
    let place = &mut recent[(FixedState::default().hash_one(text) % 64) as usize];
    if &**place != text {
        *place = text.into();
    }
    place.clone()
}
