//! Two instances on one book in PostgreSQL: whatever becomes of the one that writes, the other goes on with all of it.

use crate::gateway::Gateway;
use crate::server::{self, Folder, Server, audit, look, views_agree};
use adapters::views::Views;
use counterfoil_tests::client::{Answer, Client};
use counterfoil_tests::cluster::Cluster;
use std::thread;
use std::time::{Duration, Instant};

const ROUNDS: u64 = 5;
const CALLERS: u64 = 3;
const ANSWERS: u64 = 10;
/// From the kill of the writer to the first decision of the other: the lease (3 s), and what it takes to notice.
const PROMISED: Duration = Duration::from_secs(5);

/// Two folders with the same keys for one book, and its writer.
fn pair() -> (Folder, Folder, Server) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let one = Folder::on(&runtime.block_on(Cluster::shared().database()));
    let writer = Server::start(&one);
    let two = one.beside();
    (one, two, writer)
}

/// The folder of each round's standby: they take turns.
fn rounds<'a>(one: &'a Folder, two: &'a Folder) -> impl Iterator<Item = (u64, &'a Folder)> {
    (0..ROUNDS).zip([two, one].into_iter().cycle())
}

/// It says that it stands by.
fn stands_by(standby: &Server) {
    let answer = look(&mut Client::new(standby.address), "/health/ready");
    assert_eq!((answer.status, answer.at("/status")), (503, "standby".into()), "{answer:?}");
}

/// Callers that ask until their server is gone or refuses, each about an account of its own.
fn callers(writer: &Server, round: u64) -> Vec<thread::JoinHandle<Gateway>> {
    let address = writer.address;
    let call = move |caller| {
        let mut gateway = Gateway::of(&format!("caller-{round}-{caller}"), address);
        gateway.ask(address, ANSWERS);
        thread::spawn(move || {
            let mut client = Client::new(address);
            while gateway.try_ask(&mut client).is_some_and(|answer| answer.status == 200) {}
            gateway
        })
    };
    (0..CALLERS).map(call).collect()
}

#[test]
fn a_standby_takes_over_from_a_killed_writer_with_every_answer_and_in_time() {
    let (one, two, mut writer) = pair();
    for (round, folder) in rounds(&one, &two) {
        let mut standby = Server::standby(folder);
        stands_by(&standby);
        let asking = callers(&writer, round);
        let killed = Instant::now();
        writer.kill();
        standby.decides();
        let mut next = Gateway::of(&format!("next-{round}"), standby.address);
        next.ask(standby.address, 1);
        let took = killed.elapsed();
        println!("round {round}: decisions again after {took:?}");
        assert!(took < PROMISED, "{took:?}");
        for caller in asking {
            caller.join().expect("a caller ends by itself").repeat(standby.address);
        }
        writer = standby;
    }
    writer.stop();
    audit(&one);
    assert_eq!(views_agree(&one), Views::NAMES.len(), "whoever of them kept the views");
}

#[test]
fn a_standby_answers_reads_and_refuses_the_rest() {
    let (_one, two, writer) = pair();
    let mut gateway = Gateway::opened(writer.address);
    gateway.ask(writer.address, 3);
    let standby = Server::standby(&two);
    let mut client = Client::new(standby.address);
    let written = look(&mut Client::new(writer.address), "/v1/engine").expect(200).at("/head");
    // It has the last event a moment before it has looked for more.
    let caught_up = |figures: &Answer| figures.at("/head") == written && figures.at("/lag_millis").is_u64();
    let mut figures = || look(&mut client, "/v1/engine").expect(200);
    let figures = std::iter::repeat_with(&mut figures).find(caught_up).expect("it is asked again");
    assert_eq!(figures.at("/status"), "standby", "{figures:?}");
    let balance = "/v1/account/balance?account=acme";
    let shown = look(&mut client, balance).expect(200).at("/available");
    assert_eq!(shown, look(&mut Client::new(writer.address), balance).expect(200).at("/available"));
    let (body, _) = &gateway.answered[0];
    let refused = server::try_gateway(&mut client, "/v1/decisions", body).expect("it answers");
    assert_eq!((refused.status, refused.at("/code")), (503, "STANDBY".into()), "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
}

#[test]
fn a_writer_that_was_frozen_never_commits_again_and_ends() {
    let (one, two, mut writer) = pair();
    for (round, folder) in rounds(&one, &two) {
        let mut first = Gateway::of(&format!("first-{round}"), writer.address);
        first.ask(writer.address, ANSWERS);
        let asking = callers(&writer, round);
        let mut standby = Server::standby(folder);
        writer.signal("STOP");
        standby.decides();
        let mut second = Gateway::of(&format!("second-{round}"), standby.address);
        second.ask(standby.address, ANSWERS);

        let address = writer.address;
        let late = thread::spawn(move || {
            let answer = first.try_ask(&mut Client::new(address));
            (first, answer)
        });
        writer.signal("CONT");
        let ended = writer.ended();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.said.contains("another"), "{ended:?}");
        let (first, answer) = late.join().expect("a caller ends by itself");
        assert!(answer.is_none_or(|answer| answer.status == 503), "nobody is answered any more");
        // What was answered before the frost is there, on the other as well.
        first.repeat(standby.address);
        second.repeat(standby.address);
        for caller in asking {
            caller.join().expect("a caller ends by itself").repeat(standby.address);
        }
        writer = standby;
    }
    writer.stop();
    audit(&one);
}

#[test]
fn a_standby_that_is_killed_or_frozen_costs_nothing_and_takes_over_once_it_can() {
    let (one, two, mut writer) = pair();
    for (round, folder) in rounds(&one, &two) {
        let mut gateway = Gateway::of(&format!("asking-{round}"), writer.address);
        Server::standby(folder).kill();
        gateway.ask(writer.address, ANSWERS);
        let mut standby = Server::standby(folder);
        standby.signal("STOP");
        gateway.ask(writer.address, ANSWERS);
        standby.signal("CONT");
        gateway.ask(writer.address, ANSWERS);
        stands_by(&standby);
        writer.kill();
        standby.decides();
        gateway.repeat(standby.address);
        gateway.ask(standby.address, ANSWERS);
        writer = standby;
    }
    writer.stop();
    audit(&one);
}

#[test]
fn an_instance_with_other_keys_refuses_to_start() {
    let (one, two, writer) = pair();
    Gateway::opened(writer.address).ask(writer.address, 1);
    let bare = one.beside_without_keys();
    let ended = Server::try_start(&bare).err().expect("it refuses to start");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.said.contains("keys.json is missing"), "{ended:?}");
    let keys = std::fs::read_to_string(two.book().join("keys.json")).expect("the keys");
    let (before, after) = keys.split_once("\"secret\":\"").expect("a secret");
    let digit = if after.starts_with('0') { '1' } else { '0' };
    let other = format!("{before}\"secret\":\"{digit}{}", &after[1..]);
    std::fs::write(two.book().join("keys.json"), other).expect("other keys");
    let ended = Server::try_start(&two).err().expect("it refuses to start");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.said.contains("copy keys.json"), "{ended:?}");
}
