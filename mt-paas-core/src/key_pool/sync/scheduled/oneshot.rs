//! A channel for one value.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
pub(crate) use tokio::sync::oneshot::error::RecvError;

use super::{Planted, planted, point};

pub(crate) struct Sender<T>(oneshot::Sender<T>);

pub(crate) struct Receiver<T>(oneshot::Receiver<T>);

pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = oneshot::channel();
    (Sender(sender), Receiver(receiver))
}

impl<T> Sender<T> {
    pub(crate) fn send(self, value: T) -> Result<(), T> {
        point();
        self.0.send(value)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl<T> Receiver<T> {
    pub(crate) fn close(&mut self) {
        point();
        self.0.close();
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        point();
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        point();
        if planted(Planted::ValueKept) {
            std::mem::forget(self.0.try_recv());
        }
    }
}
