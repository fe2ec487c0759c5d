//! Reads a request member by member and reports every faulty one, where serde would stop at the first.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::{ApiError, FieldError};
use crate::text;

/// A request body or query that can be read from its members. Unknown members are ignored.
pub trait FromFields: Sized {
    /// Reads the members. `None` means that at least one fault was noted in `fields`.
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self>;

    /// Reads a JSON object of a request body.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) with all faulty fields.
    fn from_body(members: &Map<String, Value>) -> Result<Self, ApiError> {
        Self::read("body", members)
    }

    /// Reads the parameters of a query, each a JSON string.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) with all faulty parameters.
    fn from_query(parameters: &Map<String, Value>) -> Result<Self, ApiError> {
        Self::read("query", parameters)
    }

    #[doc(hidden)]
    fn read(place: &str, members: &Map<String, Value>) -> Result<Self, ApiError> {
        read(place, members, Self::from_fields)
    }
}

/// Reads an object by a function, where more than the object decides what must be in it. `place` is where it stands, such
/// as `body`.
///
/// # Errors
///
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) with all faulty fields.
pub fn read<T>(
    place: &str,
    members: &Map<String, Value>,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Result<T, ApiError> {
    let mut faults = Vec::new();
    let loc = vec![place.to_owned()];
    let parsed = read(&mut Fields { loc, members, faults: &mut faults });
    // A value beside a noted fault is no value.
    parsed.filter(|_| faults.is_empty()).ok_or_else(|| ApiError::invalid_fields(faults))
}

/// The members of one object, and the faults found so far.
pub struct Fields<'a> {
    loc: Vec<String>,
    members: &'a Map<String, Value>,
    faults: &'a mut Vec<FieldError>,
}

impl Fields<'_> {
    /// A member that must be there.
    pub fn required<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, String>) -> Option<T> {
        match self.members.get(name) {
            Some(value) => self.note(name, read(value)),
            None => self.note(name, Err("is required".to_owned())),
        }
    }

    /// A member that may be missing. The outer `None` is a fault.
    pub fn optional<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, String>) -> Option<Option<T>> {
        match self.members.get(name) {
            Some(value) => self.note(name, read(value)).map(Some),
            None => Some(None),
        }
    }

    /// A member that has a default.
    pub fn or<T>(&mut self, name: &str, default: T, read: impl FnOnce(&Value) -> Result<T, String>) -> Option<T> {
        self.optional(name, read).map(|value| value.unwrap_or(default))
    }

    /// An object that must be there, read member by member.
    pub fn object<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Option<T> {
        match self.members.get(name) {
            Some(Value::Object(members)) => {
                let mut loc = self.loc.clone();
                loc.push(name.to_owned());
                read(&mut Fields { loc, members, faults: self.faults })
            }
            Some(_) => self.note(name, Err("must be an object".to_owned())),
            None => self.note(name, Err("is required".to_owned())),
        }
    }

    /// An object that may be missing. The outer `None` is a fault.
    pub fn optional_object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.members.contains_key(name) { self.object(name, read).map(Some) } else { Some(None) }
    }

    /// The value of a member, unread.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// All members, unread.
    pub fn members(&self) -> &Map<String, Value> {
        self.members
    }

    /// Notes a fault of a member that only the whole object shows.
    pub fn fault(&mut self, name: &str, message: impl Into<String>) {
        let mut loc = self.loc.clone();
        loc.push(name.to_owned());
        self.faults.push(FieldError { loc, message: message.into() });
    }

    fn note<T>(&mut self, name: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|message| self.fault(name, message)).ok()
    }
}

/// A text of `min` to `max` characters, not blank unless `min` is 0, without control characters but tab and line ends.
pub fn text(min: usize, max: usize) -> impl Fn(&Value) -> Result<String, String> {
    move |value| {
        let text = string(value)?;
        let length = text.chars().count();
        if length > max {
            return Err(format!("must be at most {max} characters long"));
        }
        if min > 0 && text::is_blank(text) {
            return Err("must not be blank".to_owned());
        }
        if length < min {
            return Err(format!("must be at least {min} characters long"));
        }
        match text::forbidden_control(text) {
            Some(control) => Err(format!("must not hold the control character U+{:04X}", u32::from(control))),
            None => Ok(text.to_owned()),
        }
    }
}

/// A text that a type can be parsed from; the type's error is the message.
pub fn parsed<T: FromStr<Err: Display>>(value: &Value) -> Result<T, String> {
    string(value)?.parse().map_err(|error: T::Err| error.to_string())
}

/// An e-mail address, kept as it was sent.
pub fn email(value: &Value) -> Result<String, String> {
    let email = string(value)?;
    if text::is_email(email) { Ok(email.to_owned()) } else { Err("must be an e-mail address".to_owned()) }
}

/// `true` or `false`.
pub fn boolean(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "must be true or false".to_owned())
}

/// A whole number from `min` to `max`, as a JSON integer.
pub fn integer(min: u64, max: u64) -> impl Fn(&Value) -> Result<u64, String> {
    move |value| within(value.as_u64(), min, max)
}

/// A whole number from `min` to `max`, as the digits of a query parameter.
pub fn digits(min: u64, max: u64) -> impl Fn(&Value) -> Result<u64, String> {
    // `u64::from_str` takes a leading plus; a query parameter must not.
    let plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    move |value| within(value.as_str().filter(plain).and_then(|text| text.parse().ok()), min, max)
}

/// A list, each item read alike, of at most `max` items.
pub fn list<T>(max: usize, read: impl Fn(&Value) -> Result<T, String>) -> impl Fn(&Value) -> Result<Vec<T>, String> {
    move |value| {
        let items = value.as_array().ok_or("must be a list")?;
        if items.len() > max {
            return Err(format!("must hold at most {max} items"));
        }
        let (mut values, mut faults) = (Vec::with_capacity(items.len()), Vec::new());
        for (at, item) in items.iter().enumerate() {
            match read(item) {
                Ok(value) => values.push(value),
                Err(fault) => faults.push(format!("item {at} {fault}")),
            }
        }
        if faults.is_empty() { Ok(values) } else { Err(faults.join("; ")) }
    }
}

fn string(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "must be a text".to_owned())
}

fn within(number: Option<u64>, min: u64, max: u64) -> Result<u64, String> {
    let number = number.filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("must be a whole number from {min} to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Visitor {
        name: String,
        age: u64,
    }

    impl FromFields for Visitor {
        fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
            let name = fields.required("name", text(1, 10));
            let age = fields.or("age", 18, integer(0, 150));
            let _ = fields.optional_object("home", |home| home.required("email", email));
            Some(Self { name: name?, age: age? })
        }
    }

    fn visitor(json: &str) -> Result<Visitor, ApiError> {
        Visitor::from_body(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn every_faulty_field_is_reported_with_its_place() {
        let error = visitor(r#"{"name": "  ", "age": -1, "home": {"email": "x"}}"#).unwrap_err();
        let places: Vec<String> = error.fields().iter().map(|fault| fault.loc.join(".")).collect();
        assert_eq!(places, ["body.name", "body.age", "body.home.email"]);
    }

    #[test]
    fn every_faulty_item_of_a_list_is_named() {
        let read = list(4, integer(1, 9))(&serde_json::json!([0, 5, "x", 7]));
        let faulty = "must be a whole number from 1 to 9";
        assert_eq!(read, Err(format!("item 0 {faulty}; item 2 {faulty}")));
    }

    #[test]
    fn names_that_nobody_can_see_are_blank() {
        for blank in ["\u{200b}", " \u{feff}\u{2060}", "\u{3164}", "\u{ad}\u{e0020}"] {
            assert_eq!(text(1, 9)(&Value::from(blank)), Err("must not be blank".to_owned()), "{blank:?}");
        }
        // What joins or marks visible letters stays.
        for seen in ["👩\u{200d}🎓", "ก\u{e34}", "Z"] {
            assert!(text(1, 9)(&Value::from(seen)).is_ok(), "{seen:?}");
        }
    }

    #[test]
    fn defaults_fill_in_and_unknown_members_are_ignored() {
        let read = visitor(r#"{"name": "가나", "zzz": [1]}"#).unwrap();
        assert_eq!((read.name.as_str(), read.age), ("가나", 18));
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for bad in ["0", "101", "-1", "1.5", "1e2", "\"5\"", "9223372036854775808", "true", "null"] {
            assert!(integer(1, 100)(&json(bad)).is_err(), "{bad}");
        }
        for bad in ["0", "101", "+5", "-5", " 5", "5.0", "abc", "", "99999999999999999999"] {
            assert!(digits(1, 100)(&Value::from(bad)).is_err(), "{bad}");
        }
        assert_eq!((integer(1, 100)(&json("20")), digits(1, 100)(&Value::from("20"))), (Ok(20), Ok(20)));
    }
}
