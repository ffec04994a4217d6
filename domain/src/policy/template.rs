//! The provider's wording, compiled once and rendered for every answer.
//!
//! A placeholder is `${…}`; `$` before anything else stands for itself. Placeholders that speak of a
//! limit are resolved to its index when the template is compiled, so rendering looks nothing up by name.

use super::Limit;

/// What a template may show.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Placeholder {
    Code,
    Reason,
    Message,
    RetryAfter,
    Contact,
    Plan,
    Gate,
    Endpoint,
    StatusReason,
    /// Of the limit at this index of [`super::Policy::limits`].
    Limit(usize, Part),
}

/// What a template may show of one limit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Part {
    /// The figure in force for the caller.
    Limit,
    /// What is left after this request.
    Remaining,
    /// When the window ends, in unix seconds.
    Reset,
}

/// The value of a placeholder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    Text(&'a str),
    Int(i64),
}

/// Where a template is used, which decides how values are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// A sentence: values as they are; one without a value leaves the whole text out.
    Plain,
    /// A header: as a sentence, but a byte that no header may have (an endpoint is the caller's own text) is
    /// written as `%0D`.
    Header,
    /// A JSON body: inside a string a value is escaped (nothing when absent), elsewhere it is a whole
    /// JSON value (`null` when absent).
    Json,
}

/// A compiled text with placeholders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    style: Style,
    segments: Vec<Segment>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Segment {
    Text(Box<str>),
    Slot { of: Placeholder, quoted: bool },
}

/// Why a text is no template.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("`${{` at byte {0} is never closed by `}}`")]
    Open(usize),
    #[error("`${{{0}}}` is no placeholder")]
    Unknown(String),
    #[error("`${{{0}}}` speaks of a limit that the policy does not have")]
    UnknownLimit(String),
    #[error("the body is not JSON once its placeholders are filled: {0}")]
    NotJson(String),
}

/// The placeholders that stand for one word, by name.
pub const PLACEHOLDERS: [(&str, Placeholder); 9] = [
    ("code", Placeholder::Code),
    ("reason", Placeholder::Reason),
    ("message", Placeholder::Message),
    ("retry_after", Placeholder::RetryAfter),
    ("contact", Placeholder::Contact),
    ("plan", Placeholder::Plan),
    ("gate", Placeholder::Gate),
    ("endpoint", Placeholder::Endpoint),
    ("status_reason", Placeholder::StatusReason),
];

const PARTS: [(&str, Part); 3] =
    [("limit", Part::Limit), ("remaining", Part::Remaining), ("reset", Part::Reset)];

impl Template {
    /// Compiles a header, a sentence or a body against the policy's limits.
    pub fn parse(text: &str, style: Style, limits: &[Limit]) -> Result<Self, TemplateError> {
        let mut segments = Vec::new();
        let mut inside = false;
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let slot = &rest[at + 2..];
            let close = slot.find('}').ok_or(TemplateError::Open(text.len() - rest.len() + at))?;
            push_text(&mut segments, &rest[..at]);
            inside = inside_string(&rest[..at], inside);
            let quoted = style == Style::Json && inside;
            segments.push(Segment::Slot { of: placeholder(&slot[..close], limits)?, quoted });
            rest = &slot[close + 1..];
        }
        push_text(&mut segments, rest);
        let template = Self { style, segments };
        template.is_json()?;
        Ok(template)
    }

    /// The text with its values; `None` when a plain text lacks one of them.
    pub fn render<'a>(&self, value: impl Fn(Placeholder) -> Option<Value<'a>>) -> Option<String> {
        let mut out = String::with_capacity(self.segments.iter().map(Segment::size).sum());
        self.render_into(&mut out, value).then_some(out)
    }

    /// Appends the text with its values. Returns whether it is complete; when it is not, `out` is as before.
    pub fn render_into<'a>(
        &self,
        out: &mut String,
        value: impl Fn(Placeholder) -> Option<Value<'a>>,
    ) -> bool {
        let before = out.len();
        for segment in &self.segments {
            match segment {
                Segment::Text(text) => out.push_str(text),
                Segment::Slot { of, quoted } => match (value(*of), self.style) {
                    (Some(value), Style::Plain) => push_plain(out, value),
                    (Some(value), Style::Header) => push_header(out, value),
                    (None, Style::Plain | Style::Header) => {
                        out.truncate(before);
                        return false;
                    }
                    (value, Style::Json) => push_json(out, value, *quoted),
                },
            }
        }
        true
    }

    /// What the template shows, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Text(_) => None,
            Segment::Slot { of, .. } => Some(*of),
        })
    }

    fn is_json(&self) -> Result<(), TemplateError> {
        if self.style != Style::Json {
            return Ok(());
        }
        let sample = self.render(|_| Some(Value::Int(1))).unwrap_or_default();
        let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_str(&sample);
        parsed.map(drop).map_err(|error| TemplateError::NotJson(error.to_string()))
    }
}

impl Segment {
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Slot { .. } => 12,
        }
    }
}

fn push_text(segments: &mut Vec<Segment>, text: &str) {
    if !text.is_empty() {
        segments.push(Segment::Text(text.into()));
    }
}

/// Whether the end of `text` stands inside a JSON string, given whether its beginning does.
fn inside_string(text: &str, mut inside: bool) -> bool {
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            _ => {}
        }
    }
    inside
}

fn placeholder(name: &str, limits: &[Limit]) -> Result<Placeholder, TemplateError> {
    if let Some((_, known)) = PLACEHOLDERS.iter().find(|(known, _)| *known == name) {
        return Ok(*known);
    }
    // A limit's name may itself have dots, so the part is what follows the last one.
    let part = name.rsplit_once('.').and_then(|(limit, part)| {
        PARTS.iter().find(|(known, _)| *known == part).map(|(_, part)| (limit, *part))
    });
    let (limit, part) = part.ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
    let index = limits.iter().position(|known| known.name.as_str() == limit);
    let index = index.ok_or_else(|| TemplateError::UnknownLimit(name.to_owned()))?;
    Ok(Placeholder::Limit(index, part))
}

fn push_plain(out: &mut String, value: Value<'_>) {
    match value {
        Value::Text(text) => out.push_str(text),
        Value::Int(figure) => out.push_str(itoa::Buffer::new().format(figure)),
    }
}

fn push_header(out: &mut String, value: Value<'_>) {
    match value {
        Value::Text(text) if !text.bytes().all(is_visible) => {
            for byte in text.bytes() {
                if is_visible(byte) {
                    out.push(char::from(byte));
                } else {
                    out.push('%');
                    push_hex(out, byte);
                }
            }
        }
        Value::Text(_) | Value::Int(_) => push_plain(out, value),
    }
}

/// Whether a byte may stand in a header's value.
pub(super) fn is_visible(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

fn push_hex(out: &mut String, byte: u8) {
    let digits = [byte >> 4, byte & 15].into_iter();
    out.extend(
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).map(|digit| digit.to_ascii_uppercase()),
    );
}

fn push_json(out: &mut String, value: Option<Value<'_>>, quoted: bool) {
    match value {
        Some(Value::Int(figure)) => out.push_str(itoa::Buffer::new().format(figure)),
        Some(Value::Text(text)) if quoted => escape(out, text),
        Some(Value::Text(text)) => {
            out.push('"');
            escape(out, text);
            out.push('"');
        }
        None if quoted => {}
        None => out.push_str("null"),
    }
}

fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                out.push_str("\\u00");
                // A control character is below 32.
                push_hex(out, u8::try_from(u32::from(control)).unwrap_or_default());
            }
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(of: Placeholder) -> Option<Value<'static>> {
        match of {
            Placeholder::Reason => Some(Value::Text("a \"b\"\n\u{1}")),
            Placeholder::RetryAfter => Some(Value::Int(7)),
            _ => None,
        }
    }

    fn rendered(text: &str, style: Style) -> Option<String> {
        Template::parse(text, style, &[]).expect("a template").render(values)
    }

    #[test]
    fn a_plain_text_shows_its_values_and_a_lone_dollar() {
        assert_eq!(rendered("$5 in ${retry_after}s", Style::Plain).as_deref(), Some("$5 in 7s"));
    }

    #[test]
    fn a_plain_text_whose_placeholder_has_no_value_is_left_out() {
        assert_eq!(rendered("at ${contact}", Style::Plain), None);
        let mut out = "kept".to_owned();
        let template = Template::parse("${reason}${plan}", Style::Plain, &[]).expect("a template");
        assert!(!template.render_into(&mut out, values));
        assert_eq!(out, "kept");
    }

    #[test]
    fn a_header_never_carries_a_byte_that_could_end_it() {
        let header = Template::parse("at ${endpoint}", Style::Header, &[]).expect("a template");
        let value = |_| Some(Value::Text("a b\r\nX: é"));
        assert_eq!(header.render(value).as_deref(), Some("at a b%0D%0AX: %C3%A9"));
    }

    #[test]
    fn a_body_escapes_inside_strings_and_writes_whole_values_elsewhere() {
        let text = r#"{"a":"<${reason}>","b":${reason},"c":${retry_after},"d":${plan},"e":"${plan}"}"#;
        let body = rendered(text, Style::Json).expect("a body");
        let read: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let hostile = "a \"b\"\n\u{1}";
        let expected =
            serde_json::json!({"a": format!("<{hostile}>"), "b": hostile, "c": 7, "d": null, "e": ""});
        assert_eq!(read, expected);
    }

    #[test]
    fn an_escaped_quote_does_not_end_a_string() {
        assert_eq!(
            rendered(r#"["\"${retry_after}\\",${plan}]"#, Style::Json).as_deref(),
            Some(r#"["\"7\\",null]"#)
        );
    }

    #[test]
    fn a_broken_template_says_why() {
        for (text, style, expected) in [
            ("${code", Style::Plain, TemplateError::Open(0)),
            ("ab${cod}", Style::Plain, TemplateError::Unknown("cod".into())),
            ("${x.limit}", Style::Plain, TemplateError::UnknownLimit("x.limit".into())),
        ] {
            assert_eq!(Template::parse(text, style, &[]), Err(expected));
        }
        let body = Template::parse("{\"a\":${code}", Style::Json, &[]);
        assert!(matches!(body, Err(TemplateError::NotJson(_))), "{body:?}");
    }
}
