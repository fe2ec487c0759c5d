//! The accounts of a service, with the way that its messages go.

use std::error::Error;
use std::sync::Arc;

use mt_paas_axum::service::Context;
use mt_paas_core::auth::{Accounts, AccountsBuilder};
use mt_paas_providers::SmtpNotifier;

/// The accounts of a service as its settings say; `set` adapts them to the service. Messages to people go by mail where
/// `SMTP_URL` is set.
///
/// # Errors
///
/// A sentence that names the setting that cannot be used.
pub fn service_accounts(
    context: &Context,
    set: impl FnOnce(AccountsBuilder) -> AccountsBuilder,
) -> Result<Accounts, Box<dyn Error + Send + Sync>> {
    let mail = context.settings.accounts.mail.as_ref();
    let mail = mail.map(|(url, from)| SmtpNotifier::new(url, from)).transpose();
    let mail = mail.map_err(|error| format!("SMTP_URL and MAIL_FROM: {error}"))?;
    Ok(context.accounts(|accounts| match mail {
        Some(mail) => set(accounts).notifier(Arc::new(mail)),
        None => set(accounts),
    })?)
}
