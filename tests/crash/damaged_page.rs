//! A database whose bytes changed on the disk: no wrong event is ever shown, and the audit says where it begins.

use crate::faults::{Call, Disk, Errno};
use crate::gateway::Gateway;
use crate::server::{Folder, Server, look, verify};
use counterfoil_tests::client::Client;
use std::fs;
use std::path::Path;

const PAGE: usize = 4_096;
/// Each is a frame and an event of its own: one gateway waits for each answer.
const ASKED: u64 = 40;
/// Of the first event that is a decision: the policy, its prices, the account and its credit come before.
const FIRST: u64 = 5;

/// A book of `ASKED` decisions, all of it in `events.db`; stopped.
fn book() -> (Folder, Gateway) {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let mut gateway = Gateway::opened(server.address);
    gateway.ask(server.address, ASKED);
    server.stop();
    // A start moves what the last one left in the write-ahead log into the database.
    Server::start(&folder).stop();
    (folder, gateway)
}

/// The event that answers the nth decision.
fn position(nth: u64) -> u64 {
    FIRST + nth - 1
}

/// Changes a byte of the nth decision's event.
fn flip(folder: &Folder, nth: u64) {
    change(folder, |bytes| {
        let place = find(bytes, &format!(r#""id":"acme-{nth}""#));
        bytes[place + 8] ^= 1;
    });
}

/// Overwrites the head of the page that the nth decision's event lies in: its rows are gone.
fn wreck(folder: &Folder, nth: u64) {
    change(folder, |bytes| {
        let page = find(bytes, &format!(r#""id":"acme-{nth}""#)) / PAGE * PAGE;
        bytes[page..page + 64].fill(0xa5);
    });
}

fn change(folder: &Folder, change: impl FnOnce(&mut [u8])) {
    let file = folder.book().join("events.db");
    let mut bytes = fs::read(&file).expect("a database");
    change(&mut bytes);
    fs::write(file, bytes).expect("a database");
}

fn find(bytes: &[u8], text: &str) -> usize {
    let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
    found.unwrap_or_else(|| panic!("{text} is in the database"))
}

fn without_snapshots(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.file_name().to_string_lossy().starts_with("snapshot-") {
            fs::remove_file(entry.path()).expect("a snapshot");
        }
    }
}

/// The audit finds damage and names the position where it begins, after having checked all that stands before.
fn assert_audit_names(folder: &Folder, positions: std::ops::RangeInclusive<u64>) {
    let output = verify(folder);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let named: Vec<u64> = said
        .lines()
        .filter_map(|line| line.strip_prefix("L1 at ")?.split(':').next()?.parse().ok())
        .collect();
    let first = named.first().copied().unwrap_or_default();
    assert!(positions.contains(&first), "{positions:?} in {said}");
    assert!(said.starts_with(&format!("head {} ", first - 1)), "what stands before is checked: {said}");
}

fn assert_refused(folder: &Folder, words: &[&str]) {
    let ended = Server::try_start(folder).err().expect("it refuses to start");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for words in words {
        assert!(ended.said.contains(words), "{words} in {ended:?}");
    }
}

#[test]
fn a_changed_last_event_is_found_at_the_start() {
    let (folder, _) = book();
    flip(&folder, ASKED);
    let last = position(ASKED);
    assert_audit_names(&folder, last..=last);
    assert_refused(&folder, &[&format!("the log is damaged at position {last}"), "restore it from a copy"]);
    without_snapshots(&folder.book());
    assert_refused(&folder, &[&format!("the log is damaged at position {last}")]);
}

#[test]
fn a_changed_old_event_is_never_shown_and_ends_the_service() {
    let (folder, gateway) = book();
    flip(&folder, 3);
    assert_audit_names(&folder, position(3)..=position(3));

    // The start goes on from the snapshot and reads nothing so old; the first who asks for it meets it.
    let server = Server::start(&folder);
    let mut client = Client::new(server.address);
    let answer = look(&mut client, "/v1/events?limit=1000");
    assert_eq!((answer.status, answer.at("/code")), (503, "LOG_DAMAGED".into()), "{answer:?}");
    let ended = server.ended();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.said.contains(&format!("the log is damaged at position {}", position(3))), "{ended:?}");

    // So does the gateway that repeats that request.
    let server = Server::start(&folder);
    let (body, _) = &gateway.answered[2];
    let answer = crate::server::try_gateway(&mut Client::new(server.address), "/v1/decisions", body);
    assert!(answer.is_some_and(|answer| answer.status == 503), "no wrong answer");
    assert_eq!(server.ended().code, Some(1));

    // A start that reads everything refuses.
    without_snapshots(&folder.book());
    assert_refused(&folder, &[&format!("the log is damaged at position {}", position(3))]);
}

#[test]
fn a_wrecked_page_is_found_where_its_first_event_was() {
    let (folder, _) = book();
    wreck(&folder, 20);
    // A page has a few events.
    assert_audit_names(&folder, position(10)..=position(20));
    without_snapshots(&folder.book());
    assert_refused(&folder, &["the log is damaged at position"]);

    let (folder, _) = book();
    wreck(&folder, ASKED);
    assert_audit_names(&folder, position(ASKED - 10)..=position(ASKED));
    assert_refused(&folder, &["damaged", "restore it from a copy"]);
}

#[test]
fn a_wrecked_first_page_is_no_database() {
    let (folder, _) = book();
    change(&folder, |bytes| bytes[..64].fill(0xa5));
    assert_refused(&folder, &["the book's database is damaged: restore it from a copy"]);
    let output = verify(&folder);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("damaged"), "{output:?}");
}

#[test]
fn a_disk_that_cannot_be_read_is_damage_too() {
    let (folder, gateway) = book();
    let disk = Disk::of(&folder.book());
    let server = Server::start_on(&disk, &folder);
    disk.fail(Call::Read, Errno::Io);
    let answer = look(&mut Client::new(server.address), "/v1/events?limit=1000");
    assert_eq!((answer.status, answer.at("/code")), (503, "LOG_DAMAGED".into()), "{answer:?}");
    assert_eq!(server.ended().code, Some(1));
    let ended = Server::try_start_on(&disk, &folder).err().expect("it refuses to start");
    assert!(ended.code == Some(1) && ended.said.contains("the disk can no longer read"), "{ended:?}");

    disk.mend(Call::Read);
    let server = Server::start_on(&disk, &folder);
    gateway.repeat(server.address);
    server.stop();
}
