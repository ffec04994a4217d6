//! The engine and the domain on a simulated store, clock and callers: seeded, one step after another on one thread,
//! against a reference ledger that shares no code with them.
//!
//! | variable | |
//! | --- | --- |
//! | `COUNTERFOIL_SIM_SEEDS` | a seed, or a range such as `1..1000` |
//! | `COUNTERFOIL_SIM_STEPS` | steps of each seed |
//! | `COUNTERFOIL_SIM_SECONDS` | no new seed is begun after so long |
//!
//! | file | |
//! | --- | --- |
//! | `steps`, `world` | what happens, and to what |
//! | `store`, `time` | the simulated surroundings |
//! | `policies`, `program` | random policies and commands; `spec`, `wish` are their language |
//! | `reference` | the ledger that foretells everything |
//! | `node`, `follow`, `check` | an engine with its callers; along the log; what must hold |

mod check;
mod follow;
mod node;
mod policies;
mod program;
mod reference;
mod report;
mod spec;
mod steps;
mod store;
mod time;
mod translate;
mod wish;
mod world;

use report::Report;
use std::env;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use world::{FROM_A_SNAPSHOT, LEFT_IN_THE_MIDDLE, World};

/// Seeds of the short run, and the steps of each.
const SEEDS: Range<u64> = 1..25;
const STEPS: u64 = 750;

#[test]
fn every_answer_of_random_programs_under_faults_is_the_one_foretold() {
    let steps = variable("COUNTERFOIL_SIM_STEPS").map_or(STEPS, |text| text.parse().expect("a figure"));
    let seconds = variable("COUNTERFOIL_SIM_SECONDS").map(|text| text.parse().expect("seconds"));
    let (began, bound) = (Instant::now(), seconds.map(Duration::from_secs));
    let (mut all, mut seeds) = (Report::default(), 0);
    for seed in variable("COUNTERFOIL_SIM_SEEDS").map_or(SEEDS, |text| range(&text)) {
        if bound.is_some_and(|bound| began.elapsed() > bound) {
            break;
        }
        all.merge(&one(seed, steps));
        seeds += 1;
    }
    if seeds >= SEEDS.end - SEEDS.start && steps >= STEPS {
        assert!(all.has("frames", LEFT_IN_THE_MIDDLE), "no frame left while others waited:{all}");
        assert!(all.has("starts", FROM_A_SNAPSHOT), "nothing began from a snapshot:{all}");
    }
    println!("{seeds} seeds of {steps} steps in {:.1?}{all}", began.elapsed());
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    let run = |seed| {
        let mut world = World::new(seed);
        world.run(300).expect("a run without findings");
        (world.store.frames_after(0).last().map(domain::log::Frame::last), world.report)
    };
    assert_eq!(run(3), run(3));
}

/// Runs one seed, or panics with what it found and how to see it again.
fn one(seed: u64, steps: u64) -> Report {
    let run = || {
        let mut world = World::new(seed);
        world.run(steps).map(|()| world.report)
    };
    let found = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(report)) => return report,
        Ok(Err((step, why))) => format!("at step {step}: {why}"),
        Err(_) => "a panic, told above".to_owned(),
    };
    panic!(
        "seed {seed}, {found}\nagain: COUNTERFOIL_SIM_SEEDS={seed} COUNTERFOIL_SIM_STEPS={steps} \
         cargo test -p counterfoil-tests --test simulation -- --nocapture"
    );
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}

/// `7`, `1..1000` or `1..=1000`.
fn range(text: &str) -> Range<u64> {
    let figure = |text: &str| text.trim().parse().expect("a seed, or a range such as 1..1000");
    match text.split_once("..") {
        Some((from, to)) => match to.strip_prefix('=') {
            Some(last) => figure(from)..figure(last) + 1,
            None => figure(from)..figure(to),
        },
        None => figure(text)..figure(text) + 1,
    }
}
