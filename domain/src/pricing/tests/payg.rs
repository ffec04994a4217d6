//! Base credits and size, pay as you go.

use super::super::{HoldBy, PriceError};
use super::{chars, credits, list, number};
use crate::money::Credits;

const PAYG: &str = r#"
minimum = 2

[size]
attribute = "chars"
tiers = [{ up_to = 500, price = 1 }, { up_to = 2000, price = 2 }, { up_to = 5000, price = 4 }]
beyond = { base = 4, price = 1, per = 1000, from = 5000, counting = "started" }

[endpoints]
"/api/v1/ai/size-only" = {}
"/api/v1/ai/translation" = { base = 1 }
"/api/v1/ai/image-generation" = { base = 5 }
"/api/v1/ai/lowest" = { base = "0.5", flat = true }
"/api/v1/account/usage" = { free = true }
"#;

#[test]
fn size_costs_by_step_and_then_by_started_thousand() {
    let list = list(&PAYG.replace("minimum = 2", ""));
    let rows = [
        (0, 1),
        (500, 1),
        (501, 2),
        (2_000, 2),
        (2_001, 4),
        (5_000, 4),
        (5_001, 5),
        (6_000, 5),
        (6_001, 6),
        (1_000_000, 999),
    ];
    for (count, cost) in rows {
        assert_eq!(chars(&list, "/api/v1/ai/size-only", count), Ok(Credits::whole(cost)), "{count}");
    }
}

#[test]
fn characters_beyond_the_last_step_may_count_full_or_exact() {
    for (counting, at_6_500) in [("started", "6"), ("full", "5"), ("exact", "5.5")] {
        let list = list(&PAYG.replace("started", counting));
        assert_eq!(chars(&list, "/api/v1/ai/size-only", 6_500), Ok(credits(at_6_500)), "{counting}");
    }
    let silent = list(&PAYG.replace(r#", counting = "started""#, ""));
    assert_eq!(chars(&silent, "/api/v1/ai/size-only", 5_001), Ok(credits("5")), "started is the default");
}

#[test]
fn base_5_and_1200_characters_cost_7() {
    assert_eq!(chars(&list(PAYG), "/api/v1/ai/image-generation", 1_200), Ok(credits("7")));
}

#[test]
fn a_request_that_costs_costs_at_least_the_minimum() {
    let list = list(PAYG);
    assert_eq!(chars(&list, "/api/v1/ai/size-only", 3), Ok(credits("2")));
    assert_eq!(chars(&list, "/api/v1/ai/lowest", 3), Ok(credits("2")));
    assert_eq!(chars(&list, "/api/v1/ai/translation", 501), Ok(credits("3")));
}

#[test]
fn the_minimum_is_the_endpoints_own_where_it_has_one_and_never_makes_nothing_cost() {
    let list = list(
        r#"
        minimum = 2
        [endpoints]
        "/own" = { base = 1, minimum = 3 }
        "/none" = { base = 1, minimum = 0 }
        "/zero" = {}
        "#,
    );
    let cost = |endpoint| list.cost(endpoint, &());
    assert_eq!([cost("/own"), cost("/none"), cost("/zero")], [3, 1, 0].map(|cost| Ok(Credits::whole(cost))));
}

#[test]
fn a_free_endpoint_costs_nothing_whatever_its_size() {
    let list = list(PAYG);
    assert_eq!(chars(&list, "/api/v1/account/usage", 90_000), Ok(Credits::ZERO));
    assert_eq!(list.cost("/api/v1/account/usage", &()), Ok(Credits::ZERO));
    assert_eq!(list.base("/api/v1/account/usage"), Ok(Credits::ZERO));
}

#[test]
fn a_hold_takes_the_base_or_the_estimate() {
    let mut list = list(PAYG);
    let attributes = [("chars", number("1200"))];
    assert_eq!(list.hold("/api/v1/ai/image-generation", &attributes), Ok(credits("5")));
    assert_eq!(
        list.hold("/api/v1/ai/translation", &()),
        Ok(credits("1")),
        "the minimum is no part of a base"
    );
    list.hold = HoldBy::Estimate;
    assert_eq!(list.hold("/api/v1/ai/image-generation", &attributes), Ok(credits("7")));
}

#[test]
fn tokens_are_priced_with_decimals() {
    let list = list(
        r#"
        per = [
          { attribute = "input_tokens", price = "0.15", per = 1000 },
          { attribute = "output_tokens", price = "0.6", per = 1000, optional = true },
        ]
        default = { base = 1 }
        "#,
    );
    let both = [("input_tokens", number("1234")), ("output_tokens", number("567"))];
    assert_eq!(list.cost("/chat", &both), Ok(credits("1.5253")));
    assert_eq!(list.cost("/chat", &&both[..1]), Ok(credits("1.1851")));
    assert_eq!(list.cost("/chat", &()), Err(PriceError::Missing { attribute: "input_tokens".into() }));
}

#[test]
fn a_missing_or_impossible_figure_is_refused_by_name() {
    let list = list(PAYG);
    let cost = |value| list.cost("/api/v1/ai/translation", &[("chars", value)]);
    assert_eq!(
        list.cost("/api/v1/ai/translation", &()),
        Err(PriceError::Missing { attribute: "chars".into() })
    );
    let refused = Err(PriceError::NotFigure { attribute: "chars".into() });
    for value in ["-1", "0.0000001", "1000000000001"] {
        assert_eq!(cost(number(value)), refused, "{value}");
    }
    assert_eq!(cost(super::Value::Label("many")), refused);
    assert_eq!(cost(super::Value::Label("501")), Ok(credits("3")), "a figure may come as text");
    assert_eq!(cost(number("1000000000000")), Ok(credits("1000000000")));
}
