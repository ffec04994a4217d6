//! Configuration: a TOML file, then environment variables `COUNTERFOIL_…` (nested names with `__`).

use domain::book::Bounds;
use domain::ids::Name;
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// How the service runs. Command line options override it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address to serve on; port 0 takes any free port.
    pub listen: SocketAddr,
    /// The folder of the log, the snapshots and the secret keys.
    pub data: PathBuf,
    /// Where the log is instead of the folder: the URL of a store.
    pub store: Option<StoreUrl>,
    /// Operators' tokens by name.
    pub operators: BTreeMap<Name, Secret>,
    /// Gateways' tokens by name.
    pub gateways: BTreeMap<Name, Secret>,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<Cidr>,
    /// Refuses plain HTTP: only a trusted proxy that says `X-Forwarded-Proto: https` is answered.
    pub require_https: bool,
    pub bounds: Limits,
}

/// How the variables begin that `bench`, `copy`, the tests and the simulation read.
const OTHERS: [&str; 4] = ["BENCH_", "COPY_", "TEST_", "SIM_"];

/// What the service may take at most.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Commands that wait for the engine; beyond it a request gets 503.
    pub queue: usize,
    /// Open connections; beyond it new ones wait in the system's own queue.
    pub connections: usize,
    /// Request ids that are remembered.
    pub ids: usize,
    /// Decisions that can be settled.
    pub decisions: usize,
    /// Accounts, addresses and the like that are counted.
    pub subjects: usize,
    /// Events after which a snapshot is taken: about as many as a start after a crash may have to fold; 0: one is only
    /// taken when the service stops.
    pub snapshot_every: u64,
}

impl Limits {
    /// The bounds of the book's memory.
    pub fn of_book(&self) -> Bounds {
        Bounds { ids_max: self.ids, decisions_max: self.decisions, subjects_max: self.subjects }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 4_096,
            connections: 10_000,
            ids: 1_000_000,
            decisions: 1_000_000,
            subjects: 10_000_000,
            snapshot_every: 1_000_000,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("data"),
            store: None,
            operators: BTreeMap::new(),
            gateways: BTreeMap::new(),
            trusted_proxies: Vec::new(),
            require_https: false,
            bounds: Limits::default(),
        }
    }
}

impl Config {
    /// Reads the file, if one is given, and the environment.
    ///
    /// # Errors
    /// When the file is missing or a field is unknown or wrong; the error names it.
    pub fn read(file: Option<&Path>) -> Result<Self, Box<figment::Error>> {
        let mut figment = Figment::new();
        if let Some(file) = file {
            let missing = |error| figment::Error::from(format!("{}: {error}", file.display()));
            fs::metadata(file).map_err(missing)?;
            figment = figment.merge(Toml::file_exact(file));
        }
        // What other commands and the tests read is none of a service's settings.
        let of_others = |name: &figment::value::UncasedStr| OTHERS.iter().any(|of| name.starts_with(of));
        let variables = Env::prefixed("COUNTERFOIL_").filter(move |name| !of_others(name)).split("__");
        let config: Self = figment.merge(variables).extract()?;
        config.tokens_differ().map(|()| config).map_err(|error| Box::new(figment::Error::from(error)))
    }

    /// A token says who asks, so no two may be the same.
    fn tokens_differ(&self) -> Result<(), String> {
        let operators = self.operators.iter().map(|(name, token)| (&token.0, format!("operators.{name}")));
        let gateways = self.gateways.iter().map(|(name, token)| (&token.0, format!("gateways.{name}")));
        let mut holders: BTreeMap<&String, String> = BTreeMap::new();
        for (token, holder) in operators.chain(gateways) {
            if let Some(other) = holders.get(token) {
                return Err(format!("{holder} and {other} have the same token; give each one of its own"));
            }
            holders.insert(token, holder);
        }
        Ok(())
    }
}

/// A token that is never printed: 16 to 512 printable ASCII characters.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(String);

impl Secret {
    /// The token in clear, for hashing it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let fits = (16..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(SecretError) }
    }
}

impl TryFrom<String> for Secret {
    type Error = SecretError;

    fn try_from(text: String) -> Result<Self, SecretError> {
        text.parse()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(secret)")
    }
}

/// The URL of a store. Never printed: it may hold a password.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct StoreUrl(String);

impl StoreUrl {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for StoreUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(store)")
    }
}

/// A text that is no token. Does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token must be 16 to 512 printable ASCII characters without spaces")]
pub struct SecretError;

/// A block of addresses, such as `10.0.0.0/8` or `2001:db8::/32`; a bare address is a block of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Whether the address lies in the block. An IPv4 address in IPv6 clothes counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(block), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                shifted(u128::from(block.to_bits()), shift) == shifted(u128::from(address.to_bits()), shift)
            }
            (IpAddr::V6(block), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                shifted(block.to_bits(), shift) == shifted(address.to_bits(), shift)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn shifted(bits: u128, shift: u32) -> u128 {
    bits.checked_shr(shift).unwrap_or(0)
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| CidrError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| CidrError)?;
        if bits > most { Err(CidrError) } else { Ok(Self { address, bits }) }
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Self, CidrError> {
        text.parse()
    }
}

/// A text that is no block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address, or an address and a prefix length such as 10.0.0.0/8")]
pub struct CidrError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_have_the_same_token() {
        let token = |text: &str| text.parse::<Secret>().expect("a token");
        let name = |text: &str| text.parse::<Name>().expect("a name");
        let mut config = Config::default();
        config.operators.insert(name("ann"), token("0123456789abcdef"));
        config.gateways.insert(name("edge"), token("0123456789abcdeF"));
        assert_eq!(config.tokens_differ(), Ok(()));
        config.gateways.insert(name("old"), token("0123456789abcdef"));
        let told = config.tokens_differ().expect_err("the same token");
        assert_eq!(told, "gateways.old and operators.ann have the same token; give each one of its own");
    }

    #[test]
    fn a_block_holds_the_addresses_that_share_its_prefix() {
        for (block, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "10.0.0.1", false),
        ] {
            let block: Cidr = block.parse().expect("a block");
            assert_eq!(block.contains(address.parse().expect("an address")), inside, "{block:?} {address}");
        }
    }

    #[test]
    fn a_text_that_is_no_block_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "10.0.0.0/"] {
            assert_eq!(text.parse::<Cidr>(), Err(CidrError), "{text}");
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secret: Secret = "0123456789abcdef".parse().expect("a token");
        assert_eq!(format!("{secret:?}"), "(secret)");
        let store = StoreUrl::from("kurrentdb://ann:hidden@host/book".to_owned());
        assert_eq!(format!("{store:?}"), "(store)");
        assert_eq!("short".parse::<Secret>().map(drop), Err(SecretError));
    }
}
