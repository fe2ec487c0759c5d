//! Reads JSON as strictly as the contract asks: no duplicate members, no deep nesting, objects only.

use mt_paas_core::ApiError;
use mt_paas_core::json::{self, JsonFault};
use serde_json::{Map, Value};

/// Reads the object of a request body.
///
/// # Errors
///
/// [`Malformed`](mt_paas_core::ErrorKind::Malformed) for what is no JSON or names a member twice,
/// [`Invalid`](mt_paas_core::ErrorKind::Invalid) for another value than an object, for deep nesting
/// and for numbers that no double holds.
pub(crate) fn read_object(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    match json::read(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(ApiError::invalid("the body must be a JSON object")),
        Err(fault @ (JsonFault::Depth | JsonFault::Range)) => Err(ApiError::invalid(format!("the body {fault}"))),
        Err(fault) => Err(ApiError::malformed(format!("the body {fault}"))),
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
