//! The command line as its users see it: the executable itself, its output and its exit code.

mod bench;
mod formats;
mod help;
mod policy;
mod real;
mod world;
