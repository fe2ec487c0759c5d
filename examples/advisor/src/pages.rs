//! The start page: what runs, what the tenants use, and what to try next.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use mt_paas_axum::Problem;
use mt_paas_axum::http::{HeaderMap, header};
use mt_paas_axum::service::Context;
use mt_paas_core::period::Period;
use mt_paas_core::standard_api::{StatsResponse, TenantStatus};
use mt_paas_core::{ApiError, StandardAPIHandler, TenantId};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use crate::ABOUT;
use crate::handler::Advisor;

/// What the pages are made from.
pub(crate) struct Desk {
    context: Context,
    advisor: Arc<Advisor>,
}

#[derive(Deserialize)]
pub(crate) struct Choice {
    lang: Option<String>,
}

/// A text in both languages.
#[derive(Clone, Copy)]
struct Words(bool);

impl Words {
    /// The language that was asked for, else the browser's, else English.
    fn of(choice: &Choice, headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let first = accepted.split(',').map(|tag| &tag.trim()[..tag.trim().len().min(2)]).find(|tag| matches!(*tag, "ko" | "en"));
        Self(choice.lang.as_deref().or(first) == Some("ko"))
    }

    fn say(self, korean: &'static str, english: &'static str) -> &'static str {
        if self.0 { korean } else { english }
    }
}

impl Desk {
    pub(crate) fn new(context: Context, advisor: Arc<Advisor>) -> Self {
        Self { context, advisor }
    }

    /// Figures of tenants are for whoever sits at this machine: a proxy in front brings another host name.
    fn is_local(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
        let forwarded = headers.keys().any(|name| name == header::FORWARDED || name.as_str().starts_with("x-forwarded"));
        let named = name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        self.context.address.ip().is_loopback() && named && !forwarded
    }

    async fn tenants(&self) -> Result<Vec<(TenantId, TenantStatus, Option<StatsResponse>)>, ApiError> {
        let mut rows = Vec::new();
        for tenant in self.context.store.tenants(None, 50).await? {
            let status = self.advisor.tenant_status(&tenant.id).await?.status;
            let stats = self.advisor.tenant_stats(&tenant.id, Period::default()).await.ok();
            rows.push((tenant.id.clone(), status, stats));
        }
        Ok(rows)
    }
}

/// `GET /`
pub(crate) async fn start(
    State(desk): State<Arc<Desk>>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let words = Words::of(&choice, &headers);
    let tenants = if desk.is_local(&headers) { Some(desk.tenants().await?) } else { None };
    let url = &desk.context.public_url;
    Ok(page(words, words.say("상담 서비스", "Advisor"), html! {
        p { (words.say("이 서비스는 표준 API에 연결되어 있습니다.", "This service speaks the Standard API.")) " " code { (ABOUT.name) " " (ABOUT.version) } " · " code { (url) } }
        h2 { (words.say("테넌트", "Tenants")) }
        @match tenants {
            None => p { (words.say("테넌트 수치는 이 서버에서 직접 열 때만 보입니다.", "Figures of tenants are shown on the server's own machine only.")) },
            Some(rows) if rows.is_empty() => p { (words.say("아직 테넌트가 없습니다. 아래 명령으로 하나 만들어 보세요.", "No tenant yet. The commands below make one.")) },
            Some(rows) => (figures(words, &rows)),
        }
        h2 { (words.say("다음에 해 볼 일", "What to try next")) }
        p { (words.say("서비스를 시작할 때 출력된 키를 MT_KEY에 넣은 다음 적합성을 검사합니다.", "Put the key that was printed at the start into MT_KEY and test the service.")) }
        pre tabindex="0" { "cargo run -p mt-paas-testkit -- test --target " (url) " --key \"$MT_KEY\" --full" }
        p { (words.say("테넌트 하나를 만듭니다.", "Make a tenant.")) }
        pre tabindex="0" { "curl -X POST " (url) "/mt/tenant/my_school/activate \\\n  -H \"X-Market-API-Key: $MT_KEY\" -H 'Content-Type: application/json' \\\n  -d '{\"tenant_id\":\"my_school\",\"tenant_name\":\"My School\",\"plan\":\"basic\",\n       \"features\":[\"chat\"],\"contact\":{\"email\":\"me@example.com\",\"name\":\"Me\"}}'" }
        p { a href="/docs/" { (words.say("API 문서 열기", "Open the page of the API")) } }
    }))
}

/// `GET /t/{tenant}`: where the market sends a tenant's people.
pub(crate) async fn tenant(
    State(desk): State<Arc<Desk>>,
    Path(tenant): Path<String>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let words = Words::of(&choice, &headers);
    let id: TenantId = tenant.parse().map_err(|_| Problem::not_found())?;
    // Open to everybody: it tells nothing that the address did not.
    let active = desk.advisor.settings(&id).await.is_ok();
    let said = if active { ("서비스를 사용할 수 있습니다.", "The service is ready.") } else { ("지금은 사용할 수 없는 주소입니다.", "Nothing is in use at this address now.") };
    Ok(page(words, words.say("상담 서비스", "Advisor"), html! { p { (words.say(said.0, said.1)) } }))
}

/// `GET /style.css`
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))
}

fn figures(words: Words, rows: &[(TenantId, TenantStatus, Option<StatsResponse>)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(words.say("테넌트 수치", "Figures of tenants")) { table {
            thead { tr {
                th scope="col" { (words.say("테넌트", "Tenant")) }
                th scope="col" { (words.say("상태", "State")) }
                @for name in [words.say("사용자", "Users"), words.say("메시지", "Messages"), words.say("토큰", "Tokens"), words.say("비용 (USD, 30일)", "Cost (USD, 30 days)")] { th.number scope="col" { (name) } }
            } }
            tbody { @for (tenant, status, stats) in rows { tr {
                th scope="row" { code { (tenant) } }
                td { (state(words, *status)) }
                @match stats.as_ref().map(|stats| stats.summary) {
                    Some(sum) => {
                        @for count in [sum.total_users, sum.total_messages, sum.total_tokens] { td.number { (thousands(count)) } }
                        td.number { (format!("{:.2}", sum.estimated_cost_usd.nanos() as f64 / 1e9)) }
                    }
                    None => { @for _ in 0..4 { td.number { "–" } } }
                }
            } } }
        } }
    }
}

fn state(words: Words, status: TenantStatus) -> &'static str {
    match status {
        TenantStatus::Active => words.say("사용 중", "active"),
        TenantStatus::Suspended => words.say("일시 중지", "suspended"),
        _ => words.say("종료", "deactivated"),
    }
}

fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn page(words: Words, title: &str, content: Markup) -> Response {
    let other = words.say("en", "ko");
    let markup = html! {
        (DOCTYPE)
        html lang=(words.say("ko", "en")) {
            head {
                meta charset="utf-8"; meta name="viewport" content="width=device-width, initial-scale=1"; meta name="color-scheme" content="light dark";
                title { (title) } link rel="stylesheet" href="/style.css"; link rel="icon" href="data:,";
            }
            body { header { h1 { (title) } a href={ "?lang=" (other) } lang=(other) hreflang=(other) { (words.say("English", "한국어")) } } main { (content) } }
        }
    };
    let policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy), (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"), (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, markup).into_response()
}
