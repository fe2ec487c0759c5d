//! The pages of accounts.

mod account;
mod desk;
mod forgot;
mod form_body;
mod keys;
mod link;
mod login;
mod password;
mod refusal;
mod said;
mod setup;
mod shown;

use axum::Router;
use axum::routing::{get, post};
use mt_paas_axum::auth::Doorkeeper;

use self::desk::{Desk, Doors};
use crate::{Site, style_routes};

pub use shown::pages;

/// Everything that people do with their accounts: log in and out, set and change a password, see where they are logged
/// in, look after their keys; and the first operator.
///
/// | Path | |
/// |---|---|
/// | `/login`, `/t/{tenant}/login` | of operators, of a tenant's people; `?next=` names where to go on to |
/// | `/logout` | POST |
/// | `/forgot`, `/t/{tenant}/forgot` | asks for a link |
/// | `/set-password/{token}` | where such a link leads to; looking at it does not use it up |
/// | `/setup/{token}` | where the first operator is made |
/// | `/account`, `/account/password` | of whoever is logged in |
/// | `/kit/style-….css` | the stylesheet |
pub fn account_pages(keeper: &Doorkeeper, site: &Site) -> Router {
    let login = || get(login::show).post(login::log_in);
    let forgot = || get(forgot::show).post(forgot::send);
    let routes = Router::new()
        .route("/login", login())
        .route("/t/{tenant}/login", login())
        .route("/logout", post(login::log_out))
        .route("/forgot", forgot())
        .route("/t/{tenant}/forgot", forgot())
        .route("/set-password/{token}", get(link::show).post(link::set))
        .route("/setup/{token}", get(setup::show).post(setup::make))
        .route("/account", get(account::show))
        .route("/account/logout-everywhere", post(account::log_out_everywhere))
        .route("/account/sessions/{id}/end", post(account::end_session))
        .route("/account/password", get(password::show).post(password::change))
        .route("/account/keys", post(keys::make))
        .route("/account/keys/{id}/rotate", post(keys::rotate))
        .route("/account/keys/{id}/revoke", post(keys::revoke))
        .with_state(Doors::new(Desk::new(keeper, site)));
    pages(routes, keeper, site).merge(style_routes())
}
