//! Time that passes only when the simulation says so. The clock over it is the real one, which watches the wall
//! clock by the monotonic one.

use crate::spec::Micros;
use adapters::system::TimeSource;
use domain::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// 2026-03-01T12:00:00Z.
const START: Micros = 1_772_366_400_000_000;

/// The wall and the monotonic clock. A clone shows the same time.
#[derive(Clone, Debug)]
pub(crate) struct SimTime(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    wall: AtomicI64,
    passed: AtomicI64,
    /// Any instant will do: only differences to it are ever seen.
    zero: Instant,
}

impl SimTime {
    pub(crate) fn new() -> Self {
        let (wall, passed) = (AtomicI64::new(START), AtomicI64::new(0));
        Self(Arc::new(Hands { wall, passed, zero: Instant::now() }))
    }

    /// Time passes on both clocks.
    pub(crate) fn pass(&self, span: Micros) {
        self.0.passed.fetch_add(span, Ordering::Relaxed);
        self.set_wall(span);
    }

    /// The wall clock stands still, or is held back, while time passes.
    pub(crate) fn stand_still(&self, span: Micros) {
        self.0.passed.fetch_add(span, Ordering::Relaxed);
    }

    /// Somebody sets the wall clock, forth or back.
    pub(crate) fn set_wall(&self, by: Micros) {
        self.0.wall.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn wall_micros(&self) -> Micros {
        self.0.wall.load(Ordering::Relaxed)
    }
}

impl TimeSource for SimTime {
    fn wall(&self) -> Timestamp {
        Timestamp::from_micros(self.wall_micros())
    }

    fn monotonic(&self) -> Instant {
        let passed = self.0.passed.load(Ordering::Relaxed);
        self.0.zero + Duration::from_micros(passed.unsigned_abs())
    }
}
