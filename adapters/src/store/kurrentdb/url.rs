//! Where a book is kept, as its URL says: `kurrentdb://user:password@host:2113/NAME?tls=true`.

use eventstore::{ClientSettings, ClientSettingsParseError, Credentials};
use std::fmt;
use std::str::FromStr;

/// The schemes of a server's URL; with `+discover` the host names a whole cluster in DNS.
const SCHEMES: [&str; 4] = ["kurrentdb", "kurrentdb+discover", "esdb", "esdb+discover"];

/// What holds unless the URL says otherwise: the client waits so many milliseconds (500 of its own accord) before it
/// connects, even the first time.
const DEFAULTS: &str = "discoveryInterval=20";

/// A server or a cluster, whom to log in as, and the book's name there. Shown without the password.
#[derive(Clone)]
pub struct KurrentUrl {
    pub(super) settings: ClientSettings,
    pub(super) login: Option<Credentials>,
    /// The stream that is the book.
    pub(super) stream: String,
    shown: String,
}

impl KurrentUrl {
    /// Whether a text is meant to be one.
    pub fn is_meant(text: &str) -> bool {
        text.split_once("://").is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
    }
}

impl FromStr for KurrentUrl {
    type Err = KurrentUrlError;

    fn from_str(text: &str) -> Result<Self, KurrentUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(KurrentUrlError::Scheme)?;
        if !SCHEMES.contains(&scheme) {
            return Err(KurrentUrlError::Scheme);
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, hosts) = place.rsplit_once('@').map_or((None, place), |(user, rest)| (Some(user), rest));
        let (hosts, name) = hosts.split_once('/').ok_or(KurrentUrlError::Name)?;
        if !is_name(name) {
            return Err(KurrentUrlError::Name);
        }
        // The client reads a path as more hosts and shows a URL that it cannot read: it gets neither name nor password.
        let settings = |user: &str| format!("{scheme}://{user}{hosts}?{DEFAULTS}&{query}").parse();
        let failed = |error: ClientSettingsParseError| KurrentUrlError::Server(error.message().to_owned());
        let mut client: ClientSettings = settings("").map_err(failed)?;
        // Our own requests carry the login. For asking who leads, the client can only take it from a URL, and does not
        // decode it there; few servers want one for that.
        if let Some(user) = user.filter(|user| is_plain(user)) {
            client = settings(&format!("{user}@")).unwrap_or(client);
        }
        let login = user.map(login).transpose()?;
        let shown = format!("{scheme}://{hosts}/{name}");
        Ok(Self { settings: client, login, stream: format!("counterfoil-{name}"), shown })
    }
}

fn is_name(name: &str) -> bool {
    (1..=100).contains(&name.len()) && !name.contains(':') && is_plain(name)
}

/// Whether every URL library leaves it as it is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte))
}

fn login(user: &str) -> Result<Credentials, KurrentUrlError> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let decoded = |text| decoded(text).ok_or(KurrentUrlError::Login);
    Ok(Credentials::new(decoded(name)?, decoded(password)?))
}

/// The text with its `%40` and the like as what they stand for.
fn decoded(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for KurrentUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

impl fmt::Debug for KurrentUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

/// A text that is no URL of a book. Repeats nothing that may be a password.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KurrentUrlError {
    #[error("the URL must begin with kurrentdb:// or esdb://, or with kurrentdb+discover://")]
    Scheme,
    #[error(
        "the URL must end with the book's name, as in kurrentdb://host:2113/NAME: up to 100 letters, digits, . _ -"
    )]
    Name,
    #[error("the user and password of the URL cannot be read: write @ as %40, / as %2F, % as %25")]
    Login,
    #[error("the server in the URL cannot be read: {0}")]
    Server(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_the_servers_the_login_and_the_stream() {
        let url: KurrentUrl = "kurrentdb://ann:p%40ss%2F@one:1,two:2/main?tls=false".parse().expect("a URL");
        let hosts: Vec<_> = url.settings.hosts().iter().map(|host| (&*host.host, host.port)).collect();
        assert_eq!(hosts, [("one", 1), ("two", 2)]);
        assert!(!url.settings.is_secure_mode_enabled());
        assert_eq!(url.login, Some(Credentials::new("ann", "p@ss/")));
        assert_eq!(*url.settings.default_authenticated_user(), None, "it would send the password undecoded");
        assert_eq!(url.stream, "counterfoil-main");
    }

    #[test]
    fn connections_are_encrypted_unless_the_url_says_otherwise() {
        let url: KurrentUrl = "esdb+discover://cluster.example/main".parse().expect("a URL");
        assert!(url.settings.is_secure_mode_enabled() && url.settings.is_dns_discovery_enabled());
        assert_eq!(url.login, None);
        let url: KurrentUrl = "kurrentdb://ann:secret@one/main".parse().expect("a URL");
        assert_eq!(*url.settings.default_authenticated_user(), url.login);
    }

    #[test]
    fn the_password_is_never_shown() {
        let url: KurrentUrl = "kurrentdb://ann:hidden@host:2113/main".parse().expect("a URL");
        assert_eq!(format!("{url} {url:?}"), "kurrentdb://host:2113/main kurrentdb://host:2113/main");
        for text in ["kurrentdb://ann:hidden@ho st/main", "kurrentdb://ann:hidden@host:x/main"] {
            let error = text.parse::<KurrentUrl>().expect_err("no URL");
            assert!(!format!("{error} {error:?}").contains("hidden"), "{error:?}");
        }
    }

    #[test]
    fn a_text_that_is_no_url_says_what_is_missing() {
        for (text, error) in [
            ("data", KurrentUrlError::Scheme),
            ("postgres://host/main", KurrentUrlError::Scheme),
            ("kurrentdb://host:2113", KurrentUrlError::Name),
            ("kurrentdb://host:2113/", KurrentUrlError::Name),
            ("kurrentdb://host:2113/a/b", KurrentUrlError::Name),
            ("kurrentdb://ann:50%@host/main", KurrentUrlError::Login),
        ] {
            assert_eq!(text.parse::<KurrentUrl>().map(drop), Err(error), "{text}");
        }
    }
}
