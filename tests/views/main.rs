//! The read models: kept beside the log, thrown away at will, and always what the log says.

mod as_of;
mod kept;
mod months;
mod odd_event;
mod real;
mod rebuilt;
mod traffic;
