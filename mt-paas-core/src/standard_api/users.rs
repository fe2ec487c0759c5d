//! Users of a tenant.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fields::{Fields, FromFields, boolean, email, parsed, text};
use crate::idempotency::Scope;
use crate::ids::{TenantId, UserId};
use crate::secret::Secret;
use crate::wire::wire_enum;

wire_enum! {
    /// What a user may do.
    Role {
        /// Manages the tenant.
        Admin = "admin",
        /// Uses the service.
        User = "user",
        /// Watches over others' content.
        Moderator = "moderator",
    }
}

wire_enum! {
    /// Whether a user may come in.
    UserStatus {
        /// May.
        Active = "active",
        /// Has left for now.
        Inactive = "inactive",
        /// Was locked out.
        Suspended = "suspended",
    }
}

/// What a user has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserUsage {
    /// Sessions that the user began.
    pub sessions: u64,
    /// Messages.
    pub messages: u64,
    /// Input and output tokens.
    pub tokens: u64,
}

/// A user, as lists and single answers show one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserResponse {
    /// Opaque, safe in a URL.
    pub user_id: UserId,
    /// E-mail address, as sent.
    pub email: String,
    /// Name, as sent.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user may come in.
    pub status: UserStatus,
    /// When the user was made.
    pub created_at: DateTime<Utc>,
    /// When the user came in last.
    pub last_login: Option<DateTime<Utc>>,
    /// What the user has used so far.
    pub usage: Option<UserUsage>,
}

/// The answer of `GET …/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsersListResponse {
    /// The tenant.
    pub tenant_id: TenantId,
    /// How many users match the filters, on all pages.
    pub total: u64,
    /// The limit that was asked for.
    pub limit: u32,
    /// The offset that was asked for.
    pub offset: u64,
    /// The users of this page.
    pub users: Vec<UserResponse>,
}

/// The body of `POST …/users`.
#[derive(Debug, Clone)]
pub struct CreateUserRequest {
    /// E-mail address.
    pub email: String,
    /// Name.
    pub name: String,
    /// What the user may do. Default `user`.
    pub role: Role,
    /// A password that somebody else chose. It never becomes the user's lasting password.
    pub password: Option<Secret<String>>,
    /// Whether the user is told. Default `true`.
    pub send_welcome_email: bool,
    /// What all runs of this request have in common, if it can be told from others (not part of the body). The user of
    /// a run of a moment ago, whose answer was lost, is no conflict.
    pub run: Option<Scope>,
}

/// The body of `PUT …/users/{user_id}`; a member that is not sent keeps its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateUserRequest {
    /// A new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// A new role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub role: Option<Role>,
    /// A new status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub status: Option<UserStatus>,
}

/// The answer of `POST …/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedUserResponse {
    /// Opaque, safe in a URL.
    pub user_id: UserId,
    /// E-mail address, as sent.
    pub email: String,
    /// Name, as sent.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user may come in.
    pub status: UserStatus,
    /// When the user was made.
    pub created_at: DateTime<Utc>,
    /// Always `true`: nobody but the user may know a lasting password.
    pub temporary_password: bool,
}

impl FromFields for CreateUserRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email);
        let name = fields.required("name", text(1, 200));
        let role = fields.or("role", Role::User, parsed);
        let password = match fields.value("password") {
            None | Some(Value::Null) => Some(None),
            Some(_) => fields.required("password", text(8, 1024)).map(|password| Some(Secret::new(password))),
        };
        let send_welcome_email = fields.or("send_welcome_email", true, boolean);
        Some(Self {
            email: email?,
            name: name?,
            role: role?,
            password: password?,
            send_welcome_email: send_welcome_email?,
            run: None,
        })
    }
}

impl FromFields for UpdateUserRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.optional("name", text(1, 200));
        let role = fields.optional("role", parsed);
        let status = fields.optional("status", parsed);
        Some(Self { name: name?, role: role?, status: status? })
    }
}

#[cfg(feature = "openapi")]
mod schema {
    use utoipa::openapi::schema::{ObjectBuilder, Ref, SchemaFormat, Type};
    use utoipa::openapi::{RefOr, Schema};

    use super::CreateUserRequest;

    // Written by hand because a secret has no schema, and must not get one by accident.
    impl utoipa::PartialSchema for CreateUserRequest {
        fn schema() -> RefOr<Schema> {
            let string = || ObjectBuilder::new().schema_type(Type::String);
            ObjectBuilder::new()
                .property(
                    "email",
                    string().format(Some(SchemaFormat::Custom("email".to_owned()))).max_length(Some(254)),
                )
                .required("email")
                .property("name", string().min_length(Some(1)).max_length(Some(200)))
                .required("name")
                .property("role", Ref::from_schema_name("Role"))
                .property("password", string().min_length(Some(8)).max_length(Some(1024)).write_only(true))
                .property("send_welcome_email", ObjectBuilder::new().schema_type(Type::Boolean))
                .into()
        }
    }

    impl utoipa::ToSchema for CreateUserRequest {
        fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push(("Role".to_owned(), <super::Role as utoipa::PartialSchema>::schema()));
        }
    }
}
