//! The decision that the load asks for, as one line of JSON, written in place for the next id and account.

use std::ops::Range;

/// One connection's requests. Ids are `FIRST`, `FIRST + STRIDE` …; accounts go round.
pub(super) struct Line {
    text: Vec<u8>,
    id: Range<usize>,
    account: Range<usize>,
    next: u64,
    stride: u64,
    accounts: u64,
}

const ID_DIGITS: usize = 16;
const ACCOUNT_DIGITS: usize = 12;

impl Line {
    pub(super) fn new(endpoint: &str, (first, stride): (u64, u64), accounts: u64) -> Self {
        let (zeros, account) = ("0".repeat(ID_DIGITS), "0".repeat(ACCOUNT_DIGITS));
        let endpoint = serde_json::Value::from(endpoint);
        let text = format!(
            r#"{{"request_id":"bench-{zeros}","account":"bench-{account}","ip":"203.0.113.7","endpoint":{endpoint},"attributes":{{"chars":400}},"settle":"now"}}"#
        );
        let mut places = text.match_indices("bench-").map(|(place, found)| place + found.len());
        let (id, account) = (places.next().unwrap_or(0), places.next().unwrap_or(0));
        Self {
            text: text.into_bytes(),
            id: id..id + ID_DIGITS,
            account: account..account + ACCOUNT_DIGITS,
            next: first,
            stride,
            accounts: accounts.max(1),
        }
    }

    /// A text of this shape.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Writes the next id and account into a text of this shape.
    pub(super) fn write_next(&mut self, text: &mut [u8]) {
        digits(&mut text[self.id.clone()], self.next);
        digits(&mut text[self.account.clone()], self.next % self.accounts);
        self.next += self.stride;
    }
}

fn digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_accounts_go_round() {
        let mut line = Line::new("/bench", (3, 2), 2);
        let mut text = line.text().to_vec();
        let mut written = || {
            line.write_next(&mut text);
            String::from_utf8(text.clone()).expect("UTF-8")
        };
        let (first, second) = (written(), written());
        assert!(
            first.contains("\"bench-0000000000000003\"") && second.contains("\"bench-0000000000000005\"")
        );
        assert!(first.contains("\"account\":\"bench-000000000001\""));
    }
}
