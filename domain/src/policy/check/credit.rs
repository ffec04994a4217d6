//! Mistakes in prices and credit.

use super::Faults;
use crate::ids::Name;
use crate::ledger::Overdraft;
use crate::money::Credits;
use crate::policy::places::{element, member};
use crate::policy::{AttributeKind, ChargeAt, CreditRules, OnExpiry};
use crate::pricing::{Charge, EndpointPrice, Fault as PriceFault, HoldBy, ListError, PriceList};

impl Faults<'_> {
    pub(super) fn credit(&mut self) {
        match (&self.policy.credit, &self.policy.prices) {
            (Some(rules), Some(prices)) => {
                self.together(rules, prices);
                self.rules(rules);
                self.prices(prices);
            }
            (Some(rules), None) => {
                self.add("credit", "nothing has a price", "add [prices], or take [credit] out");
                self.rules(rules);
            }
            (None, Some(prices)) => {
                self.add("prices", "nothing is ever charged", "add [credit], or take [prices] out");
                self.prices(prices);
            }
            (None, None) => {}
        }
    }

    /// Whether what is held can pay for what is charged.
    pub(super) fn together(&mut self, rules: &CreditRules, prices: &PriceList) {
        let variable = !attributes(prices).is_empty();
        if prices.hold == HoldBy::Estimate && !variable {
            let remedy = "use hold = \"base\", or price an attribute";
            self.add(
                "prices.hold",
                "no price depends on an attribute, so there is nothing to estimate",
                remedy,
            );
        }
        if rules.charge != ChargeAt::Settle && prices.hold == HoldBy::Base && variable {
            let remedy = "use hold = \"estimate\", or charge = \"settle\"";
            self.add(
                "prices.hold",
                "holds only the base, but the full price is charged before the settle",
                remedy,
            );
        }
    }

    fn rules(&mut self, rules: &CreditRules) {
        self.longer_than_nothing("credit.hold_for", rules.hold_for);
        self.longer_than_nothing("credit.refund_validity", rules.refund_validity);
        for (kind, span) in &rules.validity {
            let name = serde_json::to_value(kind).ok();
            let name = name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
            self.longer_than_nothing(format!("credit.validity.{name}"), *span);
        }
        let retention = self.policy.requests.retention;
        if rules.hold_for > retention {
            let what = format!("{} is longer than decisions are kept, {retention}", rules.hold_for);
            self.add("credit.hold_for", what, "make it shorter, or requests.retention longer");
        }
        if rules.charge == ChargeAt::Admission && rules.on_expiry == OnExpiry::Charge {
            let remedy = "take `on_expiry` out, or charge at `settle`";
            self.add("credit.on_expiry", "all is charged at admission; nothing is left to charge", remedy);
        }
        self.overdraft(rules);
        if rules.outcomes.succeeded == Charge::Refund {
            let remedy = "use \"all\", \"base\", \"none\", { percent = … } or { fixed = … }";
            self.add("credit.outcomes.succeeded", "a success is never paid back", remedy);
        }
    }

    fn overdraft(&mut self, rules: &CreditRules) {
        if rules.overdraft != Overdraft::None && rules.charge != ChargeAt::Settle {
            let remedy = "use charge = \"settle\", or take `overdraft` out";
            self.add("credit.overdraft", "only a charge at the settle can overdraw", remedy);
        }
        if let Overdraft::ToFloor(floor) = rules.overdraft
            && floor >= Credits::ZERO
        {
            let remedy = "give a figure below zero, such as \"-100\", or \"none\"";
            self.add("credit.overdraft", "lets no account below zero", remedy);
        }
    }

    pub(super) fn prices(&mut self, prices: &PriceList) {
        if prices.endpoints.is_empty() && prices.default.is_none() {
            let remedy = "add [prices.endpoints] or prices.default";
            self.add("prices", "no endpoint has a price, so every request is refused", remedy);
        }
        for list in pieces(prices) {
            if let Err(error) = list.check() {
                self.price(&error);
            }
        }
        for (field, name, number) in attributes(prices) {
            self.priced(field, name, number);
        }
        let mut patterns: Vec<&String> = prices.endpoints.keys().filter(|path| path.contains('*')).collect();
        patterns.sort();
        for path in patterns {
            let remedy = "name each path, or price the rest by prices.default";
            self.add(
                format!("prices.endpoints.{path}"),
                "is no pattern here: prices match exact paths",
                remedy,
            );
        }
        let strip = &self.policy.strip;
        let mut stripped: Vec<&String> = prices.endpoints.keys().collect();
        stripped.retain(|endpoint| !strip.is_empty() && endpoint.starts_with(strip));
        stripped.sort();
        for endpoint in stripped {
            let remedy = format!("leave `{strip}` out: it is taken off before");
            self.add(
                format!("prices.endpoints.{endpoint}"),
                "begins with what `strip` takes off, so it is never asked for",
                remedy,
            );
        }
    }

    fn price(&mut self, error: &ListError) {
        let place = match error.place.as_str() {
            "list" => "prices".to_owned(),
            "default" => "prices.default".to_owned(),
            endpoint => format!("prices.endpoints.{endpoint}"),
        };
        let (part, remedy) = match &error.fault {
            PriceFault::FreeButPriced => ("free", "take `free` out, or the prices"),
            PriceFault::ZeroUnit => ("per", "give the size of a unit, such as 1000"),
            PriceFault::InexactUnit { .. } => ("per", "use 1, 10, 100 …, or counting = \"started\""),
            PriceFault::NoTiers => ("size", "add tiers = [{ up_to = 500, price = 1 }], or `beyond`"),
            PriceFault::TierOrder => ("size.tiers", "order the tiers by `up_to`, smallest first"),
            PriceFault::BeyondGap { .. } => ("size.beyond.from", "let it be the last tier's `up_to`"),
            PriceFault::NoRows => ("by.rows", "add rows = [{ labels = [\"…\"], price = 1 }]"),
            PriceFault::RowWidth { .. } => ("by.rows", "give one label for each of `attributes`"),
            PriceFault::RowTwice { .. } => ("by.rows", "keep one of the rows"),
            PriceFault::Markup => ("markup", "give a factor such as \"1.5\""),
        };
        self.add(member(&place, part), error.fault.to_string(), remedy);
    }

    /// A priced attribute must be declared, as a number or as a label.
    fn priced(&mut self, field: String, name: &str, number: bool) {
        let Ok(name) = name.parse::<Name>() else {
            let remedy = "use 1 to 64 of A-Z a-z 0-9 . _ -";
            return self.add(field, format!("`{name}` cannot be the name of an attribute"), remedy);
        };
        if number {
            return self.number(field, &name);
        }
        match self.policy.attributes.get(&name) {
            Some(AttributeKind::Label | AttributeKind::Number) => {}
            Some(AttributeKind::Personal) => {
                let remedy = format!("declare {name} = \"label\" under [attributes]");
                self.add(field, format!("`{name}` is personal, so no price may show it"), remedy);
            }
            None => self.undeclared(field, &name, "\"label\""),
        }
    }
}

/// The list in parts that can be checked one by one, since a check stops at its first mistake.
fn pieces(prices: &PriceList) -> Vec<PriceList> {
    let whole = PriceList { default: None, endpoints: crate::map::Map::default(), ..prices.clone() };
    let default = PriceList { default: prices.default.clone(), ..PriceList::default() };
    let mut endpoints: Vec<_> = prices.endpoints.iter().collect();
    endpoints.sort_by_key(|(endpoint, _)| *endpoint);
    let single = endpoints.into_iter().map(|(endpoint, price)| PriceList {
        endpoints: std::iter::once((endpoint.clone(), price.clone())).collect(),
        ..PriceList::default()
    });
    [whole, default].into_iter().chain(single).collect()
}

/// Every attribute that a price depends on: its field, its name, and whether it is a number.
fn attributes(prices: &PriceList) -> Vec<(String, &str, bool)> {
    let mut found = Vec::new();
    if let Some(size) = &prices.size {
        found.push(("prices.size.attribute".to_owned(), size.attribute.as_str(), true));
    }
    for (index, unit) in prices.per.iter().enumerate() {
        found.push((element("prices.per", index) + ".attribute", unit.attribute.as_str(), true));
    }
    if let Some(default) = &prices.default {
        of_endpoint("prices.default", default, &mut found);
    }
    let mut endpoints: Vec<_> = prices.endpoints.iter().collect();
    endpoints.sort_by_key(|(endpoint, _)| *endpoint);
    for (endpoint, price) in endpoints {
        of_endpoint(&format!("prices.endpoints.{endpoint}"), price, &mut found);
    }
    found
}

fn of_endpoint<'p>(field: &str, price: &'p EndpointPrice, found: &mut Vec<(String, &'p str, bool)>) {
    if let Some(size) = &price.size {
        found.push((format!("{field}.size.attribute"), &size.attribute, true));
    }
    for (index, unit) in price.per.iter().enumerate() {
        found.push((element(&format!("{field}.per"), index) + ".attribute", &unit.attribute, true));
    }
    let Some(table) = &price.by else { return };
    for (index, name) in table.attributes.iter().enumerate() {
        found.push((element(&format!("{field}.by.attributes"), index), name, false));
    }
    if let Some(times) = &table.times {
        found.push((format!("{field}.by.times.attribute"), &times.attribute, true));
    }
}
