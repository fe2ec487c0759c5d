//! Where a request comes from.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{Extensions, header};
use mt_paas_core::auth::Visitor;

/// The address and the program behind a request, for what logs somebody in.
#[derive(Debug, Clone)]
pub struct FromWhere(pub Visitor);

impl<S: Sync> FromRequestParts<S> for FromWhere {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self(Visitor { address: peer(&parts.extensions), user_agent: agent.map(str::to_owned) }))
    }
}

/// The address at the other end of the connection.
pub(crate) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical())
}
