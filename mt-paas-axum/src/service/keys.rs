//! Keys of a service that nobody gave any.

use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use mt_paas_core::auth::{ClientKey, KeyPurpose};
use mt_paas_core::seal::{InvalidKeyring, Keyring, SealError};

use super::{hidden, log};
use crate::auth::MarketKeys;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKey {
    /// Strangers could come.
    #[error("MARKET_API_KEYS is not set; a key is made only for a loopback address")]
    NotLoopback,
    /// The file cannot be written or read.
    #[error("the {what} cannot be kept in {path}: {error}")]
    File {
        /// Which.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file holds something else.
    #[error("the file {0} holds no usable market key; remove it to have a new one made")]
    Unusable(PathBuf),
    /// The file holds something else, which may have sealed something.
    #[error("the file {path}: {error}; it may have sealed what is kept, so it is not replaced")]
    UnusableSecretsKey {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        error: InvalidKeyring,
    },
    /// There is no chance.
    #[error("no key can be made: {0}")]
    NotMade(#[from] SealError),
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

    /// Reads the market key of an earlier start, or makes one and keeps it.
    pub(super) fn key(&self) -> Result<MadeKey, NoKey> {
        let make = || Ok(ClientKey::generate(KeyPurpose::Market).expose().to_owned());
        let (key, path) = self.kept("market key", MARKET_KEY, make)?;
        let keys = MarketKeys::parse(&key).map_err(|_| NoKey::Unusable(path.clone()))?;
        log::hide(keys.secrets());
        Ok(MadeKey { keys, key, path })
    }

    /// Where the key for secrets is kept.
    pub(super) fn secrets_path(&self) -> PathBuf {
        self.0.join(SECRETS_KEY)
    }

    /// Reads the key for secrets of an earlier start, or makes one and keeps it.
    pub(super) fn secrets_key(&self) -> Result<Keyring, NoKey> {
        let make = || Ok(Keyring::new_key()?.expose().clone());
        let (key, path) = self.kept("key for secrets", SECRETS_KEY, make)?;
        log::hide(&hidden::of_keyring(&key));
        Keyring::parse(&key).map_err(|error| NoKey::UnusableSecretsKey { path, error })
    }

    /// What a file holds, which is made if it is not there, readable by its owner alone.
    fn kept(
        &self,
        what: &'static str,
        name: &str,
        make: impl FnOnce() -> Result<String, NoKey>,
    ) -> Result<(String, PathBuf), NoKey> {
        let path = self.0.join(name);
        let failed = |error| NoKey::File { what, path: path.clone(), error };
        std::fs::create_dir_all(self.0).map_err(failed)?;
        match private_file(&path) {
            Ok(mut file) => {
                let key = make()?;
                file.write_all(key.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        let key = std::fs::read_to_string(&path).map_err(failed)?.trim().to_owned();
        Ok((key, path))
    }
}

const MARKET_KEY: &str = "market-key";
const SECRETS_KEY: &str = "secrets-key";

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
        let read: ClientKey = first.key.parse().unwrap();
        assert!(read.purpose() == KeyPurpose::Market && !first.keys.is_empty());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&first.path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(matches!(KeyMaker::new(directory.path(), "0.0.0.0".parse().unwrap()), Err(NoKey::NotLoopback)));
        std::fs::write(&first.path, "").unwrap();
        assert!(matches!(maker.key(), Err(NoKey::Unusable(_))));
    }

    #[test]
    fn a_key_for_secrets_is_made_once_and_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let maker = KeyMaker::new(directory.path(), "::1".parse().unwrap()).unwrap();
        let first = maker.secrets_key().unwrap();
        assert!(first.active().is_some());
        assert_eq!(maker.secrets_key().unwrap().active(), first.active());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(maker.secrets_path()).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(maker.secrets_path(), "hidden").unwrap();
        let said = maker.secrets_key().unwrap_err().to_string();
        assert!(said.contains("key 1 is not 32 bytes") && !said.contains("hidden"), "{said}");
        assert_eq!(std::fs::read_to_string(maker.secrets_path()).unwrap(), "hidden");
    }
}
