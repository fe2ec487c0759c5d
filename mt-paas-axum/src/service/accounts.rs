//! The accounts of a service: their settings, and what a start does about them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use chrono::TimeDelta;
use mt_paas_core::auth::{Accounts, AccountsBuilder, InvalidAccounts, LogNotifier, OneTimeToken, PasswordPolicy};
use mt_paas_core::{Secret, TenantId};
use tokio::task::JoinHandle;

use super::command::Failure;
use super::settings::{InvalidSetting, invalid, secret, switch};
use super::{Context, Settings, hidden};
use crate::auth::InsecureCookies;
use crate::language::Language;

/// The settings of accounts.
#[derive(Debug)]
pub struct AccountsSettings {
    /// The first operator's name and password, if the settings give them.
    pub first: Option<(String, Secret<String>)>,
    /// The tenant that people log in to who name none.
    pub default_tenant: TenantId,
    /// How long sessions last, if not as long as the service says.
    pub session: Option<TimeDelta>,
    /// How long sessions may stay unused.
    pub idle: Option<TimeDelta>,
    /// Which passwords users may choose, if not those that the service says.
    pub passwords: Option<PasswordPolicy>,
    /// Whether cookies may go over the network unencrypted.
    pub insecure_cookies: bool,
    /// The mail server, and the address that messages come from.
    pub mail: Option<(Secret<String>, String)>,
}

impl AccountsSettings {
    /// Reads them; `value` looks a variable up.
    pub(super) fn read(value: &dyn Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let first = match (value("ADMIN_USER"), secret("ADMIN_PASS", "ADMIN_PASS_FILE", value)?) {
            (Some(user), Some(pass)) => Some((user, Secret::new(pass))),
            (None, None) => None,
            (Some(_), None) => return Err(invalid("ADMIN_PASS", "is needed where ADMIN_USER is set")),
            (None, Some(_)) => return Err(invalid("ADMIN_USER", "is needed where ADMIN_PASS is set")),
        };
        let mail = match (secret("SMTP_URL", "SMTP_URL_FILE", value)?, value("MAIL_FROM")) {
            (Some(url), Some(from)) => Some((Secret::new(url), from)),
            (None, None) => None,
            (Some(_), None) => return Err(invalid("MAIL_FROM", "is needed where SMTP_URL is set")),
            (None, Some(_)) => return Err(invalid("SMTP_URL", "is needed where MAIL_FROM is set")),
        };
        let tenant = value("DEFAULT_TENANT").unwrap_or_else(|| "default".to_owned());
        let minimum = |text: String| {
            let policy = text.parse().ok().and_then(|minimum| PasswordPolicy::with_minimum(minimum).ok());
            policy.ok_or_else(|| invalid("PASSWORD_MIN_LENGTH", "must be a number from 8 to 64"))
        };
        Ok(Self {
            first,
            default_tenant: tenant.parse().map_err(|error| invalid("DEFAULT_TENANT", &format!("{error}")))?,
            session: number("SESSION_HOURS", 1..=2160, value)?.map(TimeDelta::hours),
            idle: number("SESSION_IDLE_MINUTES", 5..=129_600, value)?.map(TimeDelta::minutes),
            passwords: value("PASSWORD_MIN_LENGTH").map(minimum).transpose()?,
            insecure_cookies: value("ALLOW_INSECURE_COOKIES")
                .map_or(Ok(false), |text| switch("ALLOW_INSECURE_COOKIES", &text))?,
            mail,
        })
    }
}

impl AccountsSettings {
    /// What of these must not be seen in any text.
    pub(super) fn secrets(&self) -> Vec<Secret<String>> {
        let mail = self.mail.iter().flat_map(|(url, _)| hidden::of_url(url.expose()));
        self.first.iter().map(|(_, pass)| pass.clone()).chain(mail).collect()
    }
}

fn number(
    name: &'static str,
    bounds: std::ops::RangeInclusive<i64>,
    value: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<i64>, InvalidSetting> {
    let Some(text) = value(name) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| bounds.contains(number));
    let problem = || format!("must be a number from {} to {}", bounds.start(), bounds.end());
    number.map(Some).ok_or_else(|| invalid(name, &problem()))
}

/// Why a service with accounts is not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoAccounts {
    /// Cookies would go over the network unencrypted.
    #[error(transparent)]
    InsecureCookies(#[from] InsecureCookies),
    /// What the settings and the service say does not go together.
    #[error("SESSION_HOURS and SESSION_IDLE_MINUTES: {0}")]
    Invalid(#[from] InvalidAccounts),
}

/// Accounts that are made when they are asked for, so that a service without them has none. Clones are the same ones.
#[derive(Clone, Default)]
pub struct LazyAccounts(Arc<OnceLock<Accounts>>);

impl LazyAccounts {
    /// The accounts, which `set` adapts to the service when they are asked for first.
    pub(super) fn get(
        &self,
        context: &Context,
        set: impl FnOnce(AccountsBuilder) -> AccountsBuilder,
    ) -> Result<Accounts, NoAccounts> {
        if let Some(made) = self.0.get() {
            return Ok(made.clone());
        }
        let settings = &context.settings.accounts;
        let at_home = context.is_at_home();
        if !context.session_cookie()?.is_secure() && !at_home {
            tracing::warn!("people log in without https: whoever listens on the network can take over their sessions");
        }
        // Where only this machine's user reads what is printed, they may read messages, too.
        let log = if at_home { LogNotifier::printing(std::io::stdout()) } else { LogNotifier::default() };
        let mut builder = Accounts::builder(context.store.clone(), context.about.name)
            .public_url(&context.public_url)
            .notifier(Arc::new(log));
        builder = set(builder).idle(settings.idle);
        if let Some(lasts) = settings.session {
            builder = builder.session(lasts).operator_session(lasts);
        }
        if let Some(policy) = settings.passwords {
            builder = builder.user_passwords(policy);
        }
        let made = builder.build()?;
        Ok(self.0.get_or_init(|| made).clone())
    }

    /// What a start does: the first operator of the settings is made, known first logins are refused where others reach
    /// the service, and links are sent from then on. The task that does so ends when it is dropped.
    pub(super) async fn start(&self, context: &Context) -> Result<Option<Housekeeping>, Failure> {
        let Some(accounts) = self.0.get() else { return Ok(None) };
        let settings: &Settings = &context.settings;
        let at_home = context.is_at_home();
        let first = settings.accounts.first.as_ref();
        if let Some((user, pass)) = first
            && accounts.seed_first(user, pass, at_home).await?
        {
            tracing::info!("the first operator was made as ADMIN_USER and ADMIN_PASS say");
        }
        if !at_home {
            accounts.refuse_known_logins(first.map(|(user, pass)| (user.as_str(), pass))).await?;
        }
        let setup = accounts.setup_token().await?;
        let keeper = accounts.clone();
        Ok(Some(Housekeeping { setup, work: tokio::spawn(async move { keeper.keep_house().await }) }))
    }
}

impl fmt::Debug for LazyAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyAccounts").finish_non_exhaustive()
    }
}

/// Looks after accounts until dropped.
pub(super) struct Housekeeping {
    setup: Option<OneTimeToken>,
    work: JoinHandle<()>,
}

impl Housekeeping {
    /// Where the first operator is made, as long as there is none; for whoever started the service, and nobody else.
    pub(super) fn invitation(&self, public_url: &str, language: Language) -> Option<String> {
        let first = language.say("first operator, within 15 minutes", "첫 운영자 등록 (15분 안에)");
        self.setup.as_ref().map(|token| format!("{first}: {public_url}/setup/{}", token.expose()))
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        self.work.abort();
    }
}
