//! Read models in SQLite: a file of their own for each, in `views/` beside the log.
//!
//! A file's name has a generation: a rebuilt view appears beside the old one, and whoever keeps the view goes on
//! with the newest.

mod read;
mod rebuild;
mod session;
mod view;

pub(super) use read::Files;
pub(super) use rebuild::FreshFile;
pub(super) use view::SqliteView;
