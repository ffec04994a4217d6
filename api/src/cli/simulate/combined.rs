//! Access logs of Apache and nginx, in the combined or the common format.
//!
//! `ip ident user [time] "request" status bytes "referer" "agent"`; what follows is ignored. A quote or a
//! backslash inside quotes is escaped by a backslash and kept as it stands in the log.

use super::columns::Columns;
use super::instant;
use std::borrow::Cow;

/// One line of an access log, by its parts. `-` stands for what is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AccessLine<'a> {
    ip: &'a [u8],
    ident: &'a [u8],
    user: &'a [u8],
    time: &'a [u8],
    request: &'a [u8],
    status: &'a [u8],
    bytes: &'a [u8],
    referer: &'a [u8],
    agent: &'a [u8],
}

/// The columns of a line.
pub(super) const COLUMNS: [&str; 12] = [
    "ip", "ident", "user", "at", "request", "method", "endpoint", "protocol", "status", "bytes", "referer",
    "agent",
];

const SHAPE: &str = "no access log line: ip ident user [time] \"request\" status bytes …";

impl<'a> AccessLine<'a> {
    /// Takes a line apart.
    pub(super) fn read(line: &'a [u8]) -> Result<Self, String> {
        let mut rest = Rest(line);
        rest.line().ok_or_else(|| SHAPE.to_owned())
    }

    /// `METHOD target PROTOCOL`, where a target may have blanks and the protocol may be missing.
    fn request_parts(&self) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
        let first = self.request.iter().position(|byte| *byte == b' ')?;
        let (method, rest) = (&self.request[..first], &self.request[first + 1..]);
        let last = rest.iter().rposition(|byte| *byte == b' ');
        match last {
            Some(last) if rest[last + 1..].starts_with(b"HTTP/") => {
                Some((method, &rest[..last], &rest[last + 1..]))
            }
            Some(_) | None => Some((method, rest, b"-")),
        }
    }
}

impl Columns for AccessLine<'_> {
    fn column(&self, name: &str) -> Option<Cow<'_, str>> {
        let part = match name {
            "ip" => self.ip,
            "ident" => self.ident,
            "user" => self.user,
            "at" => self.time,
            "request" => self.request,
            "method" => self.request_parts()?.0,
            "endpoint" => path(self.request_parts()?.1),
            "protocol" => self.request_parts()?.2,
            "status" => self.status,
            "bytes" => self.bytes,
            "referer" => self.referer,
            "agent" => self.agent,
            _ => return None,
        };
        if part == b"-" || part.is_empty() {
            return None;
        }
        let text = String::from_utf8_lossy(part);
        Some(match text {
            Cow::Borrowed(text) if name == "at" => instant::of_access_log(text),
            text => text,
        })
    }
}

/// What a proxy is asked for names the host first (RFC 9112, absolute-form).
fn path(target: &[u8]) -> &[u8] {
    let host = target.strip_prefix(b"http://").or_else(|| target.strip_prefix(b"https://"));
    let Some(host) = host else { return target };
    let end = host.iter().position(|byte| matches!(byte, b'/' | b'?'));
    end.map(|end| &host[end..]).filter(|path| path.starts_with(b"/")).unwrap_or(b"/")
}

/// The part of a line that was not taken yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn line(&mut self) -> Option<AccessLine<'a>> {
        Some(AccessLine {
            ip: self.word()?,
            ident: self.word()?,
            user: self.until_bracket()?,
            time: self.bracketed()?,
            request: self.quoted()?,
            status: self.word()?,
            bytes: self.word().unwrap_or(b"-"),
            referer: self.quoted().unwrap_or(b"-"),
            agent: self.quoted().unwrap_or(b"-"),
        })
    }

    fn skip_blanks(&mut self) {
        let blanks = self.0.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.0 = &self.0[blanks..];
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// Up to the next blank.
    fn word(&mut self) -> Option<&'a [u8]> {
        self.skip_blanks();
        let length = self.0.iter().position(|byte| *byte == b' ').unwrap_or(self.0.len());
        (length > 0).then(|| self.take(length))
    }

    /// Up to ` [`: the name of a user may have blanks.
    fn until_bracket(&mut self) -> Option<&'a [u8]> {
        self.skip_blanks();
        let length = self.0.windows(2).position(|pair| pair == b" [")?;
        Some(self.take(length))
    }

    fn bracketed(&mut self) -> Option<&'a [u8]> {
        self.skip_blanks();
        self.0 = self.0.strip_prefix(b"[")?;
        let length = self.0.iter().position(|byte| *byte == b']')?;
        let inside = self.take(length);
        self.0 = &self.0[1..];
        Some(inside)
    }

    fn quoted(&mut self) -> Option<&'a [u8]> {
        self.skip_blanks();
        let inside = self.0.strip_prefix(b"\"")?;
        let length = closing_quote(inside)?;
        self.0 = &inside[length + 1..];
        Some(&inside[..length])
    }
}

/// The first quote that no backslash escapes.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut place = 0;
    loop {
        match *text.get(place)? {
            b'"' => return Some(place),
            b'\\' => place += 2,
            _ => place += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(line: &str, names: &[&str]) -> Vec<String> {
        let line = AccessLine::read(line.as_bytes()).expect("an access log line");
        names.iter().map(|name| line.column(name).unwrap_or("(none)".into()).into_owned()).collect()
    }

    const NAMES: [&str; 6] = ["ip", "user", "at", "endpoint", "status", "agent"];

    #[test]
    fn a_combined_line_gives_every_part() {
        let line = r#"83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a/b.png?x=1 HTTP/1.1" 200 203023 "http://e/" "Mozilla/5.0 (X)""#;
        let expected =
            ["83.149.9.216", "(none)", "2015-05-17T10:05:03+0000", "/a/b.png?x=1", "200", "Mozilla/5.0 (X)"];
        assert_eq!(columns(line, &NAMES), expected);
        assert_eq!(
            columns(line, &["method", "protocol", "bytes", "referer"]),
            ["GET", "HTTP/1.1", "203023", "http://e/"]
        );
    }

    #[test]
    fn a_common_line_has_neither_referer_nor_agent() {
        let line = r#"::1 - frank jr [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 -"#;
        assert_eq!(
            columns(line, &NAMES),
            ["::1", "frank jr", "2000-10-10T13:55:36-0700", "/", "200", "(none)"]
        );
        assert_eq!(columns(line, &["bytes", "referer"]), ["(none)", "(none)"]);
    }

    #[test]
    fn escaped_quotes_do_not_end_a_part_and_stay_as_written() {
        let line =
            r#"1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] "GET /a\"b\\ HTTP/1.1" 404 0 "-" "say \"hi\"" extra"#;
        assert_eq!(columns(line, &["endpoint", "status", "agent"]), [r#"/a\"b\\"#, "404", r#"say \"hi\""#]);
    }

    #[test]
    fn a_target_may_have_blanks_and_lack_a_protocol() {
        let target = |request: &str| {
            let line = format!(r#"1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] "{request}" 200 1"#);
            columns(&line, &["endpoint"]).remove(0)
        };
        assert_eq!(target("GET /a b HTTP/1.1"), "/a b");
        assert_eq!(target("GET /a"), "/a");
        assert_eq!(target("GET http://h:80/a?b=/c HTTP/1.1"), "/a?b=/c");
        assert_eq!(target("GET https://h HTTP/1.1"), "/");
        assert_eq!(target("GET https://h?a=/b HTTP/1.1"), "/");
        assert_eq!(target("-"), "(none)");
        assert_eq!(target(r"\x16\x03\x01"), "(none)");
    }

    #[test]
    fn bytes_that_are_no_text_are_only_a_matter_of_their_own_part() {
        let mut line = br#"1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "x""#.to_vec();
        let agent = line.len() - 2;
        line[agent] = 0xff;
        assert_eq!(AccessLine::read(&line).expect("a line").column("endpoint").as_deref(), Some("/"));
    }

    #[test]
    fn what_is_no_access_log_line_is_refused() {
        for line in ["", "hello", "1.2.3.4 - - 17/May/2015 \"GET /\" 200 1", "1.2.3.4 - - [x] \"GET / 200 1"]
        {
            assert!(AccessLine::read(line.as_bytes()).is_err(), "{line}");
        }
    }
}
