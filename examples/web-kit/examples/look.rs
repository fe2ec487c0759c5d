//! The pages on a store in memory, to look at: `cargo run -p web-kit --example look`. It prints where to begin, and the
//! links that it would send. With `--known` there is an operator already, whose password everybody knows.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use mt_paas_axum::auth::{Doorkeeper, SessionCookie};
use mt_paas_axum::serve::{ServeOptions, serve, terminated};
use mt_paas_core::Secret;
use mt_paas_core::auth::{Access, Accounts, Message, NotSent, Notifier};
use mt_paas_core::store::memory::MemoryStore;
use web_kit::{Site, Text, account_pages};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let store = Arc::new(MemoryStore::new());
    let scopes =
        Accounts::builder(store.clone(), "Look").scope("chat", Access::User).scope("people.read", Access::Viewer);
    let accounts = scopes.public_url(&url).notifier(Arc::new(Printer)).build()?;
    let setup = accounts.setup_token().await?.ok_or("there is an operator already")?;
    println!("{url}/setup/{}", setup.expose());
    if std::env::args().any(|arg| arg == "--known") {
        accounts.seed_first("admin", &Secret::from("admin"), true).await?;
        println!("{url}/login as admin with the password admin");
    }
    let sender = accounts.clone();
    tokio::spawn(async move { sender.keep_house().await });
    let keeper = Doorkeeper::new(accounts, store, SessionCookie::of_site(&url, false)?);
    let site = Site::new(Text::new("Look", "둘러보기")).people_home("/account");
    let home = Router::new().route("/", get(|| async { Redirect::to("/account") }));
    serve(listener, account_pages(&keeper, &site).merge(home), ServeOptions::default(), terminated()).await?;
    Ok(())
}

/// Prints links instead of sending them. Only for looking at pages: whoever has a link gets in.
struct Printer;

#[async_trait]
impl Notifier for Printer {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        println!("{}", message.link.expose());
        Ok(())
    }
}
