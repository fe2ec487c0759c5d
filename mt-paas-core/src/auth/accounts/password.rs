//! One's own password.

use super::Accounts;
use super::login::{Opened, Visitor};
use super::sessions::LoggedIn;
use crate::audit::{Outcome, action};
use crate::auth::{AuthError, CredentialChange, CredentialChanged, PasswordContext, Principal, Verified};
use crate::secret::Secret;
use crate::users::User;

impl Accounts {
    /// Takes another password. All sessions end, and a new one is opened for whoever asked.
    ///
    /// # Errors
    ///
    /// [`AuthError::WrongPassword`] and [`AuthError::TooManyTries`] for the current one; [`AuthError::Password`] and
    /// [`AuthError::SamePassword`] for the new one; [`AuthError::NotLoggedIn`] if the account changed in between.
    pub async fn change_password(
        &self,
        by: &LoggedIn,
        current: &Secret<String>,
        new: &Secret<String>,
        visitor: &Visitor,
    ) -> Result<Opened, AuthError> {
        let Principal { tenant, user, .. } = &by.principal;
        let account = self.0.store.account_of(tenant, user).await?.ok_or(AuthError::NotLoggedIn)?;
        let name = &account.user.login_name;
        let buckets = self.buckets(tenant, name, Some(&account), visitor.address.map(super::login::network)).await?;
        self.admit(&buckets, action::PASSWORD_CHANGE, tenant, Some(&account)).await?;
        let told = self.told(&by.principal, action::PASSWORD_CHANGE, tenant).on("user", user.as_str());
        if matches!(self.0.hasher.verify(current, account.password.as_ref()).await?, Verified::Wrong) {
            self.refused(told.with(Outcome::Refused, "wrong_password")).await;
            return Err(AuthError::WrongPassword);
        }
        self.0.store.refund(&buckets).await?;
        self.check_new(&account.user, new).await?;
        if let Verified::Right { .. } = self.0.hasher.verify(new, account.password.as_ref()).await? {
            return Err(AuthError::SamePassword);
        }
        let change = CredentialChange::Password { password: self.0.hasher.hash(new).await?, must_change: false };
        match self.0.store.change_credential(tenant, user, account.epoch, &change, &[told]).await? {
            CredentialChanged::Done(_) => {}
            _ => return Err(AuthError::NotLoggedIn),
        }
        self.0.sessions.forget(&by.session.digest).await;
        let account = self.0.store.account_of(tenant, user).await?.ok_or(AuthError::NotLoggedIn)?;
        self.open(&account, visitor).await?.ok_or(AuthError::NotLoggedIn)
    }

    /// Whether somebody may take this password.
    pub(super) async fn check_new(&self, user: &User, new: &Secret<String>) -> Result<(), AuthError> {
        let tenant = self.0.store.tenant(&user.tenant).await?;
        let operator = user.tenant == crate::ids::TenantId::operators();
        let context = PasswordContext {
            login: Some(&user.login_name),
            email: user.email.as_deref(),
            name: Some(&user.name),
            service: Some(&self.0.service),
            tenant: (!operator).then(|| user.tenant.as_str()),
            tenant_name: tenant.as_ref().filter(|_| !operator).map(|tenant| tenant.activation.tenant_name.as_str()),
        };
        Ok(self.policy(&user.tenant).check(new, &context)?)
    }
}
