//! Reading, checking and writing price lists.

use super::super::{Fault, Figure, PriceError, PriceList};
use super::{chars, list};

fn read_error(toml: &str) -> String {
    toml::from_str::<PriceList>(toml).expect_err("a fault").to_string()
}

#[test]
fn a_figure_with_a_point_outside_quotes_is_refused_with_the_remedy() {
    let error = read_error("[endpoints]\n\"/a\" = { base = 0.5 }");
    assert!(error.contains("in quotes (\"0.5\")"), "{error}");
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn figures_are_never_negative_nor_finer_than_six_decimals() {
    for base in ["-1", "\"-0.5\"", "\"0.0000001\"", "1000000000001", "\"1e3\"", "\"\"", "true"] {
        let error = read_error(&format!("[endpoints]\n\"/a\" = {{ base = {base} }}"));
        assert!(error.contains("zero"), "{base}: {error}");
    }
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    let error = read_error("[endpoints]\n\"/a\" = { bass = 1 }");
    assert!(error.contains("`bass`"), "{error}");
}

#[test]
fn equal_lists_have_equal_text_whatever_the_order_of_their_files() {
    let one = list(
        r#"
        [endpoints]
        "/b" = { base = "2.50" }
        "/a" = { by = { attributes = ["m"], rows = [{ labels = ["y"], price = 1 }, { labels = ["x"], price = 2 }] } }
        "#,
    );
    let other = list(
        r#"
        markup = 1
        [endpoints]
        "/a" = { by = { rows = [{ price = 2, labels = ["x"] }, { labels = ["y"], price = "1.0" }], attributes = ["m"] } }
        "/b" = { base = "2.5" }
        "#,
    );
    let text = serde_json::to_string(&one).expect("plain data");
    assert_eq!(text, serde_json::to_string(&other).expect("plain data"));
    assert_eq!(
        text,
        r#"{"rounding":"half-even","hold":"base","endpoints":{"/a":{"by":{"attributes":["m"],"rows":[{"labels":["x"],"price":"2"},{"labels":["y"],"price":"1"}]}},"/b":{"base":"2.5"}}}"#
    );
    assert_eq!(serde_json::from_str::<PriceList>(&text).expect("own text"), one);
}

#[test]
fn figures_that_do_not_fit_each_other_are_found_with_their_place() {
    let cases = [
        ("markup = 0", "list: `markup` must be above zero and at most 1000"),
        ("size = { attribute = \"chars\" }", "list: a size price needs `tiers` or `beyond`"),
        (
            "default = { free = true, base = 1 }",
            "default: a free endpoint can have no base, size, units, table or minimum",
        ),
        (
            "default = { per = [{ attribute = \"t\", price = 1, per = 0 }] }",
            "default: `per` must be above zero",
        ),
        (
            "default = { per = [{ attribute = \"t\", price = 1, per = 3 }] }",
            "default: `per = 3` gives no exact parts: use a power of ten, or count `started` or `full` units",
        ),
        (
            "endpoints.\"/a\".size = { attribute = \"c\", tiers = [{ up_to = 5, price = 1 }, { up_to = 5, price = 2 }] }",
            "/a: `tiers` must rise: each `up_to` above the one before",
        ),
        (
            "endpoints.\"/a\".size = { attribute = \"c\", beyond = { price = 1, from = 5 } }",
            "/a: `beyond.from` = 5 lies above the last `up_to` = 0",
        ),
        (
            "endpoints.\"/a\".by = { attributes = [\"m\"], rows = [{ labels = [\"x\", \"y\"], price = 1 }] }",
            "/a: the row x, y needs 1 labels, one for each of `attributes`",
        ),
        (
            "endpoints.\"/a\".by = { attributes = [\"m\"], rows = [{ labels = [\"x\"], price = 1 }, { labels = [\"x\"], price = 2 }] }",
            "/a: the row x stands twice",
        ),
    ];
    for (toml, message) in cases {
        let list: PriceList = toml::from_str(toml).expect(toml);
        assert_eq!(list.check().expect_err(toml).to_string(), message);
    }
}

#[test]
fn started_units_may_be_of_any_size() {
    let list =
        list(r#"default = { per = [{ attribute = "chars", price = 1, per = 3, counting = "started" }] }"#);
    assert_eq!(chars(&list, "/a", 7).map(|cost| cost.to_string()), Ok("3".into()));
}

#[test]
fn a_size_above_the_last_step_is_refused_where_nothing_is_beyond() {
    let list = list(r#"default = { size = { attribute = "chars", tiers = [{ up_to = 5, price = 1 }] } }"#);
    assert!(chars(&list, "/a", 5).is_ok());
    let too_large = PriceError::TooLarge { attribute: "chars".into(), largest: Figure::whole(5) };
    assert_eq!(chars(&list, "/a", 6), Err(too_large));
}

#[test]
fn a_cost_beyond_one_amount_is_refused() {
    let list = list(r#"default = { per = [{ attribute = "chars", price = 1000000000000 }] }"#);
    assert!(chars(&list, "/a", 1).is_ok());
    assert_eq!(chars(&list, "/a", 2), Err(PriceError::Range));
    let huge = list.cost("/a", &[("chars", super::number("1000000000000"))]);
    assert_eq!(huge, Err(PriceError::Range));
}

#[test]
fn an_unlisted_markup_is_one() {
    assert_eq!(PriceList::default(), list(""));
    let fault = PriceList { markup: Figure::whole(1_001), ..PriceList::default() }.check();
    assert_eq!(fault.map_err(|error| error.fault), Err(Fault::Markup));
}
