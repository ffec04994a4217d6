//! What each outcome costs.

use super::super::{Charge, Figure, Outcome, OutcomeRules, PriceError};
use super::{credits, list, number};
use crate::money::Credits;

const LIST: &str = r#"
[endpoints]
"/job" = { base = 3, per = [{ attribute = "seconds", price = "0.5" }] }
"/free" = { free = true }
"#;

#[test]
fn an_outcome_costs_all_part_or_nothing() {
    let list = list(LIST);
    let rows = [
        (Charge::All, "13"),
        (Charge::None, "0"),
        (Charge::Base, "3"),
        (Charge::Percent(Figure::whole(50)), "6.5"),
        (Charge::Percent(Figure::whole(100)), "13"),
        (Charge::Fixed("0.25".parse().expect("a figure")), "0.25"),
        (Charge::Refund, "0"),
    ];
    for (charge, cost) in rows {
        assert_eq!(charge.cost(&list, "/job", &[("seconds", number("20"))]), Ok(credits(cost)), "{charge:?}");
        assert_eq!(charge.cost(&list, "/free", &()), Ok(Credits::ZERO), "{charge:?}");
        assert_eq!(charge.gives_back(), charge == Charge::Refund);
    }
}

#[test]
fn a_failed_request_needs_attributes_only_where_its_cost_depends_on_them() {
    let list = list(LIST);
    let missing = Err(PriceError::Missing { attribute: "seconds".into() });
    assert_eq!(Charge::All.cost(&list, "/job", &()), missing);
    assert_eq!(Charge::Percent(Figure::whole(10)).cost(&list, "/job", &()), missing);
    for charge in [Charge::None, Charge::Base, Charge::Fixed(Figure::whole(1)), Charge::Refund] {
        assert!(charge.cost(&list, "/job", &()).is_ok(), "{charge:?}");
    }
}

#[test]
fn a_policy_names_a_rule_per_outcome_and_the_rest_have_defaults() {
    let rules: OutcomeRules =
        toml::from_str("client_error = { percent = 50 }\ncancelled = \"refund\"").expect("rules");
    let charges = [Outcome::Succeeded, Outcome::ClientError, Outcome::SystemError, Outcome::Cancelled]
        .map(|outcome| rules.charge(outcome));
    assert_eq!(charges, [Charge::All, Charge::Percent(Figure::whole(50)), Charge::Refund, Charge::Refund]);
}

#[test]
fn more_than_a_hundred_per_cent_and_unknown_rules_are_refused() {
    let read = |toml| toml::from_str::<OutcomeRules>(toml).expect_err("a fault").to_string();
    assert!(read("client_error = { percent = 101 }").contains("at most 100"));
    assert!(read("client_error = \"half\"").contains("half"));
    assert!(read("timeout = \"all\"").contains("timeout"));
}
