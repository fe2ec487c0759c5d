//! The market key of a service that nobody gave one.

use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::auth::MarketKeys;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKey {
    /// Strangers could come.
    #[error("MARKET_API_KEYS is not set; a key is made only for a loopback address")]
    NotLoopback,
    /// The file cannot be written or read.
    #[error("the market key cannot be kept in {path}: {error}")]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file holds something else.
    #[error("the file {0} holds no usable market key; remove it to have a new one made")]
    Unusable(PathBuf),
}

/// A key that was made here.
pub(super) struct MadeKey {
    pub(super) keys: MarketKeys,
    pub(super) key: String,
    pub(super) path: PathBuf,
}

/// May make a key, because only this machine reaches the service.
pub(super) struct KeyMaker<'a>(&'a Path);

impl<'a> KeyMaker<'a> {
    /// Keeps the key in `directory`, for a service that listens on `host`.
    pub(super) fn new(directory: &'a Path, host: IpAddr) -> Result<Self, NoKey> {
        if host.is_loopback() { Ok(Self(directory)) } else { Err(NoKey::NotLoopback) }
    }

    /// Reads the key of an earlier start, or makes one and keeps it, readable by its owner alone.
    pub(super) fn key(&self) -> Result<MadeKey, NoKey> {
        let path = self.0.join("market-key");
        let failed = |error| NoKey::File { path: path.clone(), error };
        std::fs::create_dir_all(self.0).map_err(failed)?;
        match private_file(&path) {
            Ok(mut file) => {
                let key = format!("mtp_mkt_{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
                file.write_all(key.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        let key = std::fs::read_to_string(&path).map_err(failed)?.trim().to_owned();
        let keys = MarketKeys::parse(&key).map_err(|_| NoKey::Unusable(path.clone()))?;
        Ok(MadeKey { keys, key, path })
    }
}

/// Makes the file, unless it is there: of two starts at once exactly one writes.
fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_for_loopback() {
        let directory = tempfile::tempdir().unwrap();
        let loopback = "127.0.0.1".parse().unwrap();
        let maker = KeyMaker::new(directory.path(), loopback).unwrap();
        let first = maker.key().unwrap();
        assert_eq!(maker.key().unwrap().key, first.key);
        assert!(first.key.len() > 64 && !first.keys.is_empty());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&first.path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(matches!(KeyMaker::new(directory.path(), "0.0.0.0".parse().unwrap()), Err(NoKey::NotLoopback)));
        std::fs::write(&first.path, "").unwrap();
        assert!(matches!(maker.key(), Err(NoKey::Unusable(_))));
    }
}
