//! Where personal values lose their clear form: hashed for counting, encrypted for the log.

use super::error::Problem;
use super::ports::Sealing;
use domain::command::Hidden;
use domain::ids::{Digest, HashKey, Name};
use domain::policy::Policy;
use domain::time::Timestamp;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// One value of a subject of bans.
pub(crate) enum BanValue {
    /// An account, key or owner.
    Name(Name),
    /// An address or an end user.
    Hash(Digest),
}

/// Hashes and encrypts what must not stand in the log in clear.
pub struct Edge {
    key: HashKey,
    sealing: Arc<dyn Sealing>,
    /// Bits of an IPv6 address that count as one caller, by the policy in force.
    prefix: AtomicU8,
}

impl Edge {
    pub fn new(key: HashKey, sealing: Arc<dyn Sealing>) -> Self {
        Self { key, sealing, prefix: AtomicU8::new(64) }
    }

    /// Learns what a policy says about addresses.
    pub(crate) fn follow(&self, policy: &Policy) {
        // Usually the same again: a read of a shared line is cheaper than a write.
        if self.prefix.load(Ordering::Relaxed) != policy.callers.ipv6_prefix {
            self.prefix.store(policy.callers.ipv6_prefix, Ordering::Relaxed);
        }
    }

    /// A personal text.
    pub(crate) fn hide(&self, text: &str) -> Result<Hidden, Problem> {
        Ok(Hidden { digest: self.digest(text), sealed: self.seal(text)? })
    }

    /// An address: counted by its prefix, kept whole.
    pub(crate) fn ip(&self, ip: IpAddr) -> Result<Hidden, Problem> {
        let whole = ip.to_string();
        let digest = if self.counted(ip) == ip { self.digest(&whole) } else { self.ip_digest(ip) };
        Ok(Hidden { digest, sealed: self.seal(&whole)? })
    }

    /// The hash by which an address is counted.
    pub(crate) fn ip_digest(&self, ip: IpAddr) -> Digest {
        self.digest(&self.counted(ip).to_string())
    }

    /// The hash that stands for a personal text.
    pub(crate) fn digest(&self, text: &str) -> Digest {
        self.key.digest([text.as_bytes()])
    }

    /// 64 bits that tell one request's content from another's.
    pub(crate) fn fingerprint<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
        let Digest(bits) = self.key.digest(parts);
        #[expect(clippy::cast_possible_truncation, reason = "half of the hash is the fingerprint")]
        let half = bits as u64;
        half
    }

    /// The clear value of a sealed one, as long as its key exists.
    pub(crate) fn open(&self, sealed: &str, at: Timestamp) -> Option<String> {
        self.sealing.open(sealed, at)
    }

    /// The hash of a subject of bans: what it is by, and the values.
    pub(crate) fn ban(&self, values: &[BanValue]) -> Digest {
        let mut hasher = self.key.hasher();
        hasher.part(b"ban");
        for value in values {
            match value {
                BanValue::Name(name) => hasher.part(name.as_str().as_bytes()),
                BanValue::Hash(digest) => hasher.part(&digest.0.to_be_bytes()),
            }
        }
        hasher.finish()
    }

    /// The address whose requests count together with this one's.
    pub(crate) fn counted(&self, ip: IpAddr) -> IpAddr {
        match ip.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let host = 128 - u32::from(self.prefix.load(Ordering::Relaxed).min(128));
                let mask = u128::MAX.checked_shl(host).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
        }
    }

    fn seal(&self, text: &str) -> Result<Arc<str>, Problem> {
        self.sealing.seal(text).map_err(|error| {
            tracing::error!(%error, "no personal value can be encrypted");
            Problem::sealing()
        })
    }
}
