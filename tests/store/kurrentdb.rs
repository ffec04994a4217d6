//! What is special about the log in KurrentDB: an answer that is lost, a leader that changes, a frame too long for one append.

use adapters::store::kurrentdb::{KurrentStore, KurrentUrl, OpenError};
use api::config::Config;
use api::publish::publish;
use api::service::{Options, Service, Storage, TimeKind};
use counterfoil_tests::contract::{after, book, frame, open_frame, texts};
use counterfoil_tests::kurrent::{Double, Fault};
use counterfoil_tests::sandbox::{Sandbox, shipped};
use domain::log::AppendOutcome::{Appended, Conflict};
use domain::log::{BookId, BookInfo, BookKind, EventStore, Frame, Head, StoreError};
use domain::policy::Policy;
use serde_json::json;
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where the contract's books are: on a real server, when one is named, else on a double.
pub(crate) enum Place {
    Server(String),
    Double(Double),
}

impl Place {
    pub(crate) fn new() -> Self {
        let Ok(server) = std::env::var("COUNTERFOIL_TEST_KURRENTDB") else {
            return Self::Double(Double::start());
        };
        let name = u64::from_be_bytes(adapters::system::random().unwrap());
        let (place, query) = server.split_once('?').unwrap_or((&server, ""));
        Self::Server(format!("{}/contract-{name:016x}?{query}", place.trim_end_matches('/')))
    }

    pub(crate) fn url(&self) -> KurrentUrl {
        match self {
            Self::Server(url) => url.parse().unwrap(),
            Self::Double(double) => url(double),
        }
    }
}

fn url(double: &Double) -> KurrentUrl {
    double.url("book").parse().unwrap()
}

async fn open(double: &Double) -> KurrentStore {
    KurrentStore::open(&url(double), book(BookKind::Wall)).await.unwrap()
}

/// A frame after `head` of `count` events of 400,000 bytes: two go into one append.
fn long(head: Head, count: u32) -> Frame {
    let mut frame = open_frame(head);
    for _ in 0..count {
        let position = frame.next_position();
        frame.push(&format!(r#"{{"n":{position},"d":"{}"}}"#, "x".repeat(400_000)));
    }
    frame.finish().unwrap()
}

#[tokio::test]
async fn a_frame_whose_answer_was_lost_is_sent_again_and_kept_once() {
    let double = Double::start();
    let (store, one) = (open(&double).await, frame(Head::default(), 3, "one"));
    let before = double.appends();
    double.script([Fault::AnswerLost]);
    assert!(matches!(store.append(&one).await, Err(StoreError::MaybeWritten(_))));
    assert_eq!(store.append(&one).await.unwrap(), Appended);
    assert_eq!(double.appends() - before, 2);
    assert_eq!(store.read(1, 100).await.unwrap(), [one]);
}

#[tokio::test]
async fn appends_go_into_one_lasting_call_where_the_server_knows_of_it() {
    for (double, lasting) in [(Double::start(), 3), (Double::old(), 0)] {
        let store = open(&double).await;
        let one = frame(Head::default(), 2, "one");
        let two = frame(after(&one), 2, "two");
        for frame in [&one, &one, &two] {
            assert_eq!(store.append(frame).await.unwrap(), Appended);
        }
        assert_eq!(double.batched(), lasting);
        assert_eq!(store.read(1, 10).await.unwrap(), [one, two]);
    }
}

#[tokio::test]
async fn a_lasting_call_that_a_conflict_ended_is_made_anew() {
    let double = Double::start();
    let (mine, his) = (open(&double).await, open(&double).await);
    let (one, other) = (frame(Head::default(), 2, "one"), frame(Head::default(), 1, "other"));
    assert_eq!(his.append(&other).await.unwrap(), Appended);
    assert_eq!(mine.append(&one).await.unwrap(), Conflict { head: after(&other) });
    let next = frame(after(&other), 2, "next");
    assert_eq!(mine.append(&next).await.unwrap(), Appended);
    assert_eq!(double.batched(), 3);
}

#[tokio::test]
async fn an_append_that_failed_is_never_said_to_be_lost() {
    let double = Double::start();
    let (store, one) = (open(&double).await, frame(Head::default(), 3, "one"));
    for fault in [Fault::Refused, Fault::Cut] {
        double.script([fault]);
        assert!(matches!(store.append(&one).await, Err(StoreError::MaybeWritten(_))), "{fault:?}");
        assert_eq!(store.head().await.unwrap(), Head::default());
    }
    assert_eq!(store.append(&one).await.unwrap(), Appended);
}

#[tokio::test]
async fn a_strangers_same_events_at_one_head_are_a_conflict() {
    let double = Double::start();
    let (mine, his) = (open(&double).await, open(&double).await);
    let one = frame(Head::default(), 2, "one");
    assert_eq!(his.append(&one).await.unwrap(), Appended);
    assert_eq!(mine.append(&one).await.unwrap(), Conflict { head: after(&one) });
    assert_eq!(his.append(&one).await.unwrap(), Appended);
    assert_eq!(open(&double).await.append(&one).await.unwrap(), Appended, "it was there before this opening");
}

#[tokio::test]
async fn two_that_make_one_book_have_the_same() {
    let double = Double::start();
    let url = url(&double);
    let other = BookInfo { id: BookId([1; 16]), ..book(BookKind::Wall) };
    let (one, two) = futures_util::future::join(
        KurrentStore::open(&url, book(BookKind::Wall)),
        KurrentStore::open(&url, other),
    )
    .await;
    assert_eq!(one.unwrap().book(), two.unwrap().book());
}

#[tokio::test]
async fn the_server_may_go_and_come_back() {
    let mut double = Double::start();
    let (store, one) = (open(&double).await, frame(Head::default(), 2, "one"));
    let two = frame(after(&one), 2, "two");
    assert_eq!(store.append(&one).await.unwrap(), Appended);
    double.stop();
    assert!(store.append(&two).await.is_err());
    assert!(matches!(store.append(&two).await, Err(StoreError::NotWritten(_))), "never sent");
    assert!(matches!(store.read(1, 10).await, Err(StoreError::NotWritten(_))));
    double.restart();
    assert_eq!(store.append(&two).await.unwrap(), Appended);
    double.restart();
    assert_eq!(store.read(1, 10).await.unwrap(), [one, two], "a read finds its way by itself");
}

#[tokio::test]
async fn a_node_that_does_not_lead_names_the_leader() {
    let leader = Double::start();
    let follower = leader.follower();
    let (store, one) = (open(&follower).await, frame(Head::default(), 2, "one"));
    assert_eq!(store.append(&one).await.unwrap(), Appended);
    assert_eq!(store.read(1, 10).await.unwrap(), [one]);
    assert_eq!((leader.appends(), follower.appends()), (2, 0));
}

#[tokio::test]
async fn when_the_leader_goes_the_next_one_is_found() {
    let mut first = Double::start();
    let second = first.follower();
    let both = format!("kurrentdb://{},{}/book?tls=false", first.address(), second.address());
    let store = KurrentStore::open(&both.parse().unwrap(), book(BookKind::Wall)).await.unwrap();
    let one = frame(Head::default(), 2, "one");
    assert_eq!(store.append(&one).await.unwrap(), Appended);
    let two = frame(after(&one), 1, "two");
    first.stop();
    second.lead();
    assert!(store.append(&two).await.is_err());
    assert_eq!(store.append(&two).await.unwrap(), Appended);
    assert_eq!(store.read(1, 10).await.unwrap(), [one, two]);
}

#[tokio::test]
async fn a_writer_hears_of_another_one_who_appends_and_not_of_himself() {
    let double = Double::start();
    let (idle, busy) = (open(&double).await, open(&double).await);
    assert_eq!(busy.append(&frame(Head::default(), 3, "one")).await.unwrap(), Appended);
    tokio::select! {
        biased;
        () = busy.lost() => panic!("nobody else has appended"),
        () = idle.lost() => {}
    }
    // A long frame that is torn is not heard of; the whole one before it is.
    double.script([Fault::None, Fault::Cut]);
    assert!(busy.append(&long(busy.head().await.unwrap(), 5)).await.is_err());
    idle.lost().await;
}

#[tokio::test]
async fn a_service_that_decides_nothing_ends_when_another_one_writes_its_book() {
    let (double, folders) = (Double::start(), [TempDir::new().unwrap(), TempDir::new().unwrap()]);
    let open = async |folder: &TempDir| {
        let storage = Storage::named(Some(&double.url("book").into()), folder.path().to_owned()).unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
        Service::open(Options { config, storage, time: TimeKind::Wall }).await.unwrap()
    };
    let idle = open(&folders[0]).await;
    fs::copy(folders[0].path().join("keys.json"), folders[1].path().join("keys.json")).unwrap();
    let busy = open(&folders[1]).await;
    let policy = Policy::from_toml(&shipped("five-gates")).unwrap();
    publish(busy.engine(), policy, false, None).await.unwrap();
    let ended = idle.serve(std::future::pending()).await.unwrap_err();
    assert_eq!(ended.to_string(), "the engine failed: another counterfoil has taken the book over");
}

#[tokio::test]
async fn a_frame_too_long_for_one_append_is_cut_and_read_back_whole() {
    let double = Double::start();
    let (store, long) = (open(&double).await, long(Head::default(), 5));
    let before = double.appends();
    assert_eq!(store.append(&long).await.unwrap(), Appended);
    assert_eq!(double.appends() - before, 3);
    assert_eq!(store.append(&long).await.unwrap(), Appended);
    assert_eq!(store.read(4, 1).await.unwrap(), [long]);
}

#[tokio::test]
async fn a_frame_that_was_torn_is_completed_by_sending_it_again() {
    let double = Double::start();
    let (store, long) = (open(&double).await, long(Head::default(), 5));
    double.script([Fault::None, Fault::AnswerLost]);
    assert!(matches!(store.append(&long).await, Err(StoreError::MaybeWritten(_))));
    assert_eq!(store.head().await.unwrap().position, 4);
    assert_eq!(store.append(&long).await.unwrap(), Appended);
    assert_eq!(store.read(1, 10).await.unwrap(), [long]);
}

#[tokio::test]
async fn the_beginning_of_a_torn_frame_is_a_shorter_log() {
    let double = Double::start();
    let (torn, long) = (open(&double).await, long(Head::default(), 5));
    double.script([Fault::None, Fault::Cut]);
    assert!(matches!(torn.append(&long).await, Err(StoreError::MaybeWritten(_))));

    let store = open(&double).await;
    let head = store.head().await.unwrap();
    let next = frame(head, 2, "next");
    assert_eq!(head.position, 2);
    assert_eq!(store.append(&next).await.unwrap(), Appended);
    assert_eq!(torn.append(&long).await.unwrap(), Conflict { head: after(&next) });
    let log = store.read(1, 10).await.unwrap();
    assert_eq!((log.len(), &log[1]), (2, &next));
    assert_eq!(texts(&log[..1]), texts(&[long])[..2]);
}

#[tokio::test]
async fn an_event_that_no_server_takes_is_not_sent() {
    let double = Double::start();
    let store = open(&double).await;
    let mut big = open_frame(Head::default());
    big.push(&format!(r#"{{"d":"{}"}}"#, "x".repeat(1_100_000)));
    let before = double.appends();
    assert!(matches!(store.append(&big.finish().unwrap()).await, Err(StoreError::NotWritten(_))));
    assert_eq!(double.appends(), before);
}

#[tokio::test]
async fn a_changed_event_is_damage_at_its_frame() {
    let double = Double::start();
    let (store, one) = (open(&double).await, frame(Head::default(), 2, "one"));
    assert_eq!(store.append(&one).await.unwrap(), Appended);
    assert_eq!(store.append(&frame(after(&one), 1, "two")).await.unwrap(), Appended);
    double.spoil("counterfoil-book", 3, |data| data.make_ascii_uppercase());
    assert!(matches!(store.read(1, 10).await, Err(StoreError::Damaged { position: 3, .. })));
    assert_eq!(store.read(1, 2).await.unwrap(), [one]);
    let opened = KurrentStore::open(&url(&double), book(BookKind::Wall)).await;
    assert!(matches!(opened.map(drop), Err(OpenError::Log(StoreError::Damaged { position: 3, .. }))));
}

#[tokio::test]
async fn a_login_that_the_server_refuses_is_said_so_without_the_password() {
    // ann:p@ss/word
    let double = Double::with_login("Basic YW5uOnBAc3Mvd29yZA==");
    let with = |login: &str| -> KurrentUrl {
        double.url("book").replace("://", &format!("://{login}@")).parse().unwrap()
    };
    KurrentStore::open(&with("ann:p%40ss%2Fword"), book(BookKind::Wall)).await.unwrap();
    let refused = KurrentStore::open(&with("ann:wrong"), book(BookKind::Wall)).await.map(drop).unwrap_err();
    let told = format!("{refused} {refused:?}");
    assert!(matches!(refused, OpenError::Denied { .. }), "{told}");
    assert!(!told.contains("wrong") && refused.source().is_none(), "{told}");
}

#[tokio::test]
async fn a_book_keeps_its_kind_and_a_stream_of_others_is_no_book() {
    let double = Double::start();
    drop(open(&double).await);
    let other = KurrentStore::open(&url(&double), book(BookKind::Sandbox)).await.map(drop);
    assert!(matches!(other, Err(OpenError::OtherKind { found: BookKind::Wall, .. })));
    double.spoil("counterfoil-book", 0, Vec::clear);
    let none = KurrentStore::open(&url(&double), book(BookKind::Wall)).await.map(drop);
    assert!(matches!(none, Err(OpenError::NoBook { .. })));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let mut double = Double::start();
    double.stop();
    let failed = KurrentStore::open(&url(&double), book(BookKind::Wall)).await.map(drop).unwrap_err();
    let expected = format!("the book at kurrentdb://{}/book cannot be reached", double.address());
    assert_eq!(failed.to_string(), expected);
}

#[test]
fn a_service_keeps_its_log_there_and_its_keys_in_a_folder() {
    let (double, folder) = (Double::start(), TempDir::new().unwrap());
    let start = || {
        let storage = Storage::named(Some(&double.url("book").into()), folder.path().to_owned()).unwrap();
        Sandbox::opened(&shipped("five-gates"), storage, |_| {})
    };
    let ask =
        json!({"request_id": "one", "ip": "203.0.113.7", "endpoint": "tools/anything-else", "settle": "now"});
    let answer = start().request(ask.clone());
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(folder.path().join("keys.json").is_file());
    assert_eq!(start().request(ask).body, answer.body, "a repeat, from the log");
}

/// A certificate for this machine that nobody vouches for, and its key.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
        ])
        .args(["-subj", "/CN=double", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args([OsStr::new("-keyout"), key.as_os_str(), OsStr::new("-out"), certificate.as_os_str()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

#[tokio::test]
async fn the_connection_is_encrypted_and_the_server_must_be_who_it_says() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = certificate(folder.path());
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let double = Double::encrypted(&read(&certificate), &read(&key));
    let open = async |parameters: &str| {
        let url = format!("kurrentdb://{}/book{parameters}", double.address());
        KurrentStore::open(&url.parse().unwrap(), book(BookKind::Wall)).await
    };
    let store = open(&format!("?tlsCaFile={}", certificate.display())).await.unwrap();
    let one = frame(Head::default(), 2, "one");
    assert_eq!(store.append(&one).await.unwrap(), Appended);
    assert_eq!(store.read(1, 10).await.unwrap(), [one]);
    assert!(open("").await.is_err(), "nobody vouches for that certificate");
    assert!(open("?tls=false").await.is_err(), "what is not encrypted is not understood");
}
