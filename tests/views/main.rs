//! The read models: kept beside the log, thrown away at will, and always what the log says.

#[macro_use]
mod home;

mod as_of;
mod counted;
mod kept;
mod looked_up;
mod months;
mod odd_event;
mod postgres;
mod real;
mod rebuilt;
mod steps;
mod traffic;
