//! Random policies: each seed has its own, and a few variants with other figures and prices.

use crate::spec::{
    By, CREDIT, ChargeAt, Credit, DAY, Escalation, HOUR, Limit, Micro, Micros, Price, Rule, SECOND, Signal,
    Spec, Step,
};
use counterfoil_tests::chance::Chance;

/// A policy and its variants, which may follow each other in any order.
pub(crate) fn family(chance: &mut Chance) -> Vec<Spec> {
    let first = spec(chance);
    let variants = chance.below(3);
    let mut family = vec![first.clone()];
    family.extend((0..variants).map(|_| varied(&first, chance)));
    family
}

fn spec(chance: &mut Chance) -> Spec {
    let limits = limits(chance);
    let credit = (!chance.one_in(5)).then(|| credit(chance));
    let escalations = escalations(&limits, credit.is_some(), chance);
    let retention = chance.pick(&[DAY, 3 * DAY, 30 * DAY]);
    Spec {
        anonymous: !chance.one_in(4),
        size_max: chance.maybe(3, |_| 15),
        limits,
        credit,
        escalations,
        remember: chance.pick(&[5 * 60 * SECOND, HOUR, DAY]),
        retention,
        denials_per_minute: chance.pick(&[1, 3, 10, 60]),
        open_holds_max: chance.pick(&[2, 5, 10_000]),
    }
}

/// The same rules with other figures.
fn varied(first: &Spec, chance: &mut Chance) -> Spec {
    let mut spec = first.clone();
    for limit in &mut spec.limits {
        limit.figure = chance.between(1, 9);
    }
    if let Some(credit) = &mut spec.credit {
        credit.price = Price { estimate: credit.price.estimate, ..price(chance) };
        credit.hold_for = hold_for(chance);
    }
    spec
}

fn limits(chance: &mut Chance) -> Vec<Limit> {
    let seconds = |chance: &mut Chance| Micros::try_from(chance.between(1, 60)).expect("a few") * SECOND;
    let windows = [vec![By::Account], vec![By::Ip], vec![By::Key], vec![By::Account, By::Endpoint]];
    let mut limits = vec![
        ("pause", Rule::Cooldown(seconds(chance) / 40), vec![chance.pick(&[By::Ip, By::Key, By::Account])]),
        ("window", Rule::Rolling(seconds(chance)), windows[chance.index(windows.len())].clone()),
        ("period", Rule::Bucket(chance.pick(&[HOUR, DAY])), windows[chance.index(windows.len())].clone()),
        ("jobs", Rule::Concurrent(chance.maybe(2, seconds)), vec![chance.pick(&[By::Account, By::Ip])]),
        (
            "tokens",
            Rule::Tokens { period: seconds(chance), burst: chance.between(1, 8) },
            windows[chance.index(windows.len())].clone(),
        ),
        ("everyone", Rule::Rolling(seconds(chance)), vec![By::Endpoint]),
    ];
    while limits.len() > 4 || (limits.len() > 1 && chance.one_in(2)) {
        limits.remove(chance.index(limits.len()));
    }
    let place = chance.index(limits.len());
    limits.swap(0, place);
    limits.into_iter().map(|(name, rule, by)| limit(name, rule, by, chance)).collect()
}

fn limit(name: &'static str, rule: Rule, by: Vec<By>, chance: &mut Chance) -> Limit {
    let most = if matches!(rule, Rule::Bucket(_)) { 40 } else { 9 };
    let units = !matches!(rule, Rule::Cooldown(_)) && chance.one_in(3);
    Limit { name, rule, figure: chance.between(1, most), by, units }
}

fn hold_for(chance: &mut Chance) -> Micros {
    chance.pick(&[SECOND, 20 * SECOND, HOUR])
}

fn credit(chance: &mut Chance) -> Credit {
    let charge = chance.pick(&[ChargeAt::Settle, ChargeAt::Settle, ChargeAt::Admission, ChargeAt::Begin]);
    let overdraft = chance.maybe(2, |chance| Micro::from(chance.between(1, 30)) * CREDIT);
    let estimate = charge != ChargeAt::Settle || chance.one_in(2);
    Credit {
        charge,
        hold_for: hold_for(chance),
        expiry_charges: charge != ChargeAt::Admission && chance.one_in(2),
        overdraft: overdraft.filter(|_| charge == ChargeAt::Settle),
        refund_validity: chance.pick(&[10 * SECOND, HOUR, 365 * DAY]),
        promotion_validity: chance.maybe(2, |_| 90 * SECOND),
        promotions_repay: chance.one_in(2),
        client_error_base: chance.one_in(3),
        price: Price { estimate, ..price(chance) },
    }
}

fn price(chance: &mut Chance) -> Price {
    Price {
        base: chance.pick(&[0, CREDIT, 2 * CREDIT, 333_333]),
        piece: chance.pick(&[1, 700_000, CREDIT, 123_457]),
        markup: chance.pick(&[CREDIT, 1_500_000, 1_333_333]),
        minimum: chance.maybe(3, |_| 500_000),
        estimate: false,
    }
}

fn escalations(limits: &[Limit], credit: bool, chance: &mut Chance) -> Vec<Escalation> {
    let jobs = |limit: &&Limit| matches!(limit.rule, Rule::Concurrent(_));
    let mut found = Vec::new();
    let mut add = |name, signal, by, ban, chance: &mut Chance| {
        if chance.one_in(2) {
            found.push(escalation((name, signal, by, ban), chance));
        }
    };
    let by = [By::Ip, By::Key, By::Account];
    if limits.iter().any(|limit| !jobs(&limit)) {
        let by = chance.pick(&by);
        add("storm", Signal::RateDenial, by, true, chance);
    }
    if limits.iter().any(|limit| jobs(&limit)) {
        add("queue", Signal::QueueDenial, By::Account, false, chance);
    }
    if credit {
        add("broke", Signal::InsufficientCredit, By::Account, false, chance);
    }
    let by = chance.pick(&by);
    add("faults", Signal::ClientError, by, true, chance);
    found
}

fn escalation((name, signal, by, ban): (&'static str, Signal, By, bool), chance: &mut Chance) -> Escalation {
    let lasts = chance.pick(&[5 * SECOND, 60 * SECOND, HOUR]);
    let mut steps = vec![Step { ban, lasts: Some(lasts) }];
    if chance.one_in(2) {
        steps.push(Step { ban, lasts: chance.maybe(2, |_| 2 * HOUR) });
    }
    let window = chance.pick(&[10 * SECOND, 60 * SECOND, HOUR]);
    Escalation { name, signal, by, count: chance.between(2, 8), window, steps }
}
