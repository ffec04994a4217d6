//! What every event store must do. The suite chooses the cases; a store adds one line to run them all.

mod cases;
mod sample;

pub use cases::*;
pub use sample::{after, book, frame, open_frame, texts};

use async_trait::async_trait;
use domain::log::EventStore;

/// How the suite gets at a store: a fresh log, and the same log again after a restart.
#[async_trait]
pub trait Harness: Sized + Send + Sync {
    type Store: EventStore;

    /// A place for a log that does not exist yet.
    fn new() -> Self;

    /// Opens the log, making it when there is none.
    async fn open(&self) -> Self::Store;

    /// Gives the store up in order, as a process does when it ends.
    async fn close(&self, store: Self::Store);
}

/// Runs the whole suite against one kind of store: `event_store_contract!(memory, MemoryHarness);`.
#[macro_export]
macro_rules! event_store_contract {
    ($name:ident, $harness:ty) => {
        $crate::event_store_contract!($name, $harness:
            an_empty_log_ends_at_zero
            events_come_back_in_order_with_their_very_bytes
            the_head_is_the_last_event_appended
            positions_have_no_gaps
            a_frame_after_another_hash_is_a_conflict
            a_conflict_keeps_nothing
            of_two_frames_at_one_head_exactly_one_wins
            of_frames_racing_at_one_head_exactly_one_wins
            a_repeated_frame_is_appended_and_kept_once
            a_repeat_after_later_frames_is_appended
            a_late_second_frame_is_a_conflict
            part_of_a_frame_is_not_a_repeat
            pages_join_to_the_whole_log
            a_read_gives_whole_frames
            a_read_past_the_head_is_empty
            a_read_of_nothing_still_makes_progress
            a_frame_of_five_thousand_events_is_kept
            an_event_of_300_kilobytes_is_kept
            a_restart_keeps_everything
            a_restart_keeps_the_books_identity
            appending_needs_no_async_runtime
            an_append_that_nobody_waited_for_is_settled_by_sending_it_again
            a_reader_that_follows_sees_every_event_once_and_in_order
            of_two_writers_at_one_log_every_frame_is_kept_once
        );
    };
    ($name:ident, $harness:ty: $($case:ident)+) => {
        mod $name {
            use super::*;
            $(
                // A store may need a thread of the runtime while the caller's is blocked.
                #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
                async fn $case() {
                    $crate::contract::$case(&<$harness as $crate::contract::Harness>::new()).await;
                }
            )+
        }
    };
}
