//! Messages that are handed to the operator.

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Message, NotSent, Notifier};

/// Tells the log that a message waits, without the message. Where the operator alone reads what is printed, as on a loopback
/// address, it can [print](Self::printing) the message itself.
#[derive(Default)]
pub struct LogNotifier(Option<Mutex<Box<dyn Write + Send>>>);

impl LogNotifier {
    /// Prints messages as well, to standard output for example.
    pub fn printing(out: impl Write + Send + 'static) -> Self {
        Self(Some(Mutex::new(Box::new(out))))
    }
}

#[async_trait]
impl Notifier for LogNotifier {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let Message { link_id, purpose, tenant, user, .. } = message;
        let Some(out) = &self.0 else {
            tracing::warn!(link = %link_id, %purpose, %tenant, %user, "no way of sending is set up: an administrator has to hand this link over");
            return Ok(());
        };
        tracing::info!(link = %link_id, %purpose, %tenant, %user, "a message is printed instead of sent");
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = writeln!(out, "\n{}\n\n{}", message.subject(), message.text().expose());
        printed.and_then(|()| out.flush()).map_err(|error| NotSent::Later(error.into()))
    }
}

impl fmt::Debug for LogNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogNotifier").field("printing", &self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::super::message::tests::message;
    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_message_is_printed_where_that_is_asked_for_and_never_logged() {
        let (log, paper) = (Paper::default(), Paper::default());
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let guard = tracing::subscriber::set_default(subscriber);
        LogNotifier::default().send(&message("Kim")).await.unwrap();
        LogNotifier::printing(paper.clone()).send(&message("Kim")).await.unwrap();
        drop(guard);
        let read = |paper: &Paper| String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        assert_eq!(read(&paper).matches("https://ai.example.com/set-password/CANARY").count(), 2);
        assert_eq!(read(&log).lines().count(), 2);
        assert!(!read(&log).contains("CANARY") && !read(&log).contains("kim@"), "{}", read(&log));
    }
}
