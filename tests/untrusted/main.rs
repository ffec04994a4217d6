//! Every seed of `fuzz/` again, so that what was found once stays mended and the seeds stay true.

use counterfoil_tests::untrusted;
use std::fs;
use std::path::Path;

/// Feeds each file of a folder, as it is, cut short, and with a byte changed: a few of the steps that a fuzzer takes.
fn feed(folder: &str, read: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut seeds: Vec<_> = fs::read_dir(&folder).expect("a folder of seeds").flatten().collect();
    assert!(seeds.len() > 1, "{} has seeds", folder.display());
    seeds.sort_by_key(fs::DirEntry::path);
    for seed in seeds {
        let bytes = fs::read(seed.path()).expect("a seed");
        read(&bytes);
        for part in 1..8 {
            let place = bytes.len() * part / 8;
            read(&bytes[..place]);
            let mut changed = bytes.clone();
            if let Some(byte) = changed.get_mut(place) {
                *byte ^= 1;
            }
            read(&changed);
        }
    }
}

#[test]
fn policy_files() {
    feed("fuzz/seeds/policy", untrusted::policy);
    feed("policies", untrusted::policy);
}

#[test]
fn bodies_of_decisions() {
    feed("fuzz/seeds/ask", untrusted::ask);
}

#[test]
fn requests_over_http() {
    feed("fuzz/seeds/bodies", untrusted::bodies);
}

#[test]
fn events_and_frames_of_the_log() {
    feed("fuzz/seeds/codec", untrusted::codec);
}

#[test]
fn past_traffic() {
    feed("fuzz/seeds/access_log", untrusted::access_log);
}
