//! The HTTP API over a real socket: who may call what, what is refused and how, and what answers look like.

mod answers;
mod auth;
mod bad_input;
mod banned;
mod explained;
mod figures;
mod held;
mod idempotency;
mod lines;
mod openapi;
mod paging;
mod past;
mod past_limits;
mod refused;
mod requested;
mod resets;
mod routes;
