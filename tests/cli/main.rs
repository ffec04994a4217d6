//! The command line as its users see it: the executable itself, its output and its exit code.

mod bench;
mod five_gates;
mod formats;
mod help;
mod payg;
mod policy;
mod real;
mod world;
