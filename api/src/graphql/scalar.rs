//! The scalars that GraphQL does not bring along.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, InputValueError, InputValueResult, Number, OutputType, Positioned, Scalar,
    ScalarType, ServerResult, Value, parser::types::Field, registry::Registry,
};
use chrono::SecondsFormat;
use domain::Timestamp;
use serde_json::value::RawValue;

use super::fault::{Fault, Result, internal};

/// A place in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position(pub(super) u64);

/// A place in the journal, in the order in which things happened: a whole number from 0 up, as a
/// string. A position that is longer, or as long and sorted later, stands for a later moment.
#[Scalar]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        let number = text.parse::<u64>().ok().filter(|it| digits && i64::try_from(*it).is_ok());
        number.map(Self).ok_or_else(|| InputValueError::custom("a position that was sent by us"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Long(pub(super) u64);

/// A whole number from 0 up, which may be larger than an `Int`: a JSON number below 2^63.
#[Scalar]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = if let Value::Number(number) = &value { number.as_u64() } else { None };
        let number = number.filter(|it| i64::try_from(*it).is_ok());
        number.map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0))
    }
}

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DateTime(pub(super) Timestamp);

/// An instant, as RFC 3339 writes it. Given in UTC to the microsecond:
/// `2027-03-01T09:30:00.000000Z`.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let instant = chrono::DateTime::parse_from_rfc3339(text);
        instant
            .map(|it| Self(it.to_utc()))
            .map_err(|_| InputValueError::custom("an instant of RFC 3339"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

/// JSON, as it was written: taken apart, it would take up to ninety times as much memory.
pub(super) struct Json(Box<RawValue>);

impl Json {
    /// Reads what was written as JSON.
    pub(super) fn read(text: &str) -> Result<Self> {
        Self::try_read(text).map_err(|it| internal(&it))
    }

    /// The same, for what may be none.
    pub(super) fn try_read(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(Self)
    }
}

impl OutputType for Json {
    fn type_name() -> Cow<'static, str> {
        <serde_json::Value as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <serde_json::Value as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        async_graphql::to_value(&self.0).map_err(|error| {
            drop(internal(&error)); // which puts the cause into the log
            async_graphql::Error::from(Fault::Internal).into_server_error(field.pos)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_comes_back_as_it_went() {
        for position in [0, 1, 42, i64::MAX.cast_unsigned()] {
            assert_eq!(Position::parse(Position(position).to_value()).unwrap().0, position);
        }
    }

    #[test]
    fn what_was_never_a_position_is_refused() {
        for text in ["", "-1", "+1", "1.0", "abc", "9223372036854775808", "1 "] {
            assert!(Position::parse(Value::from(text)).is_err(), "{text:?}");
        }
        assert!(Position::parse(Value::from(7)).is_err());
    }

    #[test]
    fn a_long_is_a_number_and_never_negative() {
        assert_eq!(Long::parse(Long(1 << 40).to_value()).unwrap(), Long(1 << 40));
        assert!(Long::parse(Value::from(-1)).is_err());
        assert!(Long::parse(Value::from("1")).is_err());
    }
}
