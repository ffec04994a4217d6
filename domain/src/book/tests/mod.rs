//! The rules as given / when / then, driven through [`Book::execute`] and checked against the codec and the fold.

mod harness;
mod payg;

use harness::{Scene, chars};
