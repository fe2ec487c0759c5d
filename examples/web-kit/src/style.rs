//! The house stylesheet.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mt_paas_axum::Problem;
use mt_paas_axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");

/// The content's hash is in the name, so that browsers keep a version for good and never mix two.
static NAME: LazyLock<String> = LazyLock::new(|| format!("style-{}.css", &hex::encode(Sha256::digest(STYLE))[..16]));

/// Where the stylesheet is.
pub fn style_address() -> String {
    format!("/kit/{}", *NAME)
}

/// `GET /kit/style-….css`, once for each service. [`account_pages`](crate::account_pages) has it already.
pub fn style_routes() -> Router {
    Router::new().route("/kit/{name}", get(style))
}

async fn style(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    if name != *NAME {
        return Err(Problem::not_found());
    }
    let tag = format!("\"{}\"", *NAME);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let is_known = known
        .flat_map(|tags| tags.split(','))
        .any(|known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag);
    let kept = [(header::ETAG, tag), (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned())];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((kept, kind, STYLE).into_response())
}
