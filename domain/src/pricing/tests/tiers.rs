//! Prices by model, resolution and output duration, with a markup on the web's prices.

use super::super::{PriceError, PriceList, Value};
use super::{credits, list, number};

const TIERS: &str = r#"
markup = "1.5"

[endpoints."/v1/video".by]
attributes = ["model", "resolution"]
times = { attribute = "duration", counting = "started" }
rows = [
  { labels = ["swift", "720p"], price = 12 },
  { labels = ["swift", "1080p"], price = "20.5" },
  { labels = ["grand", "1080p"], price = 33 },
]

[endpoints."/v1/clip".by]
attributes = ["model", "duration"]
rows = [{ labels = ["swift", "5"], price = 55 }, { labels = ["swift", "10"], price = 101 }]
"#;

fn video(list: &PriceList, model: &str, resolution: &str, duration: &str) -> Result<String, PriceError> {
    let attributes = [
        ("model", Value::Label(model)),
        ("resolution", Value::Label(resolution)),
        ("duration", number(duration)),
    ];
    list.cost("/v1/video", &attributes).map(|cost| cost.to_string())
}

#[test]
fn cost_is_the_rows_price_times_the_duration_times_the_markup() {
    let list = list(TIERS);
    assert_eq!(video(&list, "swift", "720p", "5"), Ok("90".into()));
    assert_eq!(video(&list, "swift", "1080p", "5"), Ok("153.75".into()));
    assert_eq!(video(&list, "grand", "1080p", "9.2"), Ok("495".into()), "a started second counts whole");
    assert_eq!(video(&list, "grand", "1080p", "0"), Ok("0".into()));
}

#[test]
fn a_duration_may_choose_the_row_itself() {
    let list = list(TIERS);
    let cost =
        |duration| list.cost("/v1/clip", &[("model", Value::Label("swift")), ("duration", number(duration))]);
    assert_eq!(cost("5"), Ok(credits("82.5")));
    assert_eq!(cost("10.0"), Ok(credits("151.5")));
    assert_eq!(
        cost("7"),
        Err(PriceError::NoRow { attributes: "model, duration".into(), labels: "swift, 7".into() })
    );
}

#[test]
fn an_unknown_model_and_an_unlisted_endpoint_have_no_price() {
    let list = list(TIERS);
    let error = video(&list, "grand", "720p", "5").expect_err("no such row");
    assert_eq!(error.to_string(), "there is no price for model, resolution = grand, 720p");
    assert_eq!(list.cost("/v1/audio", &()), Err(PriceError::NoPrice { endpoint: "/v1/audio".into() }));
}

#[test]
fn the_markup_comes_before_the_minimum_and_rounding_last() {
    let list = list(
        r#"
        markup = "1.000005"
        minimum = "0.5"
        [endpoints]
        "/small" = { base = "0.4" }
        "/half" = { base = "1.1" }
        "/odd" = { base = "1.3" }
        "#,
    );
    let cost = |endpoint| list.cost(endpoint, &()).map(|cost| cost.to_string());
    assert_eq!(cost("/small"), Ok("0.5".into()));
    assert_eq!(cost("/half"), Ok("1.100006".into()), "1.1000055 lies between 5 and 6: 6 is even");
    assert_eq!(cost("/odd"), Ok("1.300006".into()), "1.3000065 lies between 6 and 7: 6 is even");
}
