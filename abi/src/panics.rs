//! Panics that are expected: caught, turned into a sentence, and never printed.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `f`; a panic becomes its message with the place it came from.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    struct Depth;
    impl Drop for Depth {
        fn drop(&mut self) {
            CATCHING.with(|depth| depth.set(depth.get() - 1));
        }
    }
    CATCHING.with(|depth| depth.set(depth.get() + 1));
    // Lives until the payload is gone: dropping that can panic too.
    let _depth = Depth;
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let hooked = CAUGHT.with(|caught| caught.borrow_mut().take());
        let message = hooked.unwrap_or_else(|| describe(payload.as_ref()));
        // What was thrown into a border is not worth a second try.
        if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
            CAUGHT.with(|caught| caught.borrow_mut().take());
            std::mem::forget(second);
        }
        message
    })
}

/// Keeps panics inside [`catch`] from being printed. One hook for each copy of the standard library: the host's, and
/// that of every plugin.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.with(Cell::get) == 0 {
                return previous(info);
            }
            let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line()));
            let message = format!("{}{}", describe(info.payload()), place.unwrap_or_default());
            CAUGHT.with(|caught| *caught.borrow_mut() = Some(message));
        }));
    });
}

fn describe(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic without text".to_owned())
}
