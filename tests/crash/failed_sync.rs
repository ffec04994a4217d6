//! A disk that no longer takes what was written: the server answers nobody, says so and ends.

use crate::faults::{Call, Disk, Errno};
use crate::gateway::Gateway;
use crate::server::{Folder, Server, audit};
use counterfoil_tests::client::Client;
use std::net::SocketAddr;
use std::thread;

/// Callers that go on until the server is gone, each on an account of its own.
fn callers(address: SocketAddr) -> Vec<thread::JoinHandle<Gateway>> {
    let call = move |caller| {
        let mut gateway = Gateway::of(&format!("caller-{caller}"), address);
        thread::spawn(move || {
            let mut client = Client::new(address);
            while gateway.try_ask(&mut client).is_some_and(|answer| answer.status == 200) {}
            gateway
        })
    };
    (1..=3).map(call).collect()
}

#[test]
fn when_a_sync_fails_nobody_is_answered_and_a_restart_has_every_answer() {
    let folder = Folder::new();
    let disk = Disk::of(&folder.book());
    let server = Server::start_on(&disk, &folder);
    let mut first = Gateway::opened(server.address);
    first.ask(server.address, 20);
    let callers = callers(server.address);

    disk.fail(Call::Sync, Errno::Io);
    let refused = first.try_ask(&mut Client::new(server.address));
    assert!(refused.is_none_or(|answer| answer.status == 503), "nobody is answered any more");
    let ended = server.ended();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for words in ["the engine failed", "cannot make data durable", "a sync to disk failed", "start again"] {
        assert!(ended.said.contains(words), "{words} in {ended:?}");
    }

    // While the disk is like that, no book is opened on it.
    let ended = Server::try_start_on(&disk, &folder).err().expect("it refuses to start");
    assert!(ended.code == Some(1) && ended.said.contains("events.db cannot be used"), "{ended:?}");

    disk.mend(Call::Sync);
    let server = Server::start_on(&disk, &folder);
    first.repeat(server.address);
    for caller in callers {
        caller.join().expect("a caller ends by itself").repeat(server.address);
    }
    server.stop();
    audit(&folder);
}

#[test]
fn when_the_log_cannot_be_moved_into_the_database_the_server_ends_too() {
    let folder = Folder::new();
    let disk = Disk::of(&folder.book());
    let server = Server::start_on(&disk, &folder);
    let mut gateway = Gateway::opened(server.address);
    disk.fail(Call::Move, Errno::Io);
    let mut client = Client::new(server.address);
    while gateway.try_ask_at_length(&mut client).is_some_and(|answer| answer.status == 200) {}
    let ended = server.ended();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for words in
        ["a checkpoint of the log failed", "cannot make data durable", "an earlier sync to disk failed"]
    {
        assert!(ended.said.contains(words), "{words} in {ended:?}");
    }

    disk.mend(Call::Move);
    let server = Server::start_on(&disk, &folder);
    gateway.repeat(server.address);
    server.stop();
    audit(&folder);
}
