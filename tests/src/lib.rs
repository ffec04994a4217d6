//! What the tests share: contract suites, faulty stand-ins, and builders of sample data.

pub mod contract;
pub mod faulty;
