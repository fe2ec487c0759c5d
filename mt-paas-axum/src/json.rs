//! Reads JSON as strictly as the contract asks: no duplicate members, no deep nesting, objects only.

use std::cell::Cell;
use std::fmt;

use mt_paas_core::ApiError;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep a body may be nested.
const DEPTH: usize = 32;

/// Reads the object of a request body.
///
/// # Errors
///
/// [`Malformed`](mt_paas_core::ErrorKind::Malformed) for what is no JSON or names a member twice,
/// [`Invalid`](mt_paas_core::ErrorKind::Invalid) for another value than an object, for deep nesting
/// and for numbers that no double holds.
pub(crate) fn read_object(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ApiError::malformed("the body is not UTF-8"))?;
    let fault = Cell::new(Fault::Syntax);
    let mut reader = serde_json::Deserializer::from_str(text);
    let read =
        Strict { depth: 0, fault: &fault }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match (read, fault.get()) {
        (Ok(Value::Object(members)), _) => Ok(members),
        (Ok(_), _) => Err(ApiError::invalid("the body must be a JSON object")),
        (Err(_), Fault::Depth) => Err(ApiError::invalid(format!("the body is nested more than {DEPTH} deep"))),
        (Err(_), Fault::Duplicate) => Err(ApiError::malformed("the body names a member twice")),
        // Well-formed JSON, but beyond what we keep; only the text of serde_json's error tells this case from others.
        (Err(error), Fault::Syntax) if error.to_string().starts_with("number out of range") => {
            Err(ApiError::invalid("a number is out of range"))
        }
        (Err(error), Fault::Syntax) => {
            let (line, column) = (error.line(), error.column());
            Err(ApiError::malformed(format!("the body is not JSON: line {line}, column {column}")))
        }
    }
}

#[derive(Clone, Copy)]
enum Fault {
    Syntax,
    Depth,
    Duplicate,
}

struct Strict<'a> {
    depth: usize,
    fault: &'a Cell<Fault>,
}

impl Strict<'_> {
    /// One level further down.
    fn inner<E: Error>(&self) -> Result<Strict<'_>, E> {
        if self.depth >= DEPTH {
            self.fault.set(Fault::Depth);
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
                self.fault.set(Fault::Duplicate);
                return Err(A::Error::custom("named twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use mt_paas_core::ErrorKind;

    use super::*;

    #[test]
    fn strictness_is_the_contracts() {
        let nested = |depth: usize| format!("{}{}{}", r#"{"a":"#.repeat(depth), 1, "}".repeat(depth));
        let kind = |body: &[u8]| read_object(body).map_err(|error| error.kind());
        assert!(kind(nested(32).as_bytes()).is_ok());
        assert_eq!(kind(nested(33).as_bytes()), Err(ErrorKind::Invalid));
        assert_eq!(kind(nested(5000).as_bytes()), Err(ErrorKind::Invalid));
        for invalid in ["[]", "1", "null", "\"x\""] {
            assert_eq!(kind(invalid.as_bytes()), Err(ErrorKind::Invalid), "{invalid}");
        }
        for broken in [
            "",
            "{",
            r#"{"a":1}x"#,
            r#"{"a":1,"a":1}"#,
            r#"{"b":{"a":1,"a":2}}"#,
            r#"{"a":"\ud800"}"#,
            "{'a':1}",
            r#"{"a":1e}"#,
        ] {
            assert_eq!(kind(broken.as_bytes()), Err(ErrorKind::Malformed), "{broken}");
        }
        assert_eq!(kind(b"{\"a\":\"\xff\"}"), Err(ErrorKind::Malformed));
        for number in
            ["1e999", "-1e999", "1e99999999999999999999", &"9".repeat(5000), &format!("{}.5", "9".repeat(400))]
        {
            assert_eq!(kind(format!(r#"{{"a":[{number}]}}"#).as_bytes()), Err(ErrorKind::Invalid), "{number}");
        }
        for number in ["1e308", "1e-999", "0e999", &"9".repeat(300)] {
            assert!(kind(format!(r#"{{"a":{number}}}"#).as_bytes()).is_ok(), "{number}");
        }
    }
}
