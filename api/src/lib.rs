//! Counterfoil as a service: the engine that decides, the HTTP API around it, configuration and the command line.

pub mod cli;
pub mod config;
pub mod engine;
pub mod following;
pub mod http;
pub mod moving;
pub mod publish;
pub mod service;
mod told;

use told::told;
