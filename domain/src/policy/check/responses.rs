//! Mistakes in the provider's wording.

use super::{Faults, listed};
use crate::policy::template::{PLACEHOLDERS, Placeholder, Style, Template, TemplateError, is_visible};
use crate::policy::{Kind, Wording};

/// Headers that frame a message and are never a provider's to word.
const FRAMING: [&str; 6] =
    ["connection", "content-length", "date", "keep-alive", "transfer-encoding", "upgrade"];

impl Faults<'_> {
    pub(super) fn responses(&mut self) {
        for (kind, wording) in &self.policy.responses {
            let field = format!("responses.{}", kind.name());
            self.status(&field, *kind, wording.status);
            self.code(&field, wording);
            self.headers(&field, *kind, wording);
            if let Some(message) = &wording.message {
                self.message(&format!("{field}.message"), *kind, message);
            }
            if let Some(body) = &wording.body {
                self.template(&format!("{field}.body"), *kind, body, Style::Json);
            }
        }
    }

    fn status(&mut self, field: &str, kind: Kind, status: Option<u16>) {
        let allowed = if kind.is_allowed() { 200..=299 } else { 400..=599 };
        if let Some(status) = status.filter(|status| !allowed.contains(status)) {
            let remedy = format!("give {} to {}", allowed.start(), allowed.end());
            self.add(format!("{field}.status"), format!("{status} does not say that"), remedy);
        }
    }

    fn code(&mut self, field: &str, wording: &Wording) {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if wording.code.as_ref().is_some_and(|code| code.is_empty() || !code.bytes().all(fits)) {
            let remedy = "use A-Z a-z 0-9 . _ -, as in \"RATE_LIMITED\"";
            self.add(format!("{field}.code"), "is no code for machines", remedy);
        }
    }

    fn headers(&mut self, field: &str, kind: Kind, wording: &Wording) {
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in &wording.headers {
            let field = format!("{field}.headers.{name}");
            let lower = name.to_ascii_lowercase();
            if name.is_empty() || !name.bytes().all(is_token) {
                self.add(&field, format!("`{name}` is no header name"), "use letters, digits and `-`");
            } else if FRAMING.contains(&lower.as_str()) {
                self.add(&field, format!("`{name}` frames the message"), "leave it to the gateway");
            } else if seen.contains(&lower) {
                self.add(&field, format!("`{name}` is there in another case"), "name each header once");
            }
            if !value.bytes().all(is_visible) {
                self.add(&field, "has characters that a header may not have", "use visible ASCII");
            }
            self.template(&field, kind, value, Style::Header);
            seen.push(lower);
        }
    }

    fn message(&mut self, field: &str, kind: Kind, message: &str) {
        self.says_something(field, message);
        self.template(field, kind, message, Style::Plain);
        if message.contains("${message}") {
            self.add(field, "speaks of itself", "take `${message}` out of the message");
        }
    }

    fn template(&mut self, field: &str, kind: Kind, text: &str, style: Style) {
        match Template::parse(text, style, &self.policy.limits) {
            Ok(template) => {
                for (name, placeholder) in PLACEHOLDERS {
                    let shown = template.placeholders().any(|shown| shown == placeholder);
                    if shown && style != Style::Json && !has_value(kind, placeholder) {
                        let what = format!("`${{{name}}}` never has a value in `{}`", kind.name());
                        self.add(field, what, "take it out: the text would always be left out");
                    }
                }
            }
            Err(error) => {
                let remedy = self.template_remedy(&error);
                self.add(field, error.to_string(), remedy);
            }
        }
    }

    fn template_remedy(&self, error: &TemplateError) -> String {
        let words = PLACEHOLDERS.map(|(name, _)| format!("${{{name}}}")).join(" ");
        let limits: Vec<&str> = self.policy.limits.iter().map(|limit| limit.name.as_str()).collect();
        match error {
            TemplateError::Open(_) => "close the placeholder with `}`".to_owned(),
            TemplateError::Unknown(_) => {
                format!("use {words}, or ${{LIMIT.limit}} ${{LIMIT.remaining}} ${{LIMIT.reset}}")
            }
            TemplateError::UnknownLimit(_) => format!("use the name of one of: {}", listed(&limits)),
            TemplateError::NotJson(_) => "write a JSON document".to_owned(),
        }
    }
}

/// Whether an answer of this kind can ever show this.
fn has_value(kind: Kind, placeholder: Placeholder) -> bool {
    match placeholder {
        Placeholder::RetryAfter => {
            matches!(kind, Kind::Banned | Kind::Suspended | Kind::RateLimited | Kind::QueueFull)
        }
        Placeholder::Reason => kind != Kind::Allowed,
        Placeholder::Gate => !matches!(kind, Kind::Allowed | Kind::Unauthenticated),
        Placeholder::StatusReason => kind == Kind::Limited,
        Placeholder::Code
        | Placeholder::Message
        | Placeholder::Contact
        | Placeholder::Plan
        | Placeholder::Endpoint
        | Placeholder::Limit(..) => true,
    }
}

/// Whether a byte may stand in a header's name (RFC 9110, `tchar`).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
