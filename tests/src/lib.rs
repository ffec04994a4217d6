//! What the tests share: contract suites, faulty stand-ins, and builders of sample data.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a test says no")]

pub mod binary;
pub mod chance;
pub mod client;
pub mod cluster;
pub mod contract;
pub mod faulty;
pub mod kurrent;
pub mod real;
pub mod sandbox;
pub mod untrusted;
