//! Times of round trips, in buckets that are a 64th of their value wide.

use std::time::Duration;

const PER_OCTAVE: usize = 64;
const OCTAVES: usize = 40;

/// Counts of times, exact to 1.6 %.
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: Duration,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; PER_OCTAVE * OCTAVES], total: 0, max: Duration::ZERO }
    }

    pub(super) fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
        self.max = self.max.max(time);
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn max(&self) -> Duration {
        self.max
    }

    /// The time that so many per thousand stayed within.
    pub(super) fn per_mille(&self, share: u64) -> Duration {
        let rank = (self.total * share).div_ceil(1_000);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank && seen > 0 {
                return Duration::from_nanos(upper(bucket)).min(self.max);
            }
        }
        self.max
    }
}

fn bucket(nanos: u64) -> usize {
    let octave = nanos.ilog2() as usize;
    let within = if octave >= 6 { (nanos >> (octave - 6)) as usize & (PER_OCTAVE - 1) } else { 0 };
    (octave * PER_OCTAVE + within).min(PER_OCTAVE * OCTAVES - 1)
}

/// The end of a bucket.
fn upper(bucket: usize) -> u64 {
    let (octave, within) = (bucket / PER_OCTAVE, (bucket % PER_OCTAVE) as u64);
    if octave < 6 { 1 << (octave + 1) } else { (PER_OCTAVE as u64 + within + 1) << (octave - 6) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_to_a_64th() {
        let mut histogram = Histogram::new();
        for micros in 1..=10_000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (share, micros) in [(500, 5_000), (990, 9_900), (999, 9_990)] {
            let found = histogram.per_mille(share).as_micros();
            assert!((micros..=micros + micros / 60).contains(&found), "{share}: {found}");
        }
        assert_eq!(histogram.max(), Duration::from_micros(10_000));
    }
}
