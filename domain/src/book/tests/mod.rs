//! The rules as given / when / then, driven through [`Book::execute`](super::Book::execute) and checked against
//! the codec, the fold and the snapshot.

mod abuse;
mod accounts;
mod bounds;
mod coverage;
mod credit;
mod frozen;
mod gates;
mod harness;
mod holds;
mod items;
mod jobs;
mod keys;
mod limits;
mod moves;
mod payg;
mod prices;
mod programs;
mod refunds;
mod repeats;

use harness::{Scene, chars};
