//! Which requests are operations that have an entry: the one table.

use axum::extract::MatchedPath;
use axum::http::Request;
use http::Method;
use mt_paas_core::TenantId;
use mt_paas_core::audit::action::{self, Action};
use mt_paas_core::audit::{AuditContext, AuditEvent};
use mt_paas_core::redact::{MARK, Redactor};

/// What a request is about to do, as far as its path says.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    action: Action,
    tenant: Option<TenantId>,
    target: Option<(&'static str, String)>,
}

/// The kind of thing that something is done to, and the parameter of the path that names it.
type Target = (&'static str, &'static str);

/// By method and the end of the path's pattern: what is done, and to what.
const OPERATIONS: &[(Method, &str, Action, Option<Target>)] = &[
    (Method::POST, "/tenant/{tenant_id}/activate", action::TENANT_ACTIVATE, Some(("tenant", "tenant_id"))),
    (Method::POST, "/tenant/{tenant_id}/deactivate", action::TENANT_DEACTIVATE, Some(("tenant", "tenant_id"))),
    (Method::PUT, "/tenant/{tenant_id}/settings", action::SETTINGS_UPDATE, Some(("settings", "tenant_id"))),
    (Method::POST, "/tenant/{tenant_id}/users", action::USER_CREATE, None),
    (Method::PUT, "/tenant/{tenant_id}/users/{user_id}", action::USER_UPDATE, Some(("user", "user_id"))),
    (Method::DELETE, "/tenant/{tenant_id}/users/{user_id}", action::USER_DELETE, Some(("user", "user_id"))),
    (Method::POST, "/webhook/auto-provision", action::TENANT_ACTIVATE, None),
    (Method::POST, "/webhook/application-approved", action::TENANT_ACTIVATE, None),
    (Method::POST, "/admin/key-pool/keys", action::POOL_KEY_ADD, None),
    (Method::PUT, "/admin/key-pool/keys/{key_id}", action::POOL_KEY_CHANGE, Some(("pool_key", "key_id"))),
    (Method::DELETE, "/admin/key-pool/keys/{key_id}", action::POOL_KEY_REMOVE, Some(("pool_key", "key_id"))),
    (Method::POST, "/admin/key-pool/keys/{key_id}/release", action::POOL_KEY_RELEASE, Some(("pool_key", "key_id"))),
    (Method::POST, "/auth/login", action::LOGIN, None),
    (Method::POST, "/auth/logout", action::LOGOUT, None),
    (Method::POST, "/auth/logout-everywhere", action::LOGOUT_EVERYWHERE, None),
    (Method::DELETE, "/auth/sessions/{id}", action::SESSION_END, Some(("session", "id"))),
    (Method::PUT, "/auth/password", action::PASSWORD_CHANGE, None),
    (Method::POST, "/auth/forgot", action::PASSWORD_LINK, None),
    (Method::POST, "/auth/set-password", action::PASSWORD_SET, None),
    (Method::POST, "/auth/first", action::OPERATOR_FIRST, None),
    (Method::POST, "/auth/keys", action::CLIENT_KEY_CREATE, None),
    (Method::POST, "/auth/keys/{id}/rotate", action::CLIENT_KEY_ROTATE, Some(("client_key", "id"))),
    (Method::DELETE, "/auth/keys/{id}", action::CLIENT_KEY_REVOKE, Some(("client_key", "id"))),
    (Method::POST, "/admin/tenants/{tenant_id}/people", action::USER_CREATE, None),
    (Method::PATCH, "/admin/tenants/{tenant_id}/people/{user_id}", action::USER_UPDATE, Some(("user", "user_id"))),
    (Method::DELETE, "/admin/tenants/{tenant_id}/people/{user_id}", action::USER_DELETE, Some(("user", "user_id"))),
    (Method::POST, "/people/{user_id}/link", action::PASSWORD_LINK, Some(("user", "user_id"))),
    (Method::POST, "/people/{user_id}/logout", action::LOGOUT_EVERYWHERE, Some(("user", "user_id"))),
    (Method::DELETE, "/admin/tenants/{tenant_id}/keys/{id}", action::CLIENT_KEY_REVOKE, Some(("client_key", "id"))),
    (Method::GET, "/admin/audit/export", action::AUDIT_EXPORT, None),
];

impl Operation {
    /// The operation of a request; `always`: what every request here does that is no mere question.
    pub(crate) fn of<B>(request: &Request<B>, always: Option<&Action>) -> Option<Self> {
        let pattern = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
        let known = OPERATIONS.iter().find(|(method, end, ..)| request.method() == method && pattern.ends_with(end));
        let (action, target) = match (known, always) {
            (Some((_, _, action, target)), _) => (action.clone(), *target),
            (None, Some(action)) if !request.method().is_safe() => (action.clone(), None),
            (None, _) => return None,
        };
        let redactor = Redactor::installed();
        let parameter = |name: &str| {
            let mut segments = pattern.split('/').zip(request.uri().path().split('/'));
            segments.find(|(segment, _)| segment.trim_matches(['{', '}']) == name).map(|(_, sent)| sent.to_owned())
        };
        // Whoever sends a secret in the place of an id must not find it in the trail.
        let parameter =
            |name: &str| parameter(name).map(|sent| if redactor.holds_secret(&sent) { MARK.to_owned() } else { sent });
        let tenant = parameter("tenant_id").and_then(|sent| TenantId::of_console(&sent).ok());
        let target = target.and_then(|(kind, name)| Some((kind, parameter(name)?)));
        Some(Self { action, tenant, target })
    }

    /// What is said about it.
    pub(crate) fn event(self, context: &AuditContext, at: chrono::DateTime<chrono::Utc>) -> AuditEvent {
        let mut event = context.event(self.action, at);
        event.tenant = self.tenant;
        match self.target {
            Some((kind, id)) => event.on(kind, id),
            None => event,
        }
    }
}
