use super::Meter;

#[test]
fn a_meter_takes_at_most_32_bytes() {
    assert!(size_of::<Meter>() <= 32, "{}", size_of::<Meter>());
}
