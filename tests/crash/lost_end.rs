//! A write-ahead log that lost its end, as when a disk forgets what it said that it had taken.
//!
//! That is beyond what SQLite promises: it reads what is left as a log that ends earlier, and so does the book, whole
//! and sound. What was answered after that is gone, which nothing inside the file can tell. What is promised is
//! less: what is left is a beginning of the log, event for event, and a snapshot of a later event, or a head that was
//! noted down elsewhere, gives the loss away.

use crate::gateway::Gateway;
use crate::moments::Moments;
use crate::server::{Folder, Server, audit, look, verify};
use counterfoil_tests::client::Client;
use std::fs;

const ASKED: u64 = 60;
const CUTS: u64 = 6;
const SEED: u64 = 0x70_5E;

/// A book with all its decisions in the write-ahead log, killed.
fn killed() -> Folder {
    let folder = Folder::new();
    let mut server = Server::start(&folder);
    Gateway::opened(server.address).ask(server.address, ASKED);
    server.kill();
    folder
}

/// The bytes of the write-ahead log up to the zeros that it began with: a header, and pages with a header each.
fn written(folder: &Folder) -> u64 {
    let bytes = fs::read(folder.book().join("events.db-wal")).expect("a write-ahead log");
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("something is written");
    32 + (last as u64 - 32).next_multiple_of(24 + 4_096)
}

fn cut(folder: &Folder, length: u64) {
    let file = fs::OpenOptions::new().write(true).open(folder.book().join("events.db-wal"));
    file.expect("a write-ahead log").set_len(length).expect("it can be cut");
}

/// The texts of all events.
fn events(server: &Server) -> Vec<serde_json::Value> {
    let answer = look(&mut Client::new(server.address), "/v1/events?limit=1000").expect(200);
    answer.at("/events").as_array().cloned().unwrap_or_default()
}

#[test]
fn what_is_left_of_a_cut_log_is_a_beginning_of_it() {
    let whole = killed();
    let end = written(&whole);
    let mut moments = Moments(SEED);
    let mut lengths: Vec<u64> = (0..CUTS).map(|_| moments.next(1, end)).collect();
    lengths.extend([0, end]);
    let cuts: Vec<_> = lengths.into_iter().map(|length| (length, whole.copy())).collect();
    let all = {
        let server = Server::start(&whole);
        events(&server)
    };
    assert!(all.len() as u64 > ASKED, "{}", all.len());
    for (length, folder) in cuts {
        cut(&folder, length);
        let server = Server::start(&folder);
        let left = events(&server);
        // The policy is published anew where its event was lost.
        let same = left.iter().zip(&all).take_while(|(left, whole)| left == whole).count();
        assert!(same == left.len() || same < 2, "{length} of {end} bytes: {same} of {}", left.len());
        assert!(length < end || left.len() == all.len(), "nothing is lost when nothing is cut");
        server.stop();
        audit(&folder);
    }
}

#[test]
fn a_snapshot_of_an_event_that_is_gone_gives_the_loss_away_and_nothing_is_touched() {
    let folder = killed();
    let copy = folder.copy();
    Server::start(&copy).stop();
    let position = 4 + ASKED;
    let snapshot = format!("snapshot-{position:020}");
    fs::copy(copy.book().join(&snapshot), folder.book().join(&snapshot)).expect("a snapshot of a clean stop");
    let end = written(&folder);
    cut(&folder, end / 2);
    let file = folder.book().join("events.db");
    let before = fs::read(&file).expect("a database");

    let ended = Server::try_start(&folder).err().expect("it refuses to start");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for words in [
        &format!("the log lacks the event at position {position}"),
        "restore the folder",
        "remove the snapshot",
    ] {
        assert!(ended.said.contains(words), "{words} in {ended:?}");
    }
    assert!(fs::read(&file).expect("a database") == before, "what is there is left for a repair");

    let output = verify(&folder);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("L1 at {position}: ")), "{said}");

    // Without it the shorter log is served, as the message says.
    fs::remove_file(folder.book().join(&snapshot)).expect("a snapshot");
    Server::start(&folder).stop();
    audit(&folder);
}
