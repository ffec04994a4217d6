//! One forged log for each way in which an invariant can be broken.

use super::scene::{POLICY, Scene, at_once, from, later, name};
use crate::audit::{Audit, Finding, Invariant, KEPT, Outcome, Report};
use domain::book::{Book, Bounds};
use domain::command::AccountAct;
use domain::event::{Balance, Event, RequestTag, Stream};
use domain::ids::HashKey;
use domain::ledger::{Draw, Draws, LotKind};
use domain::log::ChainHash;
use domain::money::Credits;
use domain::pricing::Outcome as End;
use domain::time::Span;

fn credits(amount: &str) -> Credits {
    amount.parse().expect("an amount")
}

/// That exactly this invariant is broken, with a finding about this.
fn fires(report: &Report, invariant: Invariant, what: &str) {
    let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    let about =
        report.findings.iter().any(|finding| finding.invariant == invariant && finding.what.contains(what));
    assert!(about, "no finding of {invariant} about {what}: {found:#?}");
    assert!(matches!(report.outcome(invariant), Outcome::Broken(_)));
    assert!(!report.is_clean());
}

/// That nothing else is broken either, but that the book knows nothing of a forged event.
fn fires_alone(report: &Report, invariant: Invariant, what: &str) {
    fires(report, invariant, what);
    let other = |finding: &&Finding| ![invariant, Invariant::L2].contains(&finding.invariant);
    let others = report.findings.iter().filter(other);
    let others: Vec<_> = others.map(ToString::to_string).collect();
    assert_eq!(others, Vec::<String>::new());
}

/// A log with a grant, an admission, its settlement and a refund.
fn lived() -> Scene {
    let mut scene = Scene::funded();
    let decision = scene.request(later("acme", "/job")).expect("admitted");
    scene.wait("1m").settle(decision, End::Succeeded, 1_200).expect("settled");
    scene.request(at_once("acme", "/x")).expect("admitted");
    scene
}

#[test]
fn a_sound_log_has_no_findings() {
    let report = lived().audit();
    assert_eq!(report.findings, []);
    assert!(report.is_clean());
    assert_eq!(report.outcome(Invariant::M4), Outcome::Holds);
    assert_eq!(report.outcome(Invariant::L2), Outcome::Holds);
    assert_eq!(report.outcome(Invariant::A1), Outcome::NotVisible);
}

#[test]
fn a_stopped_token_bucket_is_not_judged_by_what_its_counter_still_shows() {
    let rule = "rule = { token_bucket = { period = \"1s\", burst = 5 } }\nlimit = 1\nby = [\"account\"]\n";
    let head = "name = \"n\"\ntitle = \"N\"\n[callers]\n[[limits]]\nname = \"tokens\"\n";
    let mut scene = Scene::under(&format!("{head}{rule}"));
    for account in ["a", "b"] {
        scene.open(account).expect("opened");
    }
    scene.request(at_once("a", "/x")).expect("admitted");
    let (limit, reason) = (name("tokens"), String::new());
    let stop = AccountAct::SetFigure { limit, key: None, figure: Some(0), reason };
    scene.account("a", stop).expect("set");
    scene.wait("1h").request(at_once("b", "/x")).expect("admitted, and the idle counter of `a` is let go");
    assert_eq!(scene.request(at_once("a", "/x")), None);
    assert_eq!(scene.audit().findings, []);
}

#[test]
fn without_a_second_state_l2_is_not_compared() {
    let scene = lived();
    let mut audit = Audit::default();
    scene.log.iter().for_each(|entry| audit.observe(entry));
    assert_eq!(audit.finish(&scene.book).outcome(Invariant::L2), Outcome::NotCompared);
}

#[test]
fn l1_finds_positions_that_were_swapped() {
    let mut scene = lived();
    scene.log.swap(2, 3);
    fires(&scene.audit(), Invariant::L1, "position");
}

#[test]
fn l1_finds_an_event_that_was_left_out() {
    let mut scene = lived();
    let last = scene.log.remove(5);
    assert_eq!(last.stream.to_string(), "account-acme");
    scene.log.push(last);
    fires(&scene.audit(), Invariant::L1, "position");
}

#[test]
fn l1_finds_a_time_that_goes_back() {
    let mut scene = lived();
    let earlier = scene.entry(1).at.minus(Span::from_secs(60));
    scene.entry_mut(2).at = earlier;
    fires(&scene.audit(), Invariant::L1, "time");
}

#[test]
fn l1_finds_a_stream_version_that_was_skipped() {
    let mut scene = lived();
    scene.entry_mut(4).version += 1;
    fires(&scene.audit(), Invariant::L1, "stream version");
}

#[test]
fn l1_finds_a_text_that_does_not_give_the_stated_hash() {
    let mut audit = Audit::default();
    let stated = ChainHash::ZERO.next(b"{}");
    audit.observe_text(1, b"{}", Some(stated));
    audit.observe_text(2, b"{ }", Some(stated.next(b"{}")));
    let report = audit.finish(&Book::new(HashKey([0; 16]), Bounds::default()));
    fires_alone(&report, Invariant::L1, "chain hash");
    assert_eq!(report.findings.len(), 1);
}

#[test]
fn l2_finds_a_state_that_the_log_does_not_fold_into() {
    let (scene, mut other) = (lived(), lived());
    other.grant("acme", LotKind::Grant, "1", None).expect("granted");
    let mut audit = Audit::default();
    scene.log.iter().for_each(|entry| audit.observe(entry));
    audit.compare(&scene.book, &other.book);
    fires_alone(&audit.finish(&scene.book), Invariant::L2, "head");
}

#[test]
fn m1_finds_a_refund_whose_amount_is_not_what_its_draws_give_back() {
    let mut scene = lived();
    refund(&mut scene, "2");
    let position = scene.newest("CreditRefunded");
    if let Event::CreditRefunded(event) = &mut scene.entry_mut(position).event {
        event.amount = credits("1");
    }
    fires(&scene.audit(), Invariant::M1, "sum of the postings");
}

fn refund(scene: &mut Scene, amount: &str) {
    let decision = scene.newest("RequestAdmitted");
    let (refund, amount, reason) = (name("back"), Some(credits(amount)), None);
    let refund = domain::command::Refund { decision, refund, amount, reason };
    scene.act(domain::command::Action::Refund(refund)).expect("refunded");
}

#[test]
fn m1_finds_credit_that_moves_in_a_stream_of_no_account() {
    let mut scene = lived();
    scene.forge(scene.first("CreditGranted"), |entry| (entry.stream, entry.version) = (Stream::Catalogue, 3));
    fires(&scene.audit(), Invariant::M1, "owner of the postings");
}

#[test]
fn m2_finds_a_grant_whose_amount_was_changed() {
    let mut scene = lived();
    if let Event::CreditGranted(event) = &mut scene.first_mut("CreditGranted").event {
        event.granted.lot.amount = credits("1000");
    }
    fires(&scene.audit(), Invariant::M2, "available");
}

#[test]
fn m2_finds_a_hold_beyond_the_credit_there_is() {
    let mut scene = lived();
    scene.forge(scene.newest("RequestAdmitted"), |entry| {
        if let Event::RequestAdmitted(event) = &mut entry.event {
            event.hold = Draws::from_iter([Draw::overdraft(credits("500"))]);
        }
    });
    fires(&scene.audit(), Invariant::M2, "available");
}

#[test]
fn m2_finds_a_lot_that_is_overdrawn() {
    let mut scene = lived();
    if let Event::RequestAdmitted(event) = &mut scene.first_mut("RequestAdmitted").event {
        event.hold = event.hold.iter().map(|draw| draw.of(credits("101"))).collect();
    }
    fires(&scene.audit(), Invariant::M2, "unreserved credit of lot 4");
}

#[test]
fn m2_finds_a_book_that_ended_up_with_other_credit() {
    let mut scene = lived();
    let log = scene.log.clone();
    scene.grant("acme", LotKind::Grant, "1", None).expect("granted");
    scene.log = log;
    fires(&scene.audit(), Invariant::M2, "live lots");
}

#[test]
fn m3_finds_a_second_release() {
    let mut scene = Scene::funded();
    scene.request(later("acme", "/job")).expect("admitted");
    scene.wait("11m");
    scene.book.settle_dues(&name("acme"), scene.now, &mut scene.log);
    scene.forge(scene.newest("HoldExpired"), |_| ());
    let report = scene.audit();
    fires(&report, Invariant::M3, "releases");
    fires(&report, Invariant::M3, "expiries");
}

#[test]
fn m3_finds_a_second_charge() {
    let mut scene = lived();
    scene.forge(scene.newest("RequestSettled"), |_| ());
    let report = scene.audit();
    fires(&report, Invariant::M3, "charges");
    fires(&report, Invariant::M3, "outcomes");
}

#[test]
fn m3_finds_a_settle_that_ends_another_amount_than_was_held() {
    let mut scene = lived();
    if let Event::RequestAdmitted(event) = &mut scene.first_mut("RequestAdmitted").event {
        event.hold = event.hold.iter().map(|draw| draw.of(credits("1"))).collect();
    }
    fires(&scene.audit(), Invariant::M3, "of the hold");
}

#[test]
fn m3_finds_refunds_of_more_than_was_charged() {
    let mut scene = lived();
    refund(&mut scene, "3");
    scene.forge(scene.newest("CreditRefunded"), |_| ());
    fires(&scene.audit(), Invariant::M3, "refunds of the charge");
}

#[test]
fn m3_finds_an_outcome_of_what_was_never_admitted() {
    let mut scene = lived();
    scene.forge(scene.newest("RequestSettled"), |entry| {
        if let Event::RequestSettled(event) = &mut entry.event {
            event.decision = 3;
        }
    });
    fires(&scene.audit(), Invariant::M3, "the decision that the event speaks of");
}

#[test]
fn m4_finds_a_charge_that_the_price_list_does_not_give() {
    let mut scene = lived();
    let position = scene.newest("RequestAdmitted");
    if let Event::RequestAdmitted(event) = &mut scene.entry_mut(position).event {
        event.charge = event.charge.iter().map(|draw| draw.of(credits("0.5"))).collect();
    }
    fires(&scene.audit(), Invariant::M4, "charged + uncollected");
}

#[test]
fn m4_finds_a_settle_at_another_price() {
    let mut scene = lived();
    if let Event::RequestSettled(event) = &mut scene.first_mut("RequestSettled").event {
        event.details.numbers.insert(name("chars"), 90_000.into());
    }
    fires_alone(&scene.audit(), Invariant::M4, "charged + uncollected");
}

#[test]
fn m4_finds_a_request_rated_with_a_list_that_was_not_in_force() {
    let mut scene = lived();
    let dearer = POLICY.replace("markup = \"1.5\"", "markup = \"2\"");
    scene.publish(&dearer, None).expect("published");
    scene.forge(scene.first("RequestAdmitted"), |_| ());
    fires(&scene.audit(), Invariant::M4, "number of the price list in force");
}

#[test]
fn q1_finds_an_admission_beyond_a_rolling_window() {
    let mut scene = Scene::under(POLICY);
    for _ in 0..4 {
        scene.wait("1s").request(from("192.0.2.1", "/x")).expect("admitted");
    }
    let first = scene.wait("56s").first("RequestAdmitted");
    scene.forge(first, |_| ());
    fires_alone(&scene.audit(), Invariant::Q1, "admitted by address ip=");
}

#[test]
fn q1_is_silent_when_the_window_has_moved_on() {
    let mut scene = Scene::under(POLICY);
    for _ in 0..4 {
        scene.wait("1s").request(from("192.0.2.1", "/x")).expect("admitted");
    }
    let last = scene.wait("57s").newest("RequestAdmitted");
    scene.forge(last, |entry| {
        if let Event::RequestAdmitted(event) = &mut entry.event {
            event.limits.iter_mut().for_each(|limit| limit.2 = 0);
        }
    });
    let report = scene.audit();
    assert!(
        report.findings.iter().all(|finding| finding.invariant != Invariant::Q1),
        "{:#?}",
        report.findings
    );
}

#[test]
fn q1_finds_an_admission_within_a_pause_a_bucket_and_a_full_queue() {
    let mut scene = Scene::funded();
    for _ in 0..3 {
        scene.wait("10s").request(later("acme", "/job")).expect("admitted");
    }
    scene.wait("10s").request(from("192.0.2.2", "/slow")).expect("admitted");
    let (job, slow) = (scene.first("RequestAdmitted"), scene.newest("RequestAdmitted"));
    scene.forge(job, |_| ()).forge(slow, |_| ());
    for _ in 0..6 {
        scene.forge(job, |_| ());
    }
    let report = scene.audit();
    for counter in
        ["jobs account=acme", "pause ip=", "minute account=acme endpoint=/job", "flow account=acme"]
    {
        fires(&report, Invariant::Q1, counter);
    }
    fires(&report, Invariant::Q1, "quota account=acme");
}

#[test]
fn q1_finds_another_figure_than_the_log_has_set() {
    let mut scene = lived();
    let position = scene.newest("RequestAdmitted");
    if let Event::RequestAdmitted(event) = &mut scene.entry_mut(position).event {
        event.limits.iter_mut().for_each(|limit| limit.1 += 1);
    }
    fires_alone(&scene.audit(), Invariant::Q1, "figure of minute account=acme endpoint=/x");
}

#[test]
fn q2_finds_a_refusal_that_holds_credit() {
    let mut scene = refused();
    let position = scene.newest("RequestDenied");
    if let Event::RequestDenied(event) = &mut scene.entry_mut(position).event {
        let Balance(available, held) = event.balance.expect("a balance");
        event.balance = Some(Balance(available.minus(credits("1")), held.plus(credits("1"))));
    }
    fires_alone(&scene.audit(), Invariant::Q2, "held after the refusal");
}

/// A log whose last request lacked credit.
fn refused() -> Scene {
    let mut scene = Scene::under(POLICY);
    scene.open("poor").expect("opened");
    scene.grant("poor", LotKind::Grant, "6", None).expect("granted");
    assert_eq!(scene.request(later("poor", "/job")), None);
    scene
}

#[test]
fn q2_finds_a_refusal_that_was_counted_as_an_admission() {
    let mut scene = Scene::under(POLICY);
    for _ in 0..6 {
        scene.wait("1s").request(from("192.0.2.1", "/x"));
    }
    assert_eq!(scene.audit().findings, []);
    let position = scene.newest("RequestDenied");
    if let Event::RequestDenied(event) = &mut scene.entry_mut(position).event {
        event.count = event.count.map(|count| count + 1);
    }
    fires_alone(&scene.audit(), Invariant::Q2, "count of address ip=");
}

#[test]
fn d1_finds_one_request_id_decided_twice() {
    let mut scene = lived();
    let first = scene.first("RequestAdmitted");
    let tag = scene.entry(first).request.clone();
    let decision = scene.wait("23h").newest("RequestAdmitted");
    scene.forge(decision, |entry| entry.request = tag);
    fires(&scene.audit(), Invariant::D1, "request id `r4` of gateway:test");
}

#[test]
fn d1_lets_an_id_come_again_from_another_sender_or_after_retention() {
    let mut scene = Scene::under(POLICY);
    let tag = || Some(RequestTag { id: "r1".into(), fingerprint: 1 });
    scene.forge(1, |entry| (entry.actor, entry.request) = ("operator:ann".into(), tag()));
    scene.wait("25h").forge(1, |entry| entry.request = tag());
    assert_eq!(scene.audit().outcome(Invariant::D1), Outcome::Holds);
}

#[test]
fn findings_beyond_the_bound_are_only_counted() {
    let mut scene = Scene::funded();
    for _ in 0..150 {
        scene.forge(4, |entry| entry.version = 9);
    }
    let report = scene.audit();
    let kept = report.findings.iter().filter(|finding| finding.invariant == Invariant::L1).count();
    assert_eq!((report.outcome(Invariant::L1), kept), (Outcome::Broken(150), KEPT));
}
