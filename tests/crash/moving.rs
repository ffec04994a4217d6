//! A book moves from its folder to PostgreSQL, on to KurrentDB (a double of its protocol), and back home: every answer stays what it was, and no two stores can be served.

use crate::database::database;
use crate::gateway::Gateway;
use crate::server::{Copying, Folder, Server, audit};
use counterfoil_tests::cluster::Cluster;
use counterfoil_tests::kurrent::Double;

/// What is said of a book that may not be served where it is.
fn refusal(folder: &Folder) -> String {
    let refused = Server::try_start(folder).err().expect("nobody may serve it");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    refused.said
}

/// Every answer so far is what it was, and there are more.
fn served(folder: &Folder, gateway: &mut Gateway) {
    let server = Server::start(folder);
    gateway.repeat(server.address);
    gateway.ask(server.address, 20);
    server.stop();
    audit(folder);
}

fn moved(folder: &mut Folder, to: Option<&str>) {
    let moved = Copying::start(folder, to).finish();
    assert_eq!(moved.code, Some(0), "{moved:?}");
    folder.move_to(to);
}

#[test]
fn a_book_that_moves_is_served_in_one_place_and_answers_as_before() {
    let (database, stream) = (database(Cluster::shared()), Double::start());
    let mut folder = Folder::new();
    let server = Server::start(&folder);
    let mut gateway = Gateway::opened(server.address);
    gateway.ask(server.address, 30);
    // Beside the service the copy is brought up, and nothing is sealed.
    let unfinished = Copying::start(&folder, Some(database.url())).finish();
    assert_eq!(unfinished.code, Some(1), "{unfinished:?}");
    assert!(unfinished.said.contains("another counterfoil has the book"), "{unfinished:?}");
    gateway.ask(server.address, 20);
    server.stop();
    folder.move_to(Some(database.url()));
    let said = refusal(&folder.beside());
    assert!(said.contains("a copy of the book that is not finished"), "{said}");
    folder.move_to(None);

    // Killed before it can seal: the same command goes on, and once more is nothing.
    Copying::start(&folder, Some(database.url())).kill_when_it_says("are copied");
    for _ in 0..2 {
        moved(&mut folder, Some(database.url()));
        folder.move_to(None);
    }
    let said = refusal(&folder);
    assert!(said.contains("was sealed here") && said.contains("postgres://"), "{said}");
    folder.move_to(Some(database.url()));
    served(&folder, &mut gateway);
    let there = stream.url("book");
    for next in [Some(&*there), None] {
        moved(&mut folder, next);
        served(&folder, &mut gateway);
    }
}
