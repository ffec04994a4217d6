//! The five providers' terms: one test per row, through the running service.

mod common;
mod enhancement_quotas;
mod five_gates;
mod job_credits;
mod payg_tokens;
mod plan_tiers;
mod world;
