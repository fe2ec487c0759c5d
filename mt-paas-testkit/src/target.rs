//! The service under test: where it is and which keys open it.

use url::Url;

/// The service under test.
#[derive(Clone)]
pub struct Target {
    base: Url,
    prefix: String,
    header: String,
    alias_header: String,
    key: String,
    second_key: Option<String>,
    existing_tenant: Option<String>,
}

/// The target cannot be used as given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The base URL is not an http or https URL with a host, or it carries a user, a query or a fragment.
    #[error("the target must be an http or https URL without user, query and fragment")]
    Url,
    /// The key is empty or cannot stand in a header.
    #[error("the key must be visible ASCII text and not empty")]
    Key,
    /// The name cannot stand before a header's colon.
    #[error("a header name is letters, digits and hyphens")]
    Header,
    /// The tenant id cannot stand in a path.
    #[error("a tenant id is 1 to 64 letters, digits, '_' or '-', beginning with a letter or digit")]
    Tenant,
}

impl Target {
    /// A service at `base_url` (scheme, host, port and possibly a path) that accepts `key`.
    ///
    /// # Errors
    ///
    /// [`TargetError`] when the URL or the key cannot be used.
    pub fn new(base_url: &str, key: impl Into<String>) -> Result<Self, TargetError> {
        let base = Url::parse(base_url).map_err(|_| TargetError::Url)?;
        let http = matches!(base.scheme(), "http" | "https") && base.has_host();
        let bare = base.username().is_empty() && base.password().is_none();
        if !http || !bare || base.query().is_some() || base.fragment().is_some() {
            return Err(TargetError::Url);
        }
        Ok(Self {
            base,
            prefix: "/mt".into(),
            header: "X-Market-API-Key".into(),
            alias_header: "X-API-Key".into(),
            key: usable(key.into())?,
            second_key: None,
            existing_tenant: None,
        })
    }

    /// A second key that the service should accept as well.
    ///
    /// # Errors
    ///
    /// [`TargetError::Key`] when it cannot stand in a header.
    pub fn second_key(mut self, key: impl Into<String>) -> Result<Self, TargetError> {
        self.second_key = Some(usable(key.into())?);
        Ok(self)
    }

    /// The header that carries the key on standard routes, `X-Market-API-Key` if not told otherwise.
    ///
    /// # Errors
    ///
    /// [`TargetError::Header`] when that is no header name.
    pub fn header(self, name: &str) -> Result<Self, TargetError> {
        Ok(Self { header: header_name(name)?, ..self })
    }

    /// The header that carries the key on the old paths, `X-API-Key` if not told otherwise.
    ///
    /// # Errors
    ///
    /// [`TargetError::Header`] when that is no header name.
    pub fn alias_header(self, name: &str) -> Result<Self, TargetError> {
        Ok(Self { alias_header: header_name(name)?, ..self })
    }

    /// The path under which the standard routes live, `/mt` if not told otherwise.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        let bare = prefix.trim_matches('/');
        self.prefix = if bare.is_empty() { String::new() } else { format!("/{bare}") };
        self
    }

    /// A tenant with data of its own, on which the reading checks run a second time. It is never written to.
    ///
    /// # Errors
    ///
    /// [`TargetError::Tenant`] when that is no tenant id.
    pub fn existing_tenant(mut self, id: &str) -> Result<Self, TargetError> {
        let begins = id.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let legal = begins && plain && id.len() <= 64;
        self.existing_tenant = Some(if legal { id.to_owned() } else { return Err(TargetError::Tenant) });
        Ok(self)
    }

    /// The base URL without a trailing slash.
    pub fn base_url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(crate) fn plain_http_address(&self) -> Option<(String, u16)> {
        let host = self.base.host_str()?.trim_matches(['[', ']']).to_owned();
        (self.base.scheme() == "http").then_some((host, self.base.port_or_known_default()?))
    }

    /// Host and port as they stand in a `Host` header.
    pub(crate) fn authority(&self) -> &str {
        self.base.authority()
    }

    /// The path part of the base URL, without a trailing slash.
    pub(crate) fn base_path(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    pub(crate) fn standard_prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn key_header(&self, alias: bool) -> &str {
        if alias { &self.alias_header } else { &self.header }
    }

    pub(crate) fn market_key(&self) -> &str {
        &self.key
    }

    pub(crate) fn other_key(&self) -> Option<&str> {
        self.second_key.as_deref()
    }

    pub(crate) fn tenant_with_data(&self) -> Option<&str> {
        self.existing_tenant.as_deref()
    }

    /// The text with the keys, and what the probes make of the first one, replaced by what a shell would expand.
    pub(crate) fn mask(&self, text: &str) -> String {
        let shortened: String = self.key.chars().take(self.key.chars().count() - 1).collect();
        let encoded: String = url::form_urlencoded::byte_serialize(self.key.as_bytes()).collect();
        let masked = replaced(&replaced(text, &self.key, "$MT_KEY"), &encoded, "$MT_KEY");
        let mut masked = replaced(&masked, &swapped_case(&self.key), "$MT_KEY_OTHER_CASE");
        if let Some(second) = &self.second_key {
            masked = replaced(&masked, second, "$MT_SECOND_KEY");
        }
        // A very short key would mask ordinary words.
        if shortened.len() >= 6 { masked.replace(&shortened, "${MT_KEY%?}") } else { masked }
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("base", &self.base.as_str()).field("key", &"[redacted]").finish_non_exhaustive()
    }
}

/// The text with `new` in place of `old`, and of an `old` so short that it is part of other words, of whole words alone.
fn replaced(text: &str, old: &str, new: &str) -> String {
    if old.len() >= 8 {
        return text.replace(old, new);
    }
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '$' | '_' | '-'));
    let (mut masked, mut done) = (String::with_capacity(text.len()), 0);
    for (at, _) in text.match_indices(old) {
        let end = at + old.len();
        if !is_part(text[..at].chars().next_back()) && !is_part(text[end..].chars().next()) {
            masked.push_str(&text[done..at]);
            masked.push_str(new);
            done = end;
        }
    }
    masked + &text[done..]
}

pub(crate) fn swapped_case(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
}

fn header_name(name: &str) -> Result<String, TargetError> {
    let legal = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if legal { Ok(name.to_owned()) } else { Err(TargetError::Header) }
}

fn usable(key: String) -> Result<String, TargetError> {
    let visible = !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic());
    if visible { Ok(key) } else { Err(TargetError::Key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_text_holds_neither_the_key_nor_what_the_probes_make_of_it() {
        let target = Target::new("http://h:1", "s3cretKEY").unwrap().second_key("other-key").unwrap();
        let masked = target.mask("a s3cretKEY b S3CRETkey c s3cretKE d other-key");
        assert_eq!(masked, "a $MT_KEY b $MT_KEY_OTHER_CASE c ${MT_KEY%?} d $MT_SECOND_KEY");
    }

    #[test]
    fn a_short_key_is_masked_as_a_word_of_its_own() {
        let target = Target::new("http://h:1", "k").unwrap();
        let line = "curl -k -H \"X-Market-API-Key: k\" 'http://h:1/mt/check' k_1";
        assert_eq!(target.mask(line), "curl -k -H \"X-Market-API-Key: $MT_KEY\" 'http://h:1/mt/check' k_1");
        let target = Target::new("http://h:1", "key").unwrap();
        assert_eq!(target.mask("-H \"X-API-key: key\""), "-H \"X-API-key: $MT_KEY\"");
    }

    #[test]
    fn a_url_with_a_user_or_another_scheme_is_refused() {
        for url in ["ftp://h", "http://u:p@h", "http://h?x=1", "h:8000", ""] {
            assert_eq!(Target::new(url, "k").unwrap_err(), TargetError::Url, "{url}");
        }
        assert_eq!(Target::new("http://h", "a b").unwrap_err(), TargetError::Key);
    }

    #[test]
    fn an_existing_tenant_has_the_name_of_a_tenant() {
        for id in ["", "-a", "_a", "a/b", "a b", "한", &"x".repeat(65)] {
            let target = Target::new("http://h", "k").unwrap();
            assert_eq!(target.existing_tenant(id).unwrap_err(), TargetError::Tenant, "{id}");
        }
        assert!(Target::new("http://h", "k").unwrap().existing_tenant(&"x".repeat(64)).is_ok());
    }
}
