//! A disk without room: what cannot be recorded is refused, and it goes on by itself when there is room.

use crate::faults::{Call, Disk, Errno};
use crate::gateway::Gateway;
use crate::server::{Folder, Server, audit, look};
use counterfoil_tests::client::Client;

#[test]
fn a_book_opens_on_a_full_disk_and_goes_on_in_the_room_that_its_write_ahead_log_has() {
    let folder = Folder::new();
    let disk = Disk::of(&folder.book());
    let mut server = Server::start_on(&disk, &folder);
    let mut gateway = Gateway::opened(server.address);
    gateway.ask(server.address, 5);
    // All of it still stands in the write-ahead log, which a start would like to move.
    server.kill();

    disk.fail(Call::Grow, Errno::NoSpace);
    let server = Server::start_on(&disk, &folder);
    gateway.repeat(server.address);
    gateway.ask(server.address, 5);
    server.stop();

    disk.mend(Call::Grow);
    let server = Server::start_on(&disk, &folder);
    gateway.repeat(server.address);
    server.stop();
    audit(&folder);
}

#[test]
fn a_disk_that_fills_refuses_decisions_loses_no_answer_and_goes_on_when_there_is_room() {
    let folder = Folder::new();
    let disk = Disk::of(&folder.book());
    let server = Server::start_on(&disk, &folder);
    let mut gateway = Gateway::opened(server.address);
    gateway.ask(server.address, 20);

    disk.fail(Call::Write, Errno::NoSpace);
    let mut client = Client::new(server.address);
    for _ in 0..3 {
        let refused = gateway.try_ask(&mut client).expect("it answers");
        assert_eq!((refused.status, refused.at("/code")), (503, "REFUSING".into()), "{refused:?}");
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
    }
    // Between two pauses it is ready to try again; the pauses double, so a look finds one.
    while look(&mut client, "/health/ready").status == 200 {
        assert_eq!(gateway.try_ask(&mut client).expect("it answers").status, 503);
    }

    disk.mend(Call::Write);
    gateway.ask_until_answered(&mut client);
    assert_eq!(look(&mut client, "/health/ready").status, 200);
    gateway.ask(server.address, 20);
    let ended = server.stop();
    assert!(ended.said.contains("there is no room on the disk"), "{ended:?}");

    let server = Server::start(&folder);
    gateway.repeat(server.address);
    server.stop();
    audit(&folder);
}

#[test]
fn no_book_is_begun_on_a_full_disk() {
    let folder = Folder::new();
    let disk = Disk::of(&folder.book());
    disk.fail(Call::Grow, Errno::NoSpace);
    let ended = Server::try_start_on(&disk, &folder).err().expect("it refuses to start");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.said.contains("there is no room on the disk"), "{ended:?}");

    disk.mend(Call::Grow);
    let server = Server::start_on(&disk, &folder);
    Gateway::opened(server.address).ask(server.address, 2);
    server.stop();
    audit(&folder);
}
