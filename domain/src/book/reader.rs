//! Somebody who asks how he stands, and sends no request.

use crate::account::Account;
use crate::event::Facts;
use crate::policy::{Mode, Policy};

/// The facts of a request as he would send it: its key's mode, and the endpoint by the policy's name for it.
#[must_use]
pub fn facts(mut facts: Facts, policy: &Policy, account: Option<&Account>) -> Facts {
    let key = account.zip(facts.key.as_ref()).and_then(|(account, key)| account.key(key));
    facts.mode = key.map_or(Mode::Live, |key| key.mode);
    if let Some(name) = facts.endpoint.strip_prefix(policy.strip.as_str()) {
        facts.endpoint = name.into();
    }
    facts
}
