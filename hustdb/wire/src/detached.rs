//! Counts what goes on by itself on a worker, whether its client waits or not, so that the worker can wait for it when
//! it ends.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use tokio::{runtime::Handle, sync::Notify};

/// What goes on by itself on one worker.
#[derive(Debug, Default)]
pub struct Detached {
    count: AtomicUsize,
    ended: Notify,
}

/// One of them; leaves when dropped.
#[derive(Debug)]
pub struct Entry(Arc<Detached>);

impl Detached {
    /// Counts one more.
    pub fn enter(self: &Arc<Detached>) -> Entry {
        self.count.fetch_add(1, SeqCst);
        Entry(self.clone())
    }

    /// Does `work` for who waits for it; should they stop waiting, it goes on in a task of its own. That task is made only
    /// then: a task for each would cost those who wait, and nearly all do.
    pub fn run<T: 'static>(
        self: &Arc<Detached>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Lasting<T> {
        let entry = self.enter();
        let work = Box::pin(async move {
            let result = work.await;
            drop(entry);
            result
        });
        Lasting { work: Some(work), runtime: Handle::current() }
    }

    /// Waits until none is left.
    pub async fn finish(&self) {
        while self.count.load(SeqCst) > 0 {
            self.ended.notified().await;
        }
    }
}

/// Work that goes on when its caller stops waiting for it.
pub struct Lasting<T: 'static> {
    /// Not there while it is polled, so that a panic ends it.
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    runtime: Handle,
}

impl<T> Future for Lasting<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(mut work) = self.work.take() else { return Poll::Pending };
        let result = work.as_mut().poll(cx);
        if result.is_pending() {
            self.work = Some(work);
        }
        result
    }
}

impl<T> Drop for Lasting<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.runtime.spawn(async move {
                work.await;
            });
        }
    }
}

impl<T> fmt::Debug for Lasting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lasting").field("is_over", &self.work.is_none()).finish_non_exhaustive()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, SeqCst) == 1 {
            self.0.ended.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits() {
        let detached = Arc::new(Detached::default());
        assert_eq!(detached.run(async { 7 }).await, 7);
        let (go, wait) = oneshot::channel::<()>();
        let (done, result) = oneshot::channel();
        let mut begun = detached.run(async move {
            let heard = wait.await;
            done.send(heard.is_ok())
        });
        assert!(Pin::new(&mut begun).poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
        drop(begun);
        // Not even begun.
        drop(detached.run(async {}));
        assert_eq!(detached.count.load(SeqCst), 2);
        assert!(go.send(()).is_ok());
        assert_eq!(result.await, Ok(true));
        detached.finish().await;
    }

    #[tokio::test]
    async fn a_panic_ends_it() {
        let detached = Arc::new(Detached::default());
        let waiting = detached.clone();
        let task = tokio::spawn(async move { waiting.run(async { panic!("on purpose") }).await });
        assert!(task.await.is_err_and(|error| error.is_panic()));
        detached.finish().await;
    }
}
