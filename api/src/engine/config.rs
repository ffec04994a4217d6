//! The figures that an engine runs by.

use domain::book::Bounds;

/// The figures that an engine runs by.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Commands and reads that may wait at once; one more is refused as overload.
    pub queue_max: usize,
    /// Bytes of text at which a frame is full. A command is never cut, so a frame may be longer by one command.
    pub batch_bytes: usize,
    /// Dues that the sweeper settles in one turn, between commands.
    pub sweep_max: usize,
    /// A snapshot is taken after so many events; 0: only when the engine stops.
    pub snapshot_every: u64,
    /// What the book may remember.
    pub bounds: Bounds,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            queue_max: 4_096,
            batch_bytes: 512 * 1024,
            sweep_max: 256,
            snapshot_every: 1_000_000,
            bounds: Bounds::default(),
        }
    }
}
