//! Prices and credit.

use super::words::{list, span};
use crate::ledger::Overdraft;
use crate::policy::{ChargeAt, Kind, OnExpiry, Policy};
use crate::pricing::{
    Beyond, Charge, Counting, EndpointPrice, Figure, HoldBy, PerUnit, PriceList, SizePrice, Table,
};

impl Policy {
    /// The credit gate, as the last of the gates.
    pub(super) fn hold_in_words(&self) -> Option<String> {
        let (Some(_), Some(prices)) = (&self.credit, &self.prices) else { return None };
        let hold = match prices.hold {
            HoldBy::Base => "the endpoint's base price",
            HoldBy::Estimate => "the full price by what the request says of itself",
        };
        let status = self.status(Kind::InsufficientCredits);
        Some(format!("Credit: {hold} is held; less available: {status}."))
    }

    pub(super) fn credit_in_words(&self) -> Vec<String> {
        let Some(rules) = &self.credit else { return Vec::new() };
        let when = match rules.charge {
            ChargeAt::Admission => "when the request is admitted",
            ChargeAt::Begin => "when the work begins",
            ChargeAt::Settle => "when the outcome is told",
        };
        let expiry = match rules.on_expiry {
            OnExpiry::Release => "is released",
            OnExpiry::Charge => "is charged",
        };
        let outcomes = [
            ("succeeded", rules.outcomes.succeeded),
            ("client error", rules.outcomes.client_error),
            ("system error", rules.outcomes.system_error),
            ("cancelled", rules.outcomes.cancelled),
        ];
        let mut lines = vec![format!("Charged {when}.")];
        lines.extend(
            outcomes.map(|(outcome, charge)| format!("Outcome {outcome}: {}.", costs(charge, rules.charge))),
        );
        lines.push(format!("A hold without an outcome {expiry} after {}.", span(rules.hold_for)));
        lines.push(match rules.overdraft {
            Overdraft::None => "No charge takes an account below zero.".to_owned(),
            Overdraft::ToFloor(floor) => {
                format!("A settle may take an account down to {floor} credits.")
            }
            Overdraft::Unlimited => "A settle may take an account below zero, without a floor.".to_owned(),
        });
        let kind = |(kind, lasts): (&crate::ledger::LotKind, &crate::time::Span)| {
            format!("{kind:?} credit lasts {}.", span(*lasts))
        };
        lines.extend(rules.validity.iter().map(kind));
        let debt = if rules.promotions_repay_debt {
            "Promotional credit, too, pays"
        } else {
            "Only other than promotional credit pays"
        };
        lines.push(format!("{debt} debt back."));
        lines.push(format!("What is refunded to expired credit lasts {}.", span(rules.refund_validity)));
        lines
    }

    pub(super) fn prices_in_words(&self) -> Vec<String> {
        self.prices.as_ref().map(price_list).unwrap_or_default()
    }
}

fn costs(charge: Charge, at: ChargeAt) -> String {
    let before = at != ChargeAt::Settle;
    match charge {
        Charge::All => "costs the full price".to_owned(),
        Charge::None | Charge::Refund if !before => "costs nothing".to_owned(),
        Charge::None => "costs nothing more; what was charged stays charged".to_owned(),
        Charge::Base => "costs the base price".to_owned(),
        Charge::Percent(percent) => format!("costs {percent} % of the full price"),
        Charge::Fixed(figure) => format!("costs {figure}"),
        Charge::Refund => "costs nothing; what was charged is given back".to_owned(),
    }
}

fn price_list(prices: &PriceList) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(
        prices.size.as_ref().map(|size| format!("Size, unless an endpoint says else: {}.", by_size(size))),
    );
    lines.extend(prices.per.iter().map(|unit| format!("Unless an endpoint says else: {}.", by_unit(unit))));
    lines.extend(prices.minimum.map(|least| format!("A request that costs, costs at least {least}.")));
    if prices.markup != Figure::whole(1) {
        lines.push(format!("Every price × {}.", prices.markup));
    }
    let mut endpoints: Vec<_> = prices.endpoints.iter().collect();
    endpoints.sort_by_key(|(endpoint, _)| *endpoint);
    lines.extend(
        endpoints.into_iter().map(|(endpoint, price)| format!("`{endpoint}`: {}.", by_endpoint(price))),
    );
    lines.push(match &prices.default {
        Some(price) => format!("Every other endpoint: {}.", by_endpoint(price)),
        None => "Every other endpoint has no price and is refused.".to_owned(),
    });
    lines
}

fn by_endpoint(price: &EndpointPrice) -> String {
    if price.free {
        return "free".to_owned();
    }
    let varies = price.by.is_some() || price.size.is_some() || !price.per.is_empty();
    let mut parts = Vec::new();
    if !price.base.is_zero() || !varies {
        parts.push(format!("base {}", price.base));
    }
    parts.extend(price.by.as_ref().map(by_labels));
    parts.extend(price.size.as_ref().map(by_size));
    parts.extend(price.per.iter().map(by_unit));
    parts.extend(price.minimum.map(|least| format!("at least {least}")));
    if price.flat {
        parts.push("whatever its size".to_owned());
    }
    parts.join(", ")
}

fn by_size(size: &SizePrice) -> String {
    let tiers = size.tiers.iter().map(|tier| format!("up to {}: {}", tier.up_to, tier.price));
    let parts: Vec<String> = tiers.chain(size.beyond.as_ref().map(beyond)).collect();
    format!("`{}` {}", size.attribute, parts.join("; "))
}

fn beyond(beyond: &Beyond) -> String {
    let Beyond { base, price, per, from, counting } = beyond;
    format!("beyond: {base} + {price} per {}{per} above {from}", counted(*counting))
}

fn by_unit(unit: &PerUnit) -> String {
    format!("{} per {}{} of `{}`", unit.price, counted(unit.counting), unit.per, unit.attribute)
}

fn by_labels(table: &Table) -> String {
    let rows: Vec<String> =
        table.rows.iter().map(|row| format!("{}: {}", row.labels.join(" "), row.price)).collect();
    let times = table.times.as_ref();
    let times = times.map_or(String::new(), |times| {
        format!(" per {}{} of `{}`", counted(times.counting), times.per, times.attribute)
    });
    format!("by {}{times} ({})", list(&table.attributes), rows.join("; "))
}

fn counted(counting: Counting) -> &'static str {
    match counting {
        Counting::Exact => "",
        Counting::Started => "started ",
        Counting::Full => "full ",
    }
}
