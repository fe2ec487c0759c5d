//! The tester inside a service's own tests.

use std::future::Future;

use tokio::net::TcpListener;

use crate::report::Report;
use crate::run_error::RunError;
use crate::target::Target;
use crate::tester::Tester;

/// Serves a service on a free port of the loopback address, tests it, and stops serving.
///
/// `serve` gets the bound listener and runs the service on it, whatever it is made of; `configure` makes the tester
/// out of the target, most simply [`Tester::new`].
///
/// ```no_run
/// # async fn my_service(_: tokio::net::TcpListener) {}
/// # async fn example() {
/// use mt_paas_testkit::{Tester, serve_and_test};
///
/// let report = serve_and_test(my_service, "the-market-key", Tester::new).await.expect("the service answers");
/// assert!(report.conformant(false), "{report}");
/// # }
/// ```
///
/// # Errors
///
/// [`RunError`] when the service does not answer or refuses the key, or the key cannot stand in a header.
pub async fn serve_and_test<F, S>(
    serve: F,
    key: impl Into<String>,
    configure: impl FnOnce(Target) -> Tester,
) -> Result<Report, RunError>
where
    F: FnOnce(TcpListener) -> S,
    S: Future + Send + 'static,
{
    let unreachable = |why: &dyn std::fmt::Display| RunError::unreachable("the service", why);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| unreachable(&error))?;
    let address = listener.local_addr().map_err(|error| unreachable(&error))?;
    let target = Target::new(&format!("http://{address}"), key).map_err(|error| unreachable(&error))?;
    let service = serve(listener);
    let serving = tokio::spawn(async move {
        service.await;
    });
    // Aborts also when this future is dropped or a check panics.
    let _guard = Stopper(serving.abort_handle());
    configure(target).run().await
}

struct Stopper(tokio::task::AbortHandle);

impl Drop for Stopper {
    fn drop(&mut self) {
        self.0.abort();
    }
}
