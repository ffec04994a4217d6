//! One store at a time: where a book may be written after it was sealed.

use super::harness::Scene;
use crate::book::Away;
use crate::event::Event;
use crate::log::{BookId, StoreId};

const POLICY: &str = "name = \"n\"\ntitle = \"N\"\n[callers]\n";
const COPY: Option<StoreId> = Some(StoreId(BookId([7; 16])));

#[test]
fn a_book_is_at_home_where_it_began_until_it_is_sealed_for_a_copy() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None);
    assert_eq!(scene.book.at_home(None), Ok(()));
    assert_eq!(scene.book.at_home(COPY), Err(Away::Unfinished));
    scene.seal(COPY, "the copy");
    let since = scene.book.head();
    assert!(matches!(scene.last(), Event::BookSealed(_)));
    assert_eq!(scene.book.at_home(None), Err(Away::Moved { since, place: "the copy".to_owned() }));
    assert_eq!(scene.book.at_home(COPY), Ok(()));
}

#[test]
fn a_book_may_come_back_and_another_copy_never_takes_part() {
    let mut scene = Scene::with(POLICY);
    scene.seal(COPY, "the copy");
    scene.open("acme", None);
    // What stands where it began is behind now, until the book is sealed for it.
    assert_eq!(scene.book.at_home(None), Err(Away::Unfinished));
    scene.seal(None, "data");
    assert_eq!(scene.book.at_home(None), Ok(()));
    let other = Some(StoreId(BookId([8; 16])));
    assert!(scene.book.at_home(other).is_err());
}
