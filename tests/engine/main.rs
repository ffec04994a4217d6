//! The engine over a store that fails on cue: when it answers, what it loses (nothing), and when it gives up.
//!
//! Nothing here sleeps or looks at a clock: appends stop at gates, and time is a sandbox's.

mod barrier;
mod life;
mod snapshots;
mod standby;
mod time;
mod trouble;
mod world;
