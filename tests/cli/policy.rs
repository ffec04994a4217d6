//! `policy check`.

use crate::world::{Folder, run, shipped};
use serde_json::Value;

const SHIPPED: [&str; 5] = ["enhancement-quotas", "five-gates", "job-credits", "payg-tokens", "plan-tiers"];

#[test]
fn each_shipped_policy_is_sound_and_says_what_it_means() {
    for name in SHIPPED {
        let run = run(&["policy", "check", &shipped(&format!("policies/{name}.toml"))]);
        assert!(run.good && run.err.is_empty(), "{name}: {run:?}");
        assert!(run.out.contains(&format!("({name})")) && run.out.contains("1. "), "{name}: {}", run.out);
    }
}

#[test]
fn every_mistake_is_told_with_its_line_and_remedy() {
    let folder = Folder::new();
    let text = "name = \"p\"\ntitle = \"P\"\n\n[callers]\nanonymus = true\n\n[[limits]]\nname = \"a\"\n\
                rule = { rolling = \"60x\" }\nlimit = 1\nby = [\"ipp\"]\n";
    let file = folder.file("bad.toml", text);
    let run = run(&["policy", "check", &file]);
    assert!(!run.good, "{run:?}");
    let line = |line: u32| format!("{file}:{line}: ");
    for (number, words) in [(5, "anonymus"), (9, "length of time"), (11, "ipp")] {
        let told = run.out.lines().find(|told| told.starts_with(&line(number)));
        let told = told.unwrap_or_else(|| panic!("line {number} is not told of: {}", run.out));
        assert!(told.contains(words) && told.contains(" — "), "{told}");
    }
    assert!(run.out.ends_with("3 mistakes found\n"), "{}", run.out);
}

#[test]
fn json_is_one_object_for_good_and_for_bad() {
    let folder = Folder::new();
    let check = |file: &str| {
        let run = run(&["policy", "check", "--json", file]);
        (run.good, serde_json::from_str::<Value>(&run.out).expect("one object"))
    };
    let (good, object) = check(&shipped("policies/five-gates.toml"));
    assert!(good && object["ok"] == true && object["name"] == "five-gates", "{object}");
    let (good, object) = check(&folder.file("bad.toml", "name = 1"));
    assert!(!good && object["ok"] == false && object["mistakes"][0]["line"] == 1, "{object}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let run = run(&["policy", "check", "/no/such/policy.toml"]);
    assert!(!run.good && run.err.contains("/no/such/policy.toml"), "{run:?}");
}
