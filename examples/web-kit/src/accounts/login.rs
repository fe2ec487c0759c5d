//! In and out.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use mt_paas_axum::Problem;
use mt_paas_axum::auth::{AnySession, FromWhere};
use mt_paas_core::TenantId;
use mt_paas_core::auth::Login;

use super::desk::{Doors, Place, forgot_of, login_of, next_of, query};
use super::form_body::FormBody;
use super::refusal::Refusal;
use crate::{Field, Page, Reader, Tone, View, button, notice, texts};

/// `GET /login`, `GET /t/{tenant}/login`
pub(super) async fn show(
    State(desk): State<Doors>,
    Place(tenant): Place,
    reader: Reader,
    session: Option<AnySession>,
) -> Response {
    let view = desk.view(reader, session.as_ref());
    page(&view, &tenant, "", session.as_ref(), None)
}

/// `POST /login`, `POST /t/{tenant}/login`
pub(super) async fn log_in(
    State(desk): State<Doors>,
    Place(tenant): Place,
    reader: Reader,
    session: Option<AnySession>,
    FromWhere(visitor): FromWhere,
    form: FormBody,
) -> Response {
    let view = desk.view(reader, session.as_ref());
    let (login_name, password) = (form.text("login_name"), form.secret("password"));
    let name_missing = login_name.is_empty().then_some(("login_name", texts::NAME_MISSING));
    let password_missing = password.expose().is_empty().then_some(("password", texts::PASSWORD_MISSING));
    let missing: Vec<_> = name_missing.into_iter().chain(password_missing).collect();
    let refusal = match Refusal::missing(&view, &missing) {
        Some(refusal) => refusal,
        None => {
            let login = Login { tenant: tenant.clone(), login_name: login_name.clone(), password, visitor };
            match desk.accounts.log_in(&login).await {
                Ok(opened) => return desk.enter(&opened, next_of(&view.reader.address).as_ref()),
                Err(error) => Refusal::new(&view, error),
            }
        }
    };
    let page = page(&view, &tenant, &login_name, None, Some(&refusal));
    refusal.answer(page)
}

/// `POST /logout`. It does not matter whether there still was a session.
pub(super) async fn log_out(State(desk): State<Doors>, session: Option<AnySession>) -> Result<Response, Problem> {
    let Some(session) = session else { return Ok(desk.leave("/login?done=out")) };
    desk.accounts.log_out(&session).await?;
    Ok(desk.leave(&format!("{}?done=out", login_of(&session.principal.tenant))))
}

fn page(
    view: &View,
    tenant: &TenantId,
    login_name: &str,
    session: Option<&AnySession>,
    refusal: Option<&Refusal>,
) -> Response {
    let fault = |field: &str| refusal.and_then(|refusal| refusal.of(field));
    let form = html! {
        (Field::new("login_name", view.say(texts::LOGIN_NAME)).value(login_name).complete("username").fault(fault("login_name")))
        (Field::new("password", view.say(texts::PASSWORD)).kind("password").complete("current-password").fault(fault("password")))
        (button(view.say(texts::LOG_IN)))
    };
    let content = html! {
        @match refusal {
            Some(refusal) => (refusal.summary(view)),
            None => (told(view, session)),
        }
        p.lead { (whose(view, tenant)) }
        (view.form(None, &form))
        p.ways { (view.link(texts::FORGOT_LINK, &forgot_of(tenant))) }
    };
    view.page(&Page::new(view.say(texts::LOG_IN), content).narrow().faulty(refusal.is_some()))
}

/// What somebody should know who comes to the login.
fn told(view: &View, session: Option<&AnySession>) -> Markup {
    let address = &view.reader.address;
    if let Some(session) = session {
        let home = view.site.home_of(&session.principal.tenant);
        let next = next_of(address).map_or(home, |next| next.to_string());
        let already = view.fill(texts::ALREADY_IN, &[("name", &session.principal.name)]);
        return html! { (notice(view, Tone::Note, &already)) p.ways { (view.link(texts::GO_ON, &next)) } };
    }
    let done = query(address, "done");
    match done.as_deref() {
        Some("out") => notice(view, Tone::Good, view.say(texts::LOGGED_OUT)),
        Some("everywhere") => notice(view, Tone::Good, view.say(texts::LOGGED_OUT_EVERYWHERE)),
        _ if query(address, "why").is_some() => notice(view, Tone::Note, view.say(texts::LOGIN_NEEDED)),
        _ => html! {},
    }
}

fn whose(view: &View, tenant: &TenantId) -> String {
    if *tenant == TenantId::operators() {
        view.fill(texts::FOR_OPERATORS, &[])
    } else {
        view.fill(texts::FOR_PEOPLE, &[("tenant", tenant.as_str())])
    }
}
