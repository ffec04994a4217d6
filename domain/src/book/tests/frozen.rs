//! A frozen book is the book as it was, whatever came after.

use super::Scene;
use super::harness::KEY;
use super::programs::{Recount, steps};
use crate::book::{Book, Frozen};
use proptest::prelude::*;

/// A book at a moment: frozen, and as the bytes that were written at once.
struct Moment {
    frozen: Frozen,
    bytes: Vec<u8>,
}

impl Moment {
    fn of(scene: &Scene) -> Self {
        Self { frozen: scene.book.freeze(), bytes: written(&scene.book.freeze()) }
    }

    /// Written after all that came later, it has the same bytes; and they are the book that the log has there.
    fn check(self, scene: &Scene) {
        let head = self.frozen.head();
        let bytes = written(&self.frozen);
        assert!(bytes == self.bytes, "frozen at {head}, written later");
        let read = rmp_serde::from_slice(&bytes).expect("a book");
        let mut restored = Book::restore(KEY, scene.bounds, read);
        let mut folded = Book::new(KEY, scene.bounds);
        scene.log.iter().filter(|entry| entry.position <= head).for_each(|entry| fold(&mut folded, entry));
        assert_eq!(restored.differs_from(&folded), None);
        scene.log.iter().filter(|entry| entry.position > head).for_each(|entry| fold(&mut restored, entry));
        assert_eq!(restored.differs_from(&scene.book), None);
    }
}

fn fold(book: &mut Book, entry: &crate::event::Entry) {
    book.apply(entry).expect("folds");
}

fn written(frozen: &Frozen) -> Vec<u8> {
    rmp_serde::to_vec(frozen).expect("a snapshot")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_frozen_book_is_what_it_was_whatever_came_after(steps in steps(), every in 1..9_usize) {
        let (mut recount, mut moments) = (Recount::new(), Vec::new());
        for (nth, step) in steps.iter().enumerate() {
            if nth % every == 0 {
                moments.push(Moment::of(&recount.scene));
            }
            recount.take(step);
        }
        for moment in moments {
            moment.check(&recount.scene);
        }
    }
}
