//! Reading and rendering decisions, without a service.

use super::headers;
use super::wording::Compiled;
use domain::event::LimitState;
use domain::policy::Policy;
use domain::time::{Span, Timestamp};
use std::sync::Arc;

fn five_gates() -> Compiled {
    let text = include_str!("../../../../policies/five-gates.toml");
    Compiled::new(Arc::new(Policy::from_toml(text).expect("a policy")))
}

fn states(compiled: &Compiled, at: Timestamp) -> Vec<LimitState> {
    let limits = compiled.policy.limits.iter();
    limits
        .map(|limit| LimitState(limit.name.clone(), u64::MAX, 3, at.plus(Span::from_micros(1_500_000))))
        .collect()
}

#[test]
fn the_rate_limit_headers_are_structured_fields() {
    let compiled = five_gates();
    let at = Timestamp::from_micros(1_000_000_000);
    let states = states(&compiled, at);
    for text in [headers::policy(&states, &compiled), headers::state(&states, &compiled, at)] {
        let list = sfv::Parser::new(&text).parse::<sfv::List>().expect("a structured field");
        assert_eq!(list.len(), compiled.policy.limits.len(), "{text}");
        for (entry, state) in list.iter().zip(&states) {
            let sfv::ListEntry::Item(item) = entry else { panic!("{text}: not an item") };
            assert!(
                matches!(&item.bare_item, sfv::BareItem::String(name) if name.as_str() == state.0.as_str()),
                "{text}"
            );
            assert!(!item.params.is_empty(), "{text}");
        }
    }
}

#[test]
fn a_time_to_wait_is_in_whole_seconds_rounded_up_and_left_out_where_there_is_none() {
    let name: domain::ids::Name = "burst".parse().expect("a name");
    let compiled = five_gates();
    let at = Timestamp::from_micros(1_000_000_000);
    let state = |resets| headers::state(&[LimitState(name.clone(), 20, 19, resets)], &compiled, at);
    assert_eq!(state(at.plus(Span::from_micros(1_000_001))), r#""burst";r=19;t=2"#);
    assert_eq!(state(at), r#""burst";r=19;t=0"#);
    assert_eq!(state(Timestamp::FAR), r#""burst";r=19"#);
}

#[test]
fn callers_are_told_nothing_of_a_limit_in_shadow_mode() {
    let mut policy = (*five_gates().policy).clone();
    policy.limits.iter_mut().for_each(|limit| limit.mode = domain::policy::Enforcement::Shadow);
    let compiled = Compiled::new(Arc::new(policy));
    let at = Timestamp::from_micros(1_000_000_000);
    let states = states(&compiled, at);
    assert_eq!((headers::policy(&states, &compiled), headers::state(&states, &compiled, at)), <_>::default());
}

#[test]
fn a_limited_item_has_the_reason_of_the_limit() {
    let mut policy = (*five_gates().policy).clone();
    policy.limits[0].reason = Some("over".into());
    policy.limits[1].reason = None;
    let compiled = Compiled::new(Arc::new(policy));
    let reason = |place: usize| compiled.status_reason(&compiled.policy.limits[place].name);
    assert_eq!((reason(0), reason(1)), ("over", compiled.policy.limits[1].name.as_str()));
}
