//! One mistake each: the line it stands on, and the remedy that is named.

use crate::policy::{Mistake, Policy};

/// Lines that follow the four of [`super::SMALL`], so the first of them is line 5.
const CASES: [(&str, usize, &str, &str); 64] = [
    // Syntax and form.
    ("[plans", 5, "", "write TOML"),
    ("anonymous = false", 5, "", "take one of them out"),
    (
        "[[limits]]\nname = \"a\"\nrule = { rolling = \"60s\", cooldown = \"1s\" }\nby = [\"ip\"]\nlimit = 3",
        7,
        "limits[0].rule",
        "give one member",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimt = 3",
        9,
        "limits[0].limt",
        "did you mean `limit`?",
    ),
    ("[[limits]]\nname = \"a\"\nlimit = 3\nby = [\"ip\"]", 5, "limits[0].rule", "add `rule = …`"),
    (
        "[[limits]]\nname = \"a\"\nrule = { roling = \"60s\" }\nby = [\"ip\"]\nlimit = 3",
        7,
        "limits[0].rule.roling",
        "did you mean `rolling`?",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { rolling = \"60\" }\nby = [\"ip\"]\nlimit = 3",
        7,
        "limits[0].rule",
        "such as 60s or 30d",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { bucket = \"week\" }\nby = [\"ip\"]\nlimit = 3",
        7,
        "limits[0].rule.bucket",
        "`hour`, `day`, `month`",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"adress\"]\nlimit = 3",
        8,
        "limits[0].by",
        "use ip, key, account",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = -3",
        9,
        "limits[0].limit",
        "a whole number, 0 or more",
    ),
    (
        "[[limits]]\nname = \"a b\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3",
        6,
        "limits[0].name",
        "must be 1 to 64",
    ),
    ("[keys]\nneeds_terms = \"yes\"", 6, "keys.needs_terms", "true or false"),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3\nonly = { opened_from = \"yesterday\" }",
        10,
        "limits[0].only.opened_from",
        "RFC 3339",
    ),
    ("[prices]\nminimum = 0.5", 6, "prices.minimum", "in quotes"),
    // Callers, plans and names.
    ("ipv6_prefix = 129", 5, "callers.ipv6_prefix", "1 to 128"),
    ("ipv6_prefix = 0", 5, "callers.ipv6_prefix", "1 to 128"),
    ("default_plan = \"pro\"", 5, "callers.default_plan", "declare it under [plans]"),
    ("default_plan = \"fre\"\n[plans.free]", 5, "callers.default_plan", "did you mean `free`?"),
    ("[classes]\njobs = []", 6, "classes.jobs", "list patterns"),
    ("[items]\nmax = 0", 6, "items.max", "at least 1"),
    // Sizes.
    (
        "[[sizes]]\nname = \"s\"\nattribute = \"bytes\"\nmax = 1",
        7,
        "sizes[0].attribute",
        "[attributes] bytes = \"number\"",
    ),
    (
        "[attributes]\nbytes = \"label\"\n[[sizes]]\nname = \"s\"\nattribute = \"bytes\"\nmax = 1",
        9,
        "sizes[0].attribute",
        "name a number",
    ),
    (
        "[attributes]\nbytes = \"number\"\n[[sizes]]\nname = \"s\"\nattribute = \"bytes\"\nmax = 0",
        10,
        "sizes[0].max",
        "at least 1",
    ),
    // Limits.
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 0",
        9,
        "limits[0].limit",
        "at least 1",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { rolling = \"0s\" }\nby = [\"ip\"]\nlimit = 3",
        7,
        "limits[0].rule",
        "give a length of time",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { rolling = \"60d\" }\nby = [\"ip\"]\nlimit = 3",
        7,
        "limits[0].rule",
        "at most \"31d\"",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { rolling = \"60s\" }\nby = []\nlimit = 3",
        8,
        "limits[0].by",
        "name whom it counts",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { rolling = \"60s\" }\nby = [\"ip\"]",
        5,
        "limits[0].limit",
        "add `limit = …`",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { cooldown = \"1s\" }\nby = [\"ip\"]\nlimit = 3",
        9,
        "limits[0].limit",
        "take `limit` out",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { cooldown = \"1s\" }\nby = [\"ip\"]\ncounts = \"items\"",
        9,
        "limits[0].counts",
        "take `counts` out",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { token_bucket = { period = \"1s\", burst = 0 } }\nby = [\"ip\"]\nlimit = 3",
        7,
        "limits[0].rule.token_bucket.burst",
        "at least 1",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3\n[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3",
        11,
        "limits[1].name",
        "a name of its own",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\", \"attribute:file\"]\nlimit = 3",
        8,
        "limits[0].by[1]",
        "[attributes] file = \"personal\"",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3\nreason = \"at {endpoint}\"",
        10,
        "limits[0].reason",
        "count by `endpoint` too",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3\nreason = \"at {place}\"",
        10,
        "limits[0].reason",
        "only `{endpoint}`",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3\nonly = { classes = [\"jobs\"] }",
        10,
        "limits[0].only.classes[0]",
        "under [classes]",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { rolling = \"60s\" }\nby = [\"ip\"]\nlimit = 3\nretry_hint = \"1s\"",
        10,
        "limits[0].retry_hint",
        "take it out",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3\nexcess = \"limit\"",
        10,
        "limits[0].excess",
        "excess = \"deny\"",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = { rolling = \"1h\" }\nby = [\"endpoint\"]\nlimit = 3\nexcess = \"limit\"\nreason = \"over:{endpoint}\"",
        11,
        "limits[0].reason",
        "take `{endpoint}` out",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3\ncalendar = \"account\"",
        10,
        "limits[0].calendar",
        "bucket = \"day\"",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3\n[[limits.figures]]\nlimit = 4",
        10,
        "limits[0].figures[0]",
        "name `plans` or `endpoints`",
    ),
    (
        "[[limits]]\nname = \"a\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3\nonly = { everyone_from = \"2026-01-01T00:00:00Z\" }",
        10,
        "limits[0].only.everyone_from",
        "`opened_from` too",
    ),
    // Prices and credit.
    ("[credit]\ncharge = \"settle\"", 5, "credit", "add [prices]"),
    ("[prices]\ndefault = { base = 1 }", 5, "prices", "add [credit]"),
    (
        "[credit]\ncharge = \"settle\"\n[prices.endpoints]\n\"/a/*\" = { base = 1 }",
        8,
        "prices.endpoints./a/*",
        "name each path",
    ),
    (
        "[prices]\nhold = \"estimate\"\ndefault = { base = 1 }\n[credit]\ncharge = \"settle\"",
        6,
        "prices.hold",
        "hold = \"base\"",
    ),
    (
        "[attributes]\nn = \"number\"\n[credit]\ncharge = \"begin\"\n[prices]\ndefault = { per = [{ attribute = \"n\", price = 1 }] }",
        9,
        "prices.hold",
        "hold = \"estimate\"",
    ),
    (
        "[attributes]\nn = \"number\"\n[credit]\ncharge = \"settle\"\n[prices]\ndefault = { size = { attribute = \"n\", tiers = [{ up_to = 2, price = 1 }, { up_to = 1, price = 2 }] } }",
        10,
        "prices.default.size.tiers",
        "smallest first",
    ),
    (
        "[credit]\ncharge = \"settle\"\n[prices.endpoints]\n\"/a\" = { per = [{ attribute = \"n\", price = 1 }] }",
        8,
        "prices.endpoints./a.per[0].attribute",
        "[attributes] n = \"number\"",
    ),
    (
        "[credit]\ncharge = \"begin\"\noverdraft = \"unlimited\"\n[prices]\ndefault = { base = 1 }",
        7,
        "credit.overdraft",
        "charge = \"settle\"",
    ),
    (
        "[credit]\ncharge = \"settle\"\noverdraft = { to_floor = \"100\" }\n[prices]\ndefault = { base = 1 }",
        7,
        "credit.overdraft",
        "below zero",
    ),
    (
        "[credit]\ncharge = \"settle\"\nhold_for = \"60d\"\n[prices]\ndefault = { base = 1 }",
        7,
        "credit.hold_for",
        "requests.retention longer",
    ),
    // Abuse.
    (
        "[[escalations]]\nname = \"e\"\nsignal = \"client_error\"\nby = [\"key\"]\ncount = 3\nwindow = \"1h\"\nsteps = []",
        11,
        "escalations[0].steps",
        "add a step",
    ),
    (
        "[[escalations]]\nname = \"e\"\nsignal = \"client_error\"\nby = [\"key\"]\ncount = 0\nwindow = \"1h\"\nsteps = [{ ban = {} }]",
        9,
        "escalations[0].count",
        "at least 1",
    ),
    (
        "[[escalations]]\nname = \"e\"\nsignal = \"status_poll\"\nby = [\"key\"]\ncount = 1\nwindow = \"1h\"\nsteps = [{ ban = {} }]",
        7,
        "escalations[0].signal",
        "name the endpoints",
    ),
    (
        "[[escalations]]\nname = \"e\"\nsignal = \"client_error\"\nby = [\"ip\"]\ncount = 1\nwindow = \"1h\"\nsteps = [{ suspend = {} }]",
        11,
        "escalations[0].steps[0]",
        "use `ban`",
    ),
    (
        "[[escalations]]\nname = \"e\"\nsignal = \"rate_denial\"\nby = [\"ip\"]\ncount = 1\nwindow = \"1h\"\nsteps = [{ ban = {} }]",
        7,
        "escalations[0].signal",
        "add a limit",
    ),
    // Keys, notice, wording.
    (
        "[keys.kinds]\na = { prefix = \"pk_\" }\nb = { prefix = \"pk_live_\" }",
        7,
        "keys.kinds.b.prefix",
        "no kind's prefix",
    ),
    ("[notice.announcements]\nterms = \"0s\"", 6, "notice.announcements.terms", "give a length of time"),
    ("[requests]\nretention = \"1h\"", 6, "requests.retention", "at least as long"),
    ("[responses.banned]\nstatus = 200", 6, "responses.banned.status", "400 to 599"),
    ("[responses.banned]\nbody = '{\"a\":${cod}}'", 6, "responses.banned.body", "use ${code}"),
    (
        "[responses.allowed.headers]\nX-Left = \"${daily.remaining}\"",
        6,
        "responses.allowed.headers.X-Left",
        "use the name of one of",
    ),
    ("[responses.allowed.headers]\n\"X Left\" = \"1\"", 6, "responses.allowed.headers.X Left", "use letters"),
];

pub(super) fn mistakes(lines: &str) -> Vec<Mistake> {
    Policy::from_toml(&format!("{}{lines}\n", super::SMALL)).err().unwrap_or_default()
}

#[test]
fn every_mistake_is_named_alone_with_its_line_its_field_and_a_remedy() {
    each_is_named_alone(&CASES);
}

/// Lines, then the line of the one mistake in them, its field and its remedy.
pub(super) fn each_is_named_alone(cases: &[(&str, usize, &str, &str)]) {
    let mut wrong = Vec::new();
    for &(lines, line, field, remedy) in cases {
        let found = mistakes(lines);
        let as_expected = matches!(
            found.as_slice(),
            [one] if one.line == line && one.field == field && one.remedy.contains(remedy)
        );
        if !as_expected {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            wrong.push(format!("{lines}\n  expected line {line}, {field}, {remedy}\n  found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn all_mistakes_of_meaning_are_named_at_once_in_the_order_of_the_text() {
    let found = mistakes(
        "ipv6_prefix = 0\n[[limits]]\nname = \"a\"\nrule = { rolling = \"0s\" }\nby = []\nlimit = 0\n[items]\nmax = 0",
    );
    let lines: Vec<usize> = found.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [5, 8, 9, 10, 12]);
}

#[test]
fn all_mistakes_of_form_are_named_at_once() {
    let found = mistakes(
        "[[limits]]\nname = \"a\"\nlimit = \"3\"\nby = [\"ip\"]\n[[limits]]\nname = \"b\"\nrule = 3\nbuy = []\n[itms]\nmax = 0",
    );
    let named: Vec<(usize, &str)> =
        found.iter().map(|mistake| (mistake.line, mistake.field.as_str())).collect();
    let expected = [
        (5, "limits[0].rule"),
        (7, "limits[0].limit"),
        (11, "limits[1].rule"),
        (12, "limits[1].buy"),
        (13, "itms"),
    ];
    assert_eq!(named, expected);
}

#[test]
fn a_missing_name_is_told_of_the_policy_as_a_whole() {
    let found = Policy::from_toml("title = \"Small\"").err().unwrap_or_default();
    let named: Vec<&str> = found.iter().map(|mistake| mistake.field.as_str()).collect();
    assert_eq!(named, ["name"]);
}

/// So long a list tells nobody more, and the search for the nearest name took minutes and gigabytes.
#[test]
fn of_thousands_of_mistakes_fifty_are_named_with_twenty_names() {
    let many = |text: fn(usize) -> String| (0..2_000).map(text).collect::<Vec<_>>().concat();
    let plans = many(|n| format!("[plans.a{n}]\n"));
    let limits = many(|n| format!("{LIMIT}only = {{ plans = [\"zz{n}\"] }}\n"));
    for text in [plans + &limits, LIMIT.replace("ip", "x").repeat(2_000), "=\n".repeat(2_000)] {
        let found = mistakes(&text);
        assert!(found.len() <= 50, "{}", found.len());
        assert!(found.iter().all(|mistake| mistake.remedy.matches(',').count() <= 20));
    }
}

const LIMIT: &str = "[[limits]]\nname = \"m\"\nrule = \"concurrent\"\nby = [\"ip\"]\nlimit = 3\n";
