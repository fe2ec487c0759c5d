//! JSON read strictly: no member twice, no deep nesting, no number that a double cannot hold.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep a value may be nested.
pub const DEPTH: usize = 32;

/// Why a text is not read. The message never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// It is no text.
    #[error("is not UTF-8")]
    Utf8,
    /// It is no JSON.
    #[error("is not JSON: line {line}, column {column}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// An object names a member twice.
    #[error("names a member twice")]
    Duplicate,
    /// It goes deeper than [`DEPTH`].
    #[error("is nested more than {DEPTH} deep")]
    Depth,
    /// No double holds one of its numbers.
    #[error("holds a number that is out of range")]
    Range,
}

/// Reads one JSON value.
///
/// # Errors
///
/// [`JsonFault`] says what is wrong with the text.
pub fn read(bytes: &[u8]) -> Result<Value, JsonFault> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonFault::Utf8)?;
    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let read =
        Strict { depth: 0, fault: &fault }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| match fault.get() {
        Some(fault) => fault,
        // Well-formed JSON, but beyond what we keep; only the text of serde_json's error tells this case from others.
        None if error.to_string().starts_with("number out of range") => JsonFault::Range,
        None => JsonFault::Syntax { line: error.line(), column: error.column() },
    })
}

struct Strict<'a> {
    depth: usize,
    fault: &'a Cell<Option<JsonFault>>,
}

impl Strict<'_> {
    /// One level further down.
    fn inner<E: Error>(&self) -> Result<Strict<'_>, E> {
        if self.depth >= DEPTH {
            self.fault.set(Some(JsonFault::Depth));
            return Err(E::custom("too deep"));
        }
        Ok(Strict { depth: self.depth + 1, fault: self.fault })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inner()?)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.inner()?)?;
            if object.insert(name, value).is_some() {
                self.fault.set(Some(JsonFault::Duplicate));
                return Err(A::Error::custom("named twice"));
            }
        }
        Ok(Value::Object(object))
    }
}
