//! The start page: what runs, what the tenants use, and what to try next.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use mt_paas_axum::Problem;
use mt_paas_axum::http::{HeaderMap, header};
use mt_paas_axum::language::Language;
use mt_paas_axum::service::Context;
use mt_paas_core::period::Period;
use mt_paas_core::standard_api::{StatsSummary, TenantStatus};
use mt_paas_core::{ApiError, StandardAPIHandler, TenantId};

use crate::ABOUT;
use crate::handler::Advisor;

/// What the pages are made from.
pub(crate) type Desk = Arc<(Context, Arc<Advisor>)>;

/// Tenants on one page.
const PAGE: u32 = 50;

type Row = (TenantId, TenantStatus, Option<StatsSummary>);

/// `GET /`
pub(crate) async fn start(
    State(desk): State<Desk>,
    language: Language,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let (context, advisor) = &*desk;
    let say = |english, korean| language.say(english, korean);
    let after: Option<TenantId> = query.get("after").and_then(|id| id.parse().ok());
    let keep = after.as_ref().map(|id| format!("after={id}&")).unwrap_or_default();
    let tenants = if context.is_local(&headers) { Some(tenants(context, advisor, after).await?) } else { None };
    let url = &context.public_url;
    let activation =
        format!("curl -X POST {url}/mt/tenant/my_school/activate \\\n{}", include_str!("activation.txt").trim_end());
    Ok(page(
        language,
        &html! {
            p { (say("This service speaks the Standard API.", "이 서비스는 표준 API에 연결되어 있습니다.")) " " code { (ABOUT.name) " " (ABOUT.version) } " · " code { (url) } }
            h2 { (say("Tenants", "테넌트")) } @if !keep.is_empty() { p { a href={ "/?lang=" (language.tag()) } { (say("First page", "첫 쪽")) } } }
            @match tenants {
                None => p { (say("Figures of tenants are shown on the server's own machine only.", "테넌트 수치는 이 서버에서 직접 열 때만 보입니다.")) },
                Some((rows, _)) if rows.is_empty() => p { (say("No tenant yet. The commands below make one.", "아직 테넌트가 없습니다. 아래 명령으로 하나 만들어 보세요.")) },
                Some((rows, next)) => {
                    (figures(language, &rows))
                    @if let Some(last) = next {
                        p { (say("More tenants than fit on a page.", "테넌트가 더 있습니다.")) " " a href={ "?after=" (last) "&lang=" (language.tag()) } { (say("Next page", "다음 쪽")) } }
                    }
                },
            }
            h2 { (say("What to try next", "다음에 해 볼 일")) }
            p { @if context.settings.market_keys.is_none() { (say("Put the key that was printed at the start into MT_KEY and test the service.", "서비스를 시작할 때 출력된 키를 MT_KEY에 넣은 다음 적합성을 검사합니다.")) } @else { (say("Put one of the keys in MARKET_API_KEYS into MT_KEY and test the service.", "MARKET_API_KEYS의 키 하나를 MT_KEY에 넣은 다음 적합성을 검사합니다.")) } }
            pre tabindex="0" { "cargo run -p mt-paas-testkit -- test --target " (url) " --key \"$MT_KEY\" --full" }
            p { (say("Make a tenant.", "테넌트 하나를 만듭니다.")) }
            pre tabindex="0" { (activation) }
            @if context.docs() { p { a href="/docs/" { (say("Open the page of the API", "API 문서 열기")) } } }
        },
        &keep,
    ))
}

/// `GET /t/{tenant}`: where the market sends a tenant's people. Strangers learn nothing that the address did not tell.
pub(crate) async fn tenant(language: Language, Path(tenant): Path<String>) -> Result<Response, Problem> {
    let tenant: TenantId = tenant.parse().map_err(|_| Problem::not_found())?;
    let welcome =
        language.say("Here the people of this tenant use the service:", "이 테넌트의 사용자가 서비스를 쓰는 곳입니다:");
    let log_in = html! { a href={ "/t/" (tenant) "/login" } { (language.say("Log in", "로그인")) } };
    Ok(page(language, &html! { p { (welcome) " " code { (tenant) } } p { (log_in) } }, ""))
}

/// `GET /style.css`
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))
}

/// A page of tenants, and the last of them if there are more.
async fn tenants(
    context: &Context,
    advisor: &Advisor,
    after: Option<TenantId>,
) -> Result<(Vec<Row>, Option<TenantId>), ApiError> {
    let mut rows = Vec::new();
    let mut page = context.store.tenants(after.as_ref(), PAGE + 1).await?;
    let more = page.len() > PAGE as usize;
    page.truncate(PAGE as usize);
    for tenant in &page {
        let status = advisor.tenant_status(&tenant.id).await?.status;
        let stats = advisor.tenant_stats(&tenant.id, Period::default()).await.ok();
        rows.push((tenant.id.clone(), status, stats.map(|stats| stats.summary)));
    }
    Ok((rows, page.last().filter(|_| more).map(|tenant| tenant.id.clone())))
}

fn figures(language: Language, rows: &[Row]) -> Markup {
    let say = |english, korean| language.say(english, korean);
    let heads =
        [("Users", "사용자"), ("Messages", "메시지"), ("Tokens", "토큰"), ("Cost (USD, 30 days)", "비용 (USD, 30일)")];
    let state = |status| match status {
        TenantStatus::Active => say("active", "사용 중"),
        TenantStatus::Suspended => say("suspended", "일시 중지"),
        _ => say("deactivated", "종료"),
    };
    let numbers = |sum: &StatsSummary| {
        let [users, messages, tokens] =
            [sum.total_users, sum.total_messages, sum.total_tokens].map(|sum| sum.to_string());
        [users, messages, tokens, format!("{:.2}", sum.estimated_cost_usd.nanos() as f64 / 1e9)]
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Figures of tenants", "테넌트 수치")) { table {
            thead { tr {
                th scope="col" { (say("Tenant", "테넌트")) } th scope="col" { (say("State", "상태")) }
                @for (english, korean) in heads { th.number scope="col" { (say(english, korean)) } }
            } }
            tbody { @for (tenant, status, sum) in rows { tr {
                th scope="row" { code { (tenant) } } td { (state(*status)) }
                @for number in sum.as_ref().map_or_else(|| ["–"; 4].map(String::from), numbers) { td.number { (number) } }
            } } }
        } }
    }
}

fn page(language: Language, content: &Markup, keep: &str) -> Response {
    let (title, other) = (language.say("Advisor", "상담 서비스"), language.other());
    let markup = html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8"; meta name="viewport" content="width=device-width, initial-scale=1"; meta name="color-scheme" content="light dark";
                title { (title) } link rel="stylesheet" href="/style.css"; link rel="icon" href="data:,";
            }
            body { header { h1 { (title) } a href={ "?" (keep) "lang=" (other.tag()) } lang=(other.tag()) hreflang=(other.tag()) { (other.say("English", "한국어")) } } main { (content) } }
        }
    };
    let policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, markup).into_response()
}
