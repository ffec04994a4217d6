//! Which column, or which constant, each field of a request is taken from.

use super::args::{Format, Pair, SimulateArgs};
use super::columns::Columns;
use super::line;
use domain::ids::Name;
use domain::money::Credits;
use domain::policy::{AttributeKind, Policy};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A field of a request, in the order in which help lists them.
pub(super) const FIELDS: [&str; 9] =
    ["at", "ip", "account", "key", "endpoint", "channel", "end_user", "units", "outcome"];
/// What is said of an account, not of a line.
const OF_ACCOUNTS: [&str; 2] = ["grant", "plan"];

/// Where a text comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Source {
    Column(String),
    Value(String),
}

impl Source {
    fn text<'a>(&'a self, columns: &'a dyn Columns) -> Option<Cow<'a, str>> {
        match self {
            Self::Column(name) => columns.column(name),
            Self::Value(value) => Some(Cow::Borrowed(value)),
        }
    }
}

/// Where everything comes from that a line can tell.
pub(super) struct Mapping {
    fields: BTreeMap<String, Source>,
    attributes: Vec<(Name, AttributeOf)>,
    /// What each account is given before the first line.
    pub(super) grant: Option<Credits>,
    /// The plan that accounts are opened with; the policy's own choice unless set.
    pub(super) plan: Option<Name>,
}

struct AttributeOf {
    source: Source,
    kind: Option<AttributeKind>,
}

impl Mapping {
    /// Takes the command line's `--map` and `--set`, and what the policy says of attributes.
    pub(super) fn new(args: &SimulateArgs, policy: &Policy) -> Result<Self, String> {
        let mut mapping = Self { fields: BTreeMap::new(), attributes: Vec::new(), grant: None, plan: None };
        for pair in &args.map {
            if OF_ACCOUNTS.contains(&pair.field.as_str()) {
                return Err(format!("--map {}: is said of accounts, so it can only be set", pair.field));
            }
            mapping.add(pair, Source::Column(pair.text.clone()), policy)?;
        }
        for pair in &args.set {
            mapping.set(pair, policy).map_err(|error| format!("--set {}: {error}", pair.field))?;
        }
        Ok(mapping)
    }

    fn set(&mut self, pair: &Pair, policy: &Policy) -> Result<(), String> {
        match pair.field.as_str() {
            "grant" => {
                let amount: Credits = pair.text.parse().map_err(|error| format!("{error}"))?;
                self.grant = Some(Credits::positive(amount.decimal()).map_err(|error| format!("{error}"))?);
            }
            "plan" => {
                let plan: Name = pair.text.parse().map_err(|error| format!("{error}"))?;
                if !policy.plans.contains_key(&plan) {
                    return Err(format!(
                        "the policy has no plan `{plan}`; it has {}",
                        listed(policy.plans.keys())
                    ));
                }
                self.plan = Some(plan);
            }
            field => {
                line::check(field, &pair.text)?;
                self.add(pair, Source::Value(pair.text.clone()), policy)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, pair: &Pair, source: Source, policy: &Policy) -> Result<(), String> {
        let twice = || format!("`{}` is mapped or set twice", pair.field);
        if FIELDS.contains(&pair.field.as_str()) {
            return match self.fields.insert(pair.field.clone(), source) {
                Some(_) => Err(twice()),
                None => Ok(()),
            };
        }
        let name: Name =
            pair.field.parse().map_err(|error| format!("the attribute `{}` {error}", pair.field))?;
        if self.attributes.iter().any(|(known, _)| *known == name) {
            return Err(twice());
        }
        let kind = policy.attributes.get(&name).copied();
        self.attributes.push((name, AttributeOf { source, kind }));
        // The engine takes attributes sorted by name.
        self.attributes.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(())
    }

    /// The text of a field; of the column of its own name unless mapped or set.
    pub(super) fn text<'a>(&'a self, field: &'static str, columns: &'a dyn Columns) -> Option<Cow<'a, str>> {
        match self.fields.get(field) {
            Some(source) => source.text(columns),
            None => columns.column(field),
        }
    }

    /// The attributes that a line has, sorted by name.
    pub(super) fn attributes<'a>(
        &'a self,
        columns: &'a dyn Columns,
    ) -> impl Iterator<Item = (&'a Name, Option<AttributeKind>, Cow<'a, str>)> {
        let texts = self.attributes.iter().map(|(name, of)| (name, of.kind, of.source.text(columns)));
        texts.filter_map(|(name, kind, text)| Some((name, kind, text?)))
    }

    /// Checks that a header has every column that is needed.
    pub(super) fn fits(&self, header: &[&str]) -> Result<(), String> {
        let sources = self.fields.values().chain(self.attributes.iter().map(|(_, of)| &of.source));
        for source in sources {
            match source {
                Source::Column(column) if !header.contains(&column.as_str()) => {
                    return Err(format!("there is no column `{column}`; the columns are {}", listed(header)));
                }
                Source::Column(_) | Source::Value(_) => {}
            }
        }
        for field in ["at", "endpoint"] {
            if !self.fields.contains_key(field) && !header.contains(&field) {
                let columns = listed(header);
                return Err(format!("no column is named `{field}`: use --map {field}=COLUMN, of {columns}"));
            }
        }
        Ok(())
    }
}

/// The columns that a format always has; none where each line may differ.
pub(super) fn known_columns(format: Format) -> Option<&'static [&'static str]> {
    match format {
        Format::Combined => Some(&super::combined::COLUMNS),
        Format::Jsonl | Format::Csv => None,
    }
}

fn listed<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
