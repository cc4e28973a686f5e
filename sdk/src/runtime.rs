//! One tokio runtime per library, built when it is first needed and stopped when the host says so.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::task::{self, Poll};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tracing::Instrument;

use crate::{Context, Error, Result};

const WORKERS: usize = 2;
/// How often a waiting future looks at the cancel flag.
const STEP: Duration = Duration::from_millis(50);

static LIBRARY: OnceLock<&'static str> = OnceLock::new();
/// A static is never dropped, so no destructor ever waits for the workers.
static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

/// Runs `future` to its end on this thread, with the workers of the library's runtime behind it.
///
/// The host calls from plain threads; a call from a task of the runtime itself is refused, for it would hold a worker.
///
/// ```
/// use dstream_sdk::{Context, block_on};
/// use std::sync::Arc;
///
/// let context = Context::detached(Arc::default());
/// assert_eq!(block_on(&context, async { Ok(42) }).unwrap(), 42);
/// ```
///
/// # Errors
/// `Cancelled`: the context was cancelled; the future is dropped where it stood, at most 100 ms later. Else what the
/// future returns.
pub fn block_on<T>(context: &Context, future: impl Future<Output = Result<T>>) -> Result<T> {
    if Handle::try_current().is_ok() {
        return Err(Error::bug("`block_on` was called from a task of a runtime")
            .hint("await the future there, or hand it to `spawn`"));
    }
    let handle = handle()?;
    context.enter(|| {
        handle.block_on(async {
            let mut future = std::pin::pin!(future);
            loop {
                if context.is_cancelled() {
                    return Err(Error::cancelled("the run was told to stop"));
                }
                if let Ok(outcome) = tokio::time::timeout(STEP, future.as_mut()).await {
                    return outcome;
                }
            }
        })
    })
}

/// Runs `future` on the workers of the library's runtime. The context of the calling thread and its `tracing` span go
/// with it, so that what it logs appears under the same object.
///
/// # Errors
/// `Resource`: the runtime cannot be built.
pub fn spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Result<tokio::task::JoinHandle<T>> {
    let future = future.in_current_span();
    let future = WithContext { context: Context::current(), future: Box::pin(future) };
    Ok(handle()?.spawn(future))
}

/// The handle of the library's runtime, for code that wants one.
///
/// # Errors
/// `Resource`: the runtime cannot be built.
pub fn handle() -> Result<Handle> {
    let mut runtime = lock();
    if let Some(runtime) = runtime.as_ref() {
        return Ok(runtime.handle().clone());
    }
    let built = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name_fn(thread_name)
        .enable_all()
        .build()
        .map_err(|error| Error::resource(format!("the threads of the library cannot be started: {error}")))?;
    let handle = built.handle().clone();
    *runtime = Some(built);
    Ok(handle)
}

/// Remembers whose runtime it is: its threads carry the name.
pub(crate) fn set_library(name: &'static str) {
    LIBRARY.get_or_init(|| name);
}

/// Stops the workers, and waits at most `deadline` for what blocks on them.
pub(crate) fn stop(deadline: Duration) {
    // Taken out first: a task that asks for the handle while it ends must not find the lock held.
    let runtime = lock().take();
    if let Some(runtime) = runtime {
        runtime.shutdown_timeout(deadline);
    }
}

fn lock() -> MutexGuard<'static, Option<Runtime>> {
    RUNTIME.lock().unwrap_or_else(|poison| poison.into_inner())
}

fn thread_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let library = LIBRARY.get().copied().unwrap_or("dstream-sdk");
    let library = library.strip_prefix("dstream-").unwrap_or(library);
    // Linux shows 15 bytes of a name.
    let short = library.get(..10).unwrap_or(library);
    format!("ds-{short}-{}", NEXT.fetch_add(1, Ordering::Relaxed) % 10)
}

struct WithContext<F> {
    context: Option<Context>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for WithContext<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        match self.context.clone() {
            Some(context) => context.enter(|| self.future.as_mut().poll(cx)),
            None => self.future.as_mut().poll(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_future_ends_with_cancelled_when_the_context_is() {
        let flag = Arc::new(AtomicBool::new(false));
        let context = Context::detached(flag.clone());
        let outcome = block_on::<()>(&context, async {
            flag.store(true, Ordering::Relaxed);
            std::future::pending().await
        });
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn a_spawned_task_carries_the_context_of_the_call() {
        let flag = Arc::new(AtomicBool::new(false));
        let context = Context::detached(flag.clone());
        let seen = block_on(&context, async {
            let task = spawn(async {
                tokio::task::yield_now().await;
                Context::current()
            })?;
            task.await.map_err(|error| Error::bug(error.to_string()))
        });
        let seen = seen.unwrap().unwrap();
        assert!(!seen.is_cancelled());
        flag.store(true, Ordering::Relaxed);
        assert!(seen.is_cancelled());
    }

    #[test]
    fn blocking_inside_of_a_task_is_refused() {
        let context = Context::detached(Arc::default());
        let inner = context.clone();
        let outcome = block_on(&context, async move { block_on(&inner, async { Ok(()) }) });
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Bug);
    }

    #[test]
    fn threads_carry_the_name_of_the_library() {
        assert!(thread_name().starts_with("ds-"));
        assert!(thread_name().len() <= 15);
    }
}
