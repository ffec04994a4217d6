//! A store that fails when it is told to, around one that does not.

use async_trait::async_trait;
use domain::ids::Position;
use domain::log::{AppendOutcome, BookInfo, EventStore, Frame, Head, StoreError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// What becomes of one append.
#[derive(Debug)]
pub enum Fault {
    /// It goes through.
    None,
    /// Refused; nothing kept.
    NotWritten,
    /// Kept, and the answer lost.
    MaybeWrittenKept,
    /// Not kept, and nobody can tell.
    MaybeWrittenLost,
    /// Someone else appended this frame just before; what the store then says is answered.
    Rival(Frame),
    /// A sync to disk failed.
    Fatal,
    /// Held until the [`Gate`] is opened, then it goes through.
    Held(Gate),
    /// Held until the [`Gate`] is opened, then refused; nothing kept.
    HeldThenRefused(Gate),
}

/// Holds appends until the test lets them go.
#[derive(Clone, Debug)]
pub struct Gate {
    arrived: Arc<Semaphore>,
    opened: Arc<Semaphore>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self { arrived: Arc::new(Semaphore::new(0)), opened: Arc::new(Semaphore::new(0)) }
    }

    /// Waits until an append stands at the gate.
    pub async fn arrived(&self) {
        self.arrived.acquire().await.expect("a gate is never torn down").forget();
    }

    /// Lets one append through, now or when it comes.
    pub fn open(&self) {
        self.opened.add_permits(1);
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        self.opened.acquire().await.expect("a gate is never torn down").forget();
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// A store with a script of faults, one for each append to come; after its end all goes well.
#[derive(Clone)]
pub struct FaultyStore {
    inner: Arc<dyn EventStore>,
    script: Arc<Mutex<VecDeque<Fault>>>,
}

impl FaultyStore {
    /// A store without faults so far. Clones share the log and the script.
    pub fn new(inner: impl EventStore + 'static) -> Self {
        Self { inner: Arc::new(inner), script: Arc::default() }
    }

    /// Adds faults for the appends to come.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.script.lock().expect("no test panics in here").extend(faults);
    }

    /// How many faults of the script are still to come.
    pub fn scripted(&self) -> usize {
        self.script.lock().expect("no test panics in here").len()
    }

    fn next(&self) -> Fault {
        self.script.lock().expect("no test panics in here").pop_front().unwrap_or(Fault::None)
    }
}

#[async_trait]
impl EventStore for FaultyStore {
    fn book(&self) -> BookInfo {
        self.inner.book()
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.inner.head().await
    }

    async fn append(&self, frame: &Frame) -> Result<AppendOutcome, StoreError> {
        match self.next() {
            Fault::None => self.inner.append(frame).await,
            Fault::NotWritten => Err(StoreError::NotWritten("scripted: disk full".into())),
            Fault::MaybeWrittenKept => match self.inner.append(frame).await? {
                AppendOutcome::Appended => Err(StoreError::MaybeWritten("scripted: answer lost".into())),
                conflict @ AppendOutcome::Conflict { .. } => Ok(conflict),
            },
            Fault::MaybeWrittenLost => Err(StoreError::MaybeWritten("scripted: frame lost".into())),
            Fault::Rival(rival) => match self.inner.append(&rival).await? {
                AppendOutcome::Appended => self.inner.append(frame).await,
                AppendOutcome::Conflict { head } => panic!("the rival's frame does not follow {head:?}"),
            },
            Fault::Fatal => Err(StoreError::Fatal("scripted: sync failed".into())),
            Fault::Held(gate) => {
                gate.pass().await;
                self.inner.append(frame).await
            }
            Fault::HeldThenRefused(gate) => {
                gate.pass().await;
                Err(StoreError::NotWritten("scripted: disk full".into()))
            }
        }
    }

    async fn read(&self, from: Position, max_events: usize) -> Result<Vec<Frame>, StoreError> {
        self.inner.read(from, max_events).await
    }
}
