//! The people of a tenant, as they are asked for and shown.

use chrono::{DateTime, Utc};
use mt_paas_core::auth::{Access, AddedPerson, NewPerson, Person, PersonChange};
use mt_paas_core::fields::{Fields, FromFields, boolean, email, parsed, text};
use mt_paas_core::standard_api::{Role, UserStatus};
use mt_paas_core::{Secret, UserId};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::bodies::{NAME, nullable, secret};

/// Somebody of a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Person)]
pub(super) struct ShownPerson {
    user_id: UserId,
    login_name: String,
    /// `null`: their links have to be handed over.
    email: Option<String>,
    name: String,
    /// What the market knows them as.
    role: Role,
    status: UserStatus,
    /// What they may do in consoles.
    access: Access,
    /// Whether they have set a password yet.
    has_password: bool,
    /// Whether they have to change it first.
    must_change_password: bool,
    created_at: DateTime<Utc>,
    last_login: Option<DateTime<Utc>>,
}

/// A part of the people of a tenant.
#[derive(Serialize, ToSchema)]
pub(super) struct PeoplePage {
    /// How many match, on all pages.
    pub(super) total: u64,
    pub(super) people: Vec<ShownPerson>,
}

/// Somebody who was just added.
#[derive(Serialize, ToSchema)]
pub(super) struct Added {
    #[serde(flatten)]
    person: ShownPerson,
    /// The link by which they set their password, where it has to be handed over. It is shown here and never again.
    link: Option<String>,
}

/// A link that was asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct GivenLink {
    /// The link, where it has to be handed over; `null`: it is sent.
    link: Option<String>,
}

/// Somebody to be added. They need a login name or an e-mail address.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; the type below reads it")]
pub(super) struct AddPerson {
    /// Without one their e-mail address.
    #[schema(min_length = 1, max_length = 200)]
    login_name: Option<String>,
    #[schema(format = Email)]
    email: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Default `user`.
    role: Option<Role>,
    /// Default `user`. `super_admin` exists among operators only; super administrators alone make administrators.
    access: Option<Access>,
    /// A first password, which they have to change at once; without one they set it by a link.
    #[schema(format = Password, min_length = 8, max_length = 256)]
    password: Option<String>,
    /// Whether the link is to be in the answer, instead of being sent. It is if there is no e-mail address.
    #[schema(default = false)]
    hand_over: Option<bool>,
}

/// What is to be different about somebody; what is not sent stays as it is.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; the type below reads it")]
pub(super) struct ChangePerson {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    role: Option<Role>,
    /// Whoever is not `active` is logged out.
    status: Option<UserStatus>,
    /// Whoever may do less than before is logged out.
    access: Option<Access>,
}

/// How a link is given.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; the type below reads it")]
pub(super) struct GiveLink {
    /// Whether it is to be in the answer, instead of being sent. It is if there is no e-mail address.
    #[schema(default = false)]
    hand_over: Option<bool>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; the extractor reads it")]
pub(super) struct TenantParam {
    /// The tenant, or `_operators` for those who run the service.
    tenant_id: String,
}

/// Somebody to add.
pub(super) struct Newcomer(pub(super) NewPerson);

/// What is to be different.
pub(super) struct Change(pub(super) PersonChange);

/// Whether a link is handed over.
pub(super) struct HandOver(pub(super) bool);

impl FromFields for Newcomer {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let login_name = nullable(fields, "login_name", text(1, NAME));
        let email = nullable(fields, "email", email);
        let name = fields.required("name", text(1, NAME));
        let role = fields.or("role", Role::User, parsed);
        let access = fields.or("access", Access::User, parsed);
        let password: Option<Option<Secret<String>>> = nullable(fields, "password", secret);
        let hand_over = fields.or("hand_over", false, boolean);
        Some(Self(NewPerson {
            login_name: login_name?,
            email: email?,
            name: name?,
            role: role?,
            access: access?,
            password: password?,
            hand_over: hand_over?,
        }))
    }
}

impl FromFields for Change {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.optional("name", text(1, NAME));
        let role = fields.optional("role", parsed);
        let status = fields.optional("status", parsed);
        let access = fields.optional("access", parsed);
        Some(Self(PersonChange { name: name?, role: role?, status: status?, access: access? }))
    }
}

impl FromFields for HandOver {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        fields.or("hand_over", false, boolean).map(Self)
    }
}

impl From<Person> for ShownPerson {
    fn from(Person { user, access, has_password, must_change }: Person) -> Self {
        Self {
            user_id: user.id,
            login_name: user.login_name,
            email: user.email,
            name: user.name,
            role: user.role,
            status: user.status,
            access,
            has_password,
            must_change_password: must_change,
            created_at: user.created_at,
            last_login: user.last_login,
        }
    }
}

impl From<AddedPerson> for Added {
    fn from(AddedPerson { person, link }: AddedPerson) -> Self {
        Self { person: person.into(), link: shown(link) }
    }
}

impl From<Option<Secret<String>>> for GivenLink {
    fn from(link: Option<Secret<String>>) -> Self {
        Self { link: shown(link) }
    }
}

/// The one answer that a link stands in.
fn shown(link: Option<Secret<String>>) -> Option<String> {
    link.map(|link| link.expose().clone())
}
