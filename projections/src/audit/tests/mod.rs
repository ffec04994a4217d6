//! Each invariant is shown to fire on a log with its fault, and to be silent on sound ones.

mod firing;
mod programs;
mod scene;
