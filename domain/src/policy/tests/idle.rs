//! What could never act is a mistake.

use super::broken::{each_is_named_alone, mistakes};

const LIMIT: &str = "[[limits]]\nname = \"a\"\nrule = { rolling = \"60s\" }\nby = [\"ip\"]\nlimit = 3\n";

#[test]
fn a_figure_behind_earlier_ones_that_speak_of_the_same() {
    let figures = |figures: &str| {
        let plans = "[plans.free]\n[plans.pro]\n[plans.max]\n";
        let found = mistakes(&format!("{plans}{LIMIT}figures = [{figures}]"));
        let fields: Vec<String> = found.into_iter().map(|mistake| mistake.field).collect();
        fields.join(", ")
    };
    let hidden = |place: usize| format!("limits[0].figures[{place}]");
    let everywhere = r#"{ endpoints = ["*"], limit = 4 }, { plans = ["free"], limit = 5 }"#;
    assert_eq!(figures(everywhere), "", "a pattern says nothing of what is no endpoint");
    let wider = r#"{ endpoints = ["/a/*"], limit = 4 }, { endpoints = ["/a/b*"], limit = 5 }"#;
    assert_eq!(figures(wider), hidden(1));
    let narrower = r#"{ endpoints = ["/a/b*"], limit = 4 }, { endpoints = ["/a/*"], limit = 5 }"#;
    assert_eq!(figures(narrower), "");
    let each = r#"{ plans = ["free"], limit = 4 }, { plans = ["pro"], limit = 5 }, { plans = ["free", "pro"], limit = 6 }"#;
    assert_eq!(figures(each), hidden(2));
    let one_more = r#"{ plans = ["free", "pro"], limit = 4 }, { plans = ["pro", "max"], limit = 5 }"#;
    assert_eq!(figures(one_more), "");
    let within = r#"{ plans = ["free"], limit = 4 }, { plans = ["free"], endpoints = ["/a"], limit = 5 }"#;
    assert_eq!(figures(within), hidden(1));
    let beside = r#"{ plans = ["free"], endpoints = ["/a"], limit = 4 }, { plans = ["free"], limit = 5 }"#;
    assert_eq!(figures(beside), "");
}

#[test]
fn a_size_behind_a_smaller_one_of_the_same_requests() {
    let sizes = "[attributes]\nbytes = \"number\"\n[[sizes]]\nname = \"s\"\nattribute = \"bytes\"\nmax = 5\n\
        only = { endpoints = [\"/a\"] }\n[[sizes]]\nname = \"t\"\nattribute = \"bytes\"\nmax = 6\n";
    let hidden = format!("{sizes}only = {{ endpoints = [\"/a\"] }}");
    each_is_named_alone(&[(&hidden, 15, "sizes[1].max", "give a smaller figure")]);
    assert_eq!(mistakes(sizes), []);
}

#[test]
fn an_escalation_of_refusals_where_no_limit_refuses() {
    let rest = "[[escalations]]\nname = \"e\"\nsignal = \"rate_denial\"\nby = [\"ip\"]\ncount = 3\nwindow = \"1h\"\n\
        steps = [{ ban = { for = \"1h\" } }]";
    for limit in ["mode = \"shadow\"\n", "excess = \"limit\"\n"] {
        let lines = format!("{LIMIT}{limit}{rest}");
        each_is_named_alone(&[(&lines, 13, "escalations[0].signal", "that refuses")]);
    }
    assert_eq!(mistakes(&format!("{LIMIT}{rest}")), []);
}

#[test]
fn a_class_that_an_earlier_one_hides_where_something_is_counted_by_class() {
    let classes = "[classes]\njobs = [\"/jobs/*\"]\npolls = [\"/jobs/*/status\"]\n";
    let by_class = format!("{classes}{}", LIMIT.replace("ip", "class"));
    each_is_named_alone(&[(&by_class, 7, "classes.polls", "let each endpoint be in one class")]);
    assert_eq!(mistakes(&format!("{classes}{LIMIT}")), []);
    assert_eq!(mistakes(&by_class.replace("/jobs/*/", "/job/*/")), []);
}

#[test]
fn a_rule_for_test_keys_where_there_are_none_and_a_table_without_rows() {
    let tests = format!("{LIMIT}only = {{ modes = [\"test\"] }}\n");
    let table = "[attributes]\nmodel = \"label\"\n[credit]\ncharge = \"settle\"\n[prices]\nhold = \"estimate\"\n\
        default = { by = { attributes = [\"model\"], rows = [] } }";
    each_is_named_alone(&[
        (&tests, 10, "limits[0].only.modes", "mode = \"test\""),
        (table, 11, "prices.default.by.rows", "add rows"),
    ]);
    let kind = "[keys.kinds.trial]\nprefix = \"t_\"\nmode = \"test\"";
    assert_eq!(mistakes(&format!("{tests}{kind}")), []);
}
