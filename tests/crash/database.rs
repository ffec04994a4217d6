//! A book in PostgreSQL: the service is killed, the server under it is ended, and nothing that was answered is lost.

use crate::gateway::Gateway;
use crate::server::{Folder, Server, audit};
use crate::storm;
use counterfoil_tests::client::Client;
use counterfoil_tests::cluster::{Cluster, Database};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// How often the database is ended under load, and after how many answers each time.
const CRASHES: u64 = 3;
const ANSWERS: u64 = 30;
const CALLERS: u64 = 3;

pub(crate) fn database(cluster: &Cluster) -> Database {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(cluster.database())
}

/// Each start waits until the lease of the one that was killed has run out, so there are fewer rounds.
#[test]
fn what_was_answered_from_a_database_survives_a_kill_at_any_moment_and_nothing_is_doubled() {
    storm::survives(&Folder::on(&database(Cluster::shared())), 3);
}

#[test]
fn a_database_that_crashes_under_load_costs_no_answer_and_the_service_goes_on() {
    let mut cluster = Cluster::start();
    let folder = Folder::on(&database(&cluster));
    let server = Server::start(&folder);
    let answers = AtomicU64::new(0);
    let gateways = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let mut gateway = Gateway::of(&format!("caller-{caller}"), server.address);
                let (address, answers) = (server.address, &answers);
                scope.spawn(move || {
                    ask_through_crashes(&mut gateway, address, answers);
                    gateway
                })
            })
            .collect();
        for crash in 1..=CRASHES {
            while answers.load(Ordering::Relaxed) < crash * ANSWERS {
                thread::yield_now();
            }
            cluster.crash();
        }
        callers.into_iter().map(|caller| caller.join().expect("a caller ends by itself")).collect::<Vec<_>>()
    });
    for gateway in &gateways {
        gateway.repeat(server.address);
    }
    server.stop();
    audit(&folder);
    // Another process finds the same.
    let server = Server::start(&folder);
    for gateway in &gateways {
        gateway.repeat(server.address);
    }
    server.stop();
}

/// Until there were enough answers after the last crash; in between some are refused.
fn ask_through_crashes(gateway: &mut Gateway, address: SocketAddr, answers: &AtomicU64) {
    let mut client = Client::new(address);
    while answers.load(Ordering::Relaxed) < (CRASHES + 1) * ANSWERS {
        let answer = gateway.try_ask(&mut client).expect("the service goes on");
        if answer.status == 200 {
            answers.fetch_add(1, Ordering::Relaxed);
        } else {
            assert_eq!(answer.status, 503, "{answer:?}");
        }
    }
}
