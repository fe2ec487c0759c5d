//! The forms of a database address.

use std::path::PathBuf;
use std::str::FromStr;

use sea_orm::sqlx::postgres::PgConnectOptions;

use super::ConnectError;

/// Where the tables are.
#[derive(Debug, Clone)]
pub(super) enum Address {
    /// A file of SQLite.
    File(PathBuf),
    /// SQLite in memory: gone with the store.
    Memory,
    /// A PostgreSQL server.
    Server(Box<PgConnectOptions>),
}

impl FromStr for Address {
    type Err = ConnectError;

    fn from_str(url: &str) -> Result<Self, ConnectError> {
        match url.split_once(':') {
            Some(("sqlite", rest)) => sqlite(rest),
            // Without an authority the driver would look for a server of its own choice.
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                // The fault that sqlx reports names the part, never the text around it.
                let options = url.parse().map_err(|fault| ConnectError::InvalidUrl {
                    fault: "it is not of the form postgres://user:password@host:port/database",
                    source: Some(Box::new(fault)),
                })?;
                Ok(Self::Server(Box::new(options)))
            }
            Some(("postgres" | "postgresql", _)) => Err(invalid("postgres: is followed by //")),
            _ => Err(ConnectError::UnknownScheme),
        }
    }
}

fn sqlite(rest: &str) -> Result<Address, ConnectError> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut memory = matches!(place, ":memory:" | "//:memory:" | "///:memory:");
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter {
            // A file is opened for reading and writing and made if it is missing, in any case.
            "mode=rwc" | "mode=rw" => {}
            "mode=memory" => memory = true,
            _ => return Err(invalid("of the parameters of an SQLite address only mode=rwc is known")),
        }
    }
    if memory {
        return Ok(Address::Memory);
    }
    let path = match place.strip_prefix("//") {
        None => place,
        Some(authority) => match authority.strip_prefix('/') {
            None => authority,
            // Three slashes and a bare name: in the working directory.
            Some(name) if !name.contains('/') => name,
            // Four slashes: the fourth begins an absolute path, as it does elsewhere.
            Some(absolute) if absolute.starts_with('/') => absolute,
            // Three slashes and a path of several parts: absolute, and the third slash is its first.
            Some(_) => authority,
        },
    };
    if path.is_empty() || path.ends_with('/') {
        return Err(invalid("it names no file"));
    }
    Ok(Address::File(PathBuf::from(path)))
}

fn invalid(fault: &'static str) -> ConnectError {
    ConnectError::InvalidUrl { fault, source: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(url: &str) -> String {
        match url.parse().unwrap() {
            Address::File(path) => path.display().to_string(),
            Address::Memory => ":memory:".to_owned(),
            Address::Server(options) => format!("server {}:{}", options.get_host(), options.get_port()),
        }
    }

    #[test]
    fn a_bare_name_is_in_the_working_directory_and_a_path_is_absolute() {
        for (url, file) in [
            ("sqlite:///bare-name.db", "bare-name.db"),
            ("sqlite:///bare-name.db?mode=rwc", "bare-name.db"),
            ("sqlite:///dir/file.db", "/dir/file.db"),
            ("sqlite:////file.db", "/file.db"),
            ("sqlite:////dir/file.db?mode=rwc", "/dir/file.db"),
            ("sqlite://data/x.db", "data/x.db"),
            ("sqlite:data/x.db", "data/x.db"),
            ("sqlite:./x.db", "./x.db"),
            ("sqlite:/dir/x.db", "/dir/x.db"),
            ("sqlite::memory:", ":memory:"),
            ("sqlite://:memory:", ":memory:"),
            ("sqlite:x?mode=memory", ":memory:"),
            ("postgres://u:p@h:5433/d", "server h:5433"),
            ("postgresql://u:p@h/d", "server h:5432"),
        ] {
            assert_eq!(path(url), file, "{url}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for bad in [
            "",
            "memory:",
            "mysql://u:secret@h/d",
            "/data/x.db",
            "sqlite:",
            "sqlite:///",
            "sqlite:a/",
            "sqlite:x?mode=ro",
            "postgres:/u:secret@h/d",
            "postgres://u:secret@h:port/d",
            "SQLITE:x",
        ] {
            let error = bad.parse::<Address>().unwrap_err();
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(inner) = source {
                text.push_str(&inner.to_string());
                source = inner.source();
            }
            assert!(!text.contains("secret"), "{bad}: {text}");
        }
    }
}
