//! The rules that hold for all five providers.

mod counting;
mod repeats;
