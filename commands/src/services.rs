//! The services that tasks may be created for, as they were declared.

use std::collections::BTreeMap;

use chrono::Duration;
use domain::{
    Refusal,
    job::Policy,
    service::{NotAServiceName, Service, ServiceName},
};
use jsonschema::Validator;
use serde::Deserialize;
use serde_json::Value;

/// What is declared of one service, in `services.yaml` or elsewhere. Durations
/// are in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// What it is called.
    pub name: String,
    /// For humans, one sentence.
    #[serde(default)]
    pub description: String,
    /// The JSON Schema of its bodies. Anything goes if there is none.
    #[serde(default)]
    pub schema: Option<Value>,
    /// How many attempts may fail before the job does.
    #[serde(default)]
    pub attempts_max: Option<u32>,
    /// How many leases may be lost before the job fails.
    #[serde(default)]
    pub deliveries_max: Option<u32>,
    /// The wait after the first failed attempt. It doubles.
    #[serde(default)]
    pub backoff_first_s: Option<f64>,
    /// The longest wait between attempts.
    #[serde(default)]
    pub backoff_max_s: Option<f64>,
    /// How long a lease holds without a heartbeat.
    #[serde(default)]
    pub lease_s: Option<f64>,
    /// How long an attempt may take. For ever, if it is not said.
    #[serde(default)]
    pub run_timeout_s: Option<f64>,
    /// How long after its creation a job may still end.
    #[serde(default)]
    pub expiry_s: Option<f64>,
}

/// The services that tasks may be created for, by name.
#[derive(Debug, Default)]
pub struct Services(BTreeMap<ServiceName, Declared>);

/// A service, ready to check bodies.
#[derive(Debug)]
pub struct Declared {
    /// What it is.
    pub service: Service,
    /// The JSON Schema of its bodies.
    pub schema: Option<Value>,
    validator: Option<Validator>,
}

/// Why a declaration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("service `{service}`: {field}: {rule}")]
pub struct BadDeclaration {
    /// The name that it was declared under.
    pub service: String,
    /// The part that is at fault.
    pub field: String,
    /// What it must be.
    pub rule: String,
}

/// How long a job may take, unless its service says otherwise: a week.
const EXPIRY_MS: u64 = 7 * 24 * 3_600 * 1_000;

impl Services {
    /// Checks what was declared.
    pub fn try_new(
        declarations: impl IntoIterator<Item = Declaration>,
    ) -> Result<Self, BadDeclaration> {
        let mut services = BTreeMap::new();
        for declaration in declarations {
            let name = declaration.name.clone();
            let declared = Declared::try_new(declaration)?;
            if services.insert(declared.service.name.clone(), declared).is_some() {
                return Err(bad(&name, "name", "not declared twice"));
            }
        }
        Ok(Self(services))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Declared> {
        self.0.values()
    }

    /// The one of this name.
    pub fn find(&self, name: &str) -> Result<&Declared, Refusal> {
        self.0.get(name).ok_or_else(|| Refusal::UnknownService { name: name.to_owned() })
    }

    pub(crate) fn policy(&self, name: &ServiceName) -> Policy {
        match self.0.get(name) {
            Some(declared) => declared.service.policy.clone(),
            None if name.is_reserved() => built_in(),
            None => Policy::default(),
        }
    }

    pub(crate) fn expiry(&self, name: &ServiceName) -> Duration {
        let ms = self.0.get(name).map_or(EXPIRY_MS, |it| it.service.expiry_ms);
        Duration::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}

impl Declared {
    fn try_new(it: Declaration) -> Result<Self, BadDeclaration> {
        let fault = |field: &str, rule: String| bad(&it.name, field, rule);
        let name: ServiceName =
            it.name.parse().map_err(|e: NotAServiceName| fault("name", e.to_string()))?;
        if name.is_reserved() {
            return Err(fault("name", "not one that is built in".to_owned()));
        }
        let usual = Policy::default();
        let ms = |field: &str, seconds: Option<f64>| match seconds {
            None => Ok(None),
            Some(seconds) => {
                milliseconds(seconds).map(Some).map_err(|rule| fault(field, rule.to_owned()))
            }
        };
        let policy = Policy {
            attempts_max: it.attempts_max.unwrap_or(usual.attempts_max),
            deliveries_max: it.deliveries_max.unwrap_or(usual.deliveries_max),
            backoff_first_ms: ms("backoff_first_s", it.backoff_first_s)?
                .unwrap_or(usual.backoff_first_ms),
            backoff_max_ms: ms("backoff_max_s", it.backoff_max_s)?.unwrap_or(usual.backoff_max_ms),
            lease_ms: ms("lease_s", it.lease_s)?.unwrap_or(usual.lease_ms),
            run_timeout_ms: ms("run_timeout_s", it.run_timeout_s)?,
        };
        policy.check().map_err(|it| of_declaration(&name, it))?;
        let expiry_ms = ms("expiry_s", it.expiry_s)?.unwrap_or(EXPIRY_MS);
        let validator = it
            .schema
            .as_ref()
            .map(jsonschema::validator_for)
            .transpose()
            .map_err(|e| fault("schema", e.to_string()))?;
        let service = Service { name, description: it.description.clone(), policy, expiry_ms };
        Ok(Self { service, schema: it.schema, validator })
    }

    /// Refuses a body that the service's schema does not allow, naming the
    /// part and the rule.
    pub fn check(&self, body: &Value) -> Result<(), Refusal> {
        let Some(validator) = &self.validator else { return Ok(()) };
        let Some(error) = validator.iter_errors(body).next() else { return Ok(()) };
        let path = format!("body{}", error.instance_path());
        // The value itself may be as large as the body.
        let rule = error.masked_with("it").to_string();
        Err(Refusal::invalid(shortened(path), shortened(rule)))
    }
}

/// How the jobs of the built-in services are dealt with. Whoever does them beats
/// without a network in between, so that a process that is gone is missed soon;
/// and they go on where they were, so that many restarts may lie in between.
fn built_in() -> Policy {
    Policy { deliveries_max: 20, lease_ms: 15_000, ..Policy::default() }
}

/// The names of unexpected properties may be as many and as long as the sender
/// likes.
fn shortened(mut text: String) -> String {
    const BYTES_MAX: usize = 1_024;
    if BYTES_MAX < text.len() {
        text.truncate(text.floor_char_boundary(BYTES_MAX));
        text.push('…');
    }
    text
}

/// Seconds as they are written, in the milliseconds that Greffe counts in.
fn milliseconds(seconds: f64) -> Result<u64, &'static str> {
    const YEAR_S: f64 = 366.0 * 24.0 * 3_600.0;
    if !(0.001..=YEAR_S).contains(&seconds) {
        return Err("between 0.001 and a year, in seconds");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within a year")]
    Ok((seconds * 1_000.0).round() as u64)
}

/// A policy counts in milliseconds, and names its parts after that.
fn of_declaration(service: &ServiceName, refusal: Refusal) -> BadDeclaration {
    let Refusal::Invalid { field, rule } = refusal else {
        return bad(service.as_str(), "policy", refusal.to_string());
    };
    match field.strip_suffix("_ms") {
        Some(field) => bad(service.as_str(), &format!("{field}_s"), format!("{rule} milliseconds")),
        None => bad(service.as_str(), &field, rule),
    }
}

fn bad(service: &str, field: &str, rule: impl Into<String>) -> BadDeclaration {
    BadDeclaration { service: service.to_owned(), field: field.to_owned(), rule: rule.into() }
}

#[cfg(test)]
mod tests;
