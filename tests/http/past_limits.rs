//! Limits as of a past moment are what was answered then.

use counterfoil_tests::sandbox::Sandbox;
use serde_json::{Value, json};

const POLICY: &str = r#"
name = "every-rule"
title = "A limit of every rule"
[callers]
anonymous = true
default_plan = "free"
[plans.free]
own_figures = true
[plans.pro]
[keys.kinds.secret]
prefix = "sk_"
[[limits]]
name = "window"
rule = { rolling = "60s" }
limit = 10
by = ["account"]
figures = [{ plans = ["pro"], limit = 20 }]
[[limits]]
name = "day"
rule = { bucket = "day" }
limit = 1000
by = ["account"]
calendar = "account"
[[limits]]
name = "pause"
rule = { cooldown = "10s" }
by = ["ip"]
[[limits]]
name = "address"
rule = { rolling = "60s" }
limit = 5
by = ["ip"]
[[limits]]
name = "tokens"
rule = { token_bucket = { period = "60s", burst = 4 } }
limit = 6
by = ["key"]
[[limits]]
name = "jobs"
rule = "concurrent"
limit = 3
by = ["account"]
[credit]
charge = "settle"
hold_for = "1h"
overdraft = "unlimited"
[prices]
hold = "base"
[prices.default]
base = 1
"#;

/// A service, and every answer about limits that it gave, with when and to which question.
struct Lived {
    sandbox: Sandbox,
    told: Vec<(String, String, Value)>,
}

impl Lived {
    fn begin() -> Self {
        let sandbox = Sandbox::with_policy(POLICY);
        sandbox.open("acme", &json!({"plan": "free", "zone": "Europe/Berlin", "reset_hour": 6}));
        sandbox.grant("acme", "1000");
        Self { sandbox, told: Vec::new() }
    }

    /// Time passes, something happens, and how the limits stand is noted.
    fn then<T>(&mut self, span: &str, about: &str, act: impl FnOnce(&Sandbox) -> T) -> T {
        let at = self.sandbox.advance(span);
        let done = act(&self.sandbox);
        let now = limits(&self.sandbox, about);
        self.told.push((about.to_owned(), at, now["limits"].clone()));
        done
    }

    /// What was answered at a moment is still the answer when asked about it, by instant and by position.
    fn stays(&self) {
        self.sandbox.advance("3h");
        self.sandbox.catch_up();
        for (about, at, told) in &self.told {
            let then = limits(&self.sandbox, &format!("{about}&as_of={at}"));
            assert_eq!(&then["limits"], told, "{about} at {at}");
            assert_eq!(then["at"], json!(at));
            assert!(then["position"].as_u64() > Some(0) && then.get("ban").is_none(), "{then}");
        }
    }

    fn used(&self, name: &str) -> Vec<u64> {
        let of = |(_, _, told): &(String, String, Value)| figure(told, name, "used");
        self.told.iter().map(of).collect()
    }
}

fn figure(limits: &Value, name: &str, of: &str) -> u64 {
    let found = limits.as_array().expect("limits").iter().find(|limit| limit["name"] == name);
    found.unwrap_or_else(|| panic!("{name} in {limits}"))[of].as_u64().expect("a figure")
}

fn limits(sandbox: &Sandbox, about: &str) -> Value {
    sandbox.gateway("GET", &format!("/v1/limits?{about}"), &Value::Null).expect(200).json()
}

fn ask(sandbox: &Sandbox) -> Value {
    sandbox.request(json!({"account": "acme", "endpoint": "/a", "settle": "now"})).expect(200).json()
}

fn hold(sandbox: &Sandbox) -> String {
    let ask = json!({"account": "acme", "endpoint": "/a", "settle": "later"});
    sandbox.request(ask).at("/decision_id").as_str().expect("an id").to_owned()
}

#[test]
fn a_rolling_window_and_a_calendar_bucket() {
    let mut lived = Lived::begin();
    for span in ["1s", "20s", "20s", "20s", "20s", "4h", "1h", "30s"] {
        lived.then(span, "account=acme", ask);
    }
    assert_eq!(lived.used("window"), [1, 2, 3, 3, 3, 1, 1, 2]);
    assert_eq!(lived.used("day"), [1, 2, 3, 4, 5, 6, 1, 2], "the day begins at six in Berlin");
    lived.stays();
}

#[test]
fn what_an_address_was_counted_for() {
    let mut lived = Lived::begin();
    let from = |ip: &'static str| {
        move |sandbox: &Sandbox| {
            sandbox.request(json!({"endpoint": "/a", "ip": ip}));
        }
    };
    for (span, ip) in
        [("1s", "203.0.113.7"), ("11s", "203.0.113.7"), ("2s", "203.0.113.8"), ("55s", "203.0.113.7")]
    {
        lived.then(span, "ip=203.0.113.7", from(ip));
    }
    lived.then("5s", "ip=203.0.113.7", |_| ());
    lived.then("6s", "ip=203.0.113.8", |_| ());
    assert_eq!(lived.used("address"), [1, 2, 2, 2, 1, 0]);
    assert_eq!(lived.used("pause"), [1, 1, 1, 1, 1, 0]);
    lived.stays();
}

#[test]
fn a_token_bucket_of_a_key_read_by_its_holder() {
    let sandbox = Sandbox::with_policy(POLICY);
    sandbox.open("acme", &Value::Null);
    sandbox.grant("acme", "1000");
    let key = sandbox.issue_key("acme", "secret");
    let mut told = Vec::new();
    for span in ["1s", "4s", "3s", "40s"] {
        let at = sandbox.advance(span);
        sandbox.request(json!({"key": key.secret, "endpoint": "/a", "settle": "now"})).expect(200);
        let now = sandbox.consumer(&key.secret, "/v1/limits").expect(200).json();
        told.push((at, now["limits"].clone()));
    }
    sandbox.advance("2h");
    sandbox.catch_up();
    for (at, told) in &told {
        let then = sandbox.consumer(&key.secret, &format!("/v1/limits?as_of={at}")).expect(200).json();
        assert_eq!(&then["limits"], told, "{at}");
    }
    assert_eq!(told.iter().map(|(_, told)| figure(told, "tokens", "used")).collect::<Vec<_>>(), [1, 2, 3, 1]);
}

#[test]
fn jobs_that_were_open_also_those_whose_end_was_written_down_late() {
    let mut lived = Lived::begin();
    let first = lived.then("1s", "account=acme", hold);
    lived.then("10s", "account=acme", hold);
    lived.then("10s", "account=acme", |sandbox| {
        sandbox.settle(&first, &json!({"outcome": "succeeded"})).expect(200);
    });
    lived.then("10s", "account=acme", hold);
    assert_eq!(lived.used("jobs"), [1, 2, 1, 2]);
    // Both run out while nobody looks.
    let sandbox = &lived.sandbox;
    sandbox.advance("5h");
    sandbox.catch_up();
    for (at, used) in [("2026-01-01T01:00:10Z", 2), ("2026-01-01T01:00:11Z", 1), ("2026-01-01T01:00:31Z", 0)]
    {
        let then = limits(sandbox, &format!("account=acme&as_of={at}"));
        assert_eq!(figure(&then["limits"], "jobs", "used"), used, "{at}");
    }
    lived.stays();
}

#[test]
fn what_operators_changed_in_between() {
    let mut lived = Lived::begin();
    let about = "account=acme&ip=203.0.113.7";
    let put = |path: &'static str, body: Value| {
        move |sandbox: &Sandbox| drop(sandbox.operator("PUT", path, &body).expect(200))
    };
    lived.then("1s", about, ask);
    lived.then("1s", about, put("/v1/accounts/acme/limits/window", json!({"figure": 3, "reason": "r"})));
    lived.then("1s", about, ask);
    let reset = json!({"account": "acme", "reason": "r"});
    lived.then("1s", about, |sandbox| {
        sandbox.operator("POST", "/v1/limits/window/reset", &reset).expect(200);
    });
    lived.then("1s", about, put("/v1/accounts/acme/limits/window", json!({"figure": null, "reason": "r"})));
    lived.then("1s", about, ask);
    lived.then(
        "1s",
        about,
        put("/v1/limits/address", json!({"ip": "203.0.113.7", "figure": 9, "reason": "r"})),
    );
    lived.then("1s", about, put("/v1/accounts/acme/plan", json!({"plan": "pro"})));
    assert_eq!(lived.used("window"), [1, 1, 2, 0, 0, 1, 1, 1]);
    let limit =
        |name: &str| lived.told.iter().map(|(_, _, told)| figure(told, name, "limit")).collect::<Vec<_>>();
    assert_eq!(limit("window"), [10, 3, 3, 3, 10, 10, 10, 20]);
    assert_eq!(limit("address"), [5, 5, 5, 5, 5, 5, 9, 9]);
    lived.stays();
}

#[test]
fn a_policy_that_was_published_in_between() {
    let mut lived = Lived::begin();
    lived.then("1s", "account=acme", ask);
    let policy = POLICY
        .replace("limit = 10\n", "limit = 7\n")
        .replace("rolling = \"60s\" }\nlimit = 7", "rolling = \"90s\" }\nlimit = 7");
    lived.then("1s", "account=acme", |sandbox| {
        let body = json!({"toml": policy});
        sandbox.operator("POST", "/v1/policies", &body).expect(200);
    });
    lived.then("1s", "account=acme", ask);
    lived.then("80s", "account=acme", ask);
    assert_eq!(lived.used("window"), [1, 1, 2, 3]);
    lived.stays();
}

#[test]
fn a_position_is_a_moment_too() {
    let sandbox = Sandbox::with_policy(POLICY);
    sandbox.open("acme", &Value::Null);
    sandbox.grant("acme", "1000");
    let opened = sandbox.events("type=AccountOpened")[0]["position"].as_u64().expect("a position");
    ask(&sandbox);
    ask(&sandbox);
    sandbox.catch_up();
    let used = |position: u64| {
        let then = limits(&sandbox, &format!("account=acme&as_of={position}"));
        figure(&then["limits"], "window", "used")
    };
    assert_eq!([opened, opened + 2, opened + 3].map(used), [0, 1, 2], "at one and the same instant");
    let before = limits(&sandbox, &format!("account=acme&as_of={}", opened - 1));
    assert_eq!(before["limits"], json!([]), "nothing counts by an account that is not there");
    assert_eq!(limits(&sandbox, "account=acme&as_of=2025-12-31T00:00:00Z")["limits"], json!([]));
}

#[test]
fn more_than_a_checkpoint_away() {
    let mut lived = Lived::begin();
    for _ in 0..150 {
        lived.then("7s", "account=acme", ask);
    }
    assert_eq!(lived.used("window").last(), Some(&9));
    lived.stays();
}

#[test]
fn a_moment_that_is_none_is_refused() {
    let lived = Lived::begin();
    for moment in ["yesterday", "2026-01-01", "999999", "2027-01-01T00:00:00Z", "-1", "0", ""] {
        let path = format!("/v1/limits?account=acme&as_of={moment}");
        let answer = lived.sandbox.gateway("GET", &path, &Value::Null).expect(400);
        assert_eq!(answer.at("/field"), "as_of", "{moment}");
    }
    let path = "/v1/limits?account=nobody&as_of=1";
    lived.sandbox.gateway("GET", path, &Value::Null).expect(404);
}

#[test]
fn the_past_of_an_address_is_told_to_nobody_who_only_has_it_now() {
    let lived = Lived::begin();
    lived.sandbox.send("GET", "/v1/limits", &[], b"").expect(200);
    lived.sandbox.send("GET", "/v1/limits?as_of=1", &[], b"").expect(401);
}
