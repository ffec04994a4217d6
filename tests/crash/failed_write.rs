//! A disk that can only be read: before the start, and while the server runs.

use crate::faults::{Call, Disk, Errno};
use crate::gateway::Gateway;
use crate::server::{Folder, Server, audit, look};
use counterfoil_tests::client::Client;
use std::fs;
use std::thread;

#[test]
fn a_folder_that_can_only_be_read_is_named_and_not_served() {
    let folder = Folder::new();
    let disk = Disk::of(&folder.book());
    // The stop leaves a snapshot, the kill a write-ahead log.
    Server::start_on(&disk, &folder).stop();
    Server::start_on(&disk, &folder).kill();

    disk.fail(Call::Open, Errno::ReadOnly);
    let ended = Server::try_start_on(&disk, &folder).err().expect("it refuses to start");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let file = folder.book().join("book.lock");
    let words = format!("{} cannot be used: Read-only file system", file.display());
    assert!(ended.said.contains(&words), "{words} in {ended:?}");
}

#[test]
fn a_folder_that_is_a_file_is_named() {
    let folder = Folder::new();
    fs::write(folder.book(), "no folder").expect("a file");
    let ended = Server::try_start(&folder).err().expect("it refuses to start");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let words = format!("{} cannot be used", folder.book().display());
    assert!(ended.said.contains(&words), "{words} in {ended:?}");
}

#[test]
fn an_append_that_may_have_been_written_is_answered_once_the_disk_takes_it() {
    let folder = Folder::new();
    let disk = Disk::of(&folder.book());
    let server = Server::start_on(&disk, &folder);
    let mut gateway = Gateway::opened(server.address);
    gateway.ask(server.address, 5);

    disk.fail(Call::Write, Errno::ReadOnly);
    let address = server.address;
    let waiting = thread::spawn(move || {
        gateway.ask(address, 1);
        gateway
    });
    // It is told in the health, and nobody is answered meanwhile.
    let mut client = Client::new(server.address);
    while look(&mut client, "/health/ready").status == 200 {}
    assert!(!waiting.is_finished(), "nobody knows yet what to answer");

    disk.mend(Call::Write);
    let mut gateway = waiting.join().expect("it is answered in the end");
    gateway.ask(server.address, 5);
    gateway.repeat(server.address);
    server.stop();
    audit(&folder);
}
