//! What a library logs with `tracing` reaches the host's log.
//!
//! A shared library has its own copy of `tracing`, and with it its own global subscriber: this one. Its level is that of
//! the host, so an event that nobody listens to costs one atomic load.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber, span};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::{Context, LogLevel, host_log_level, log_of_library};

/// The host's level: 0 to 5.
static LEVEL: AtomicU32 = AtomicU32::new(0);

/// Asks the host for its level; the first call installs the bridge.
///
/// A program that holds library and host at once has one `tracing`: there the host's subscriber is the global one
/// already, and events reach it without a bridge.
pub(crate) fn refresh() {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let level = host_log_level();
    let changed = LEVEL.swap(level, Ordering::Relaxed) != level;
    let installed = *INSTALLED.get_or_init(|| {
        tracing::subscriber::set_global_default(
            tracing_subscriber::registry().with(Bridge { level: &LEVEL, out: to_host }),
        )
        .is_ok()
    });
    if installed && changed {
        tracing::callsite::rebuild_interest_cache();
    }
}

/// One event on its way to the host.
struct Record<'a> {
    level: LogLevel,
    target: &'a str,
    message: &'a str,
    spans: &'a str,
    fields: &'a [(&'a str, &'a str)],
}

fn to_host(record: &Record<'_>) {
    let Record { level, target, message, spans, fields } = *record;
    match Context::current() {
        Some(context) => context.log(level, target, message, spans, fields),
        None => log_of_library(level, target, message, spans, fields),
    }
}

/// The layer; `out` is `to_host` but in tests.
struct Bridge<F> {
    level: &'static AtomicU32,
    out: F,
}

impl<F> Bridge<F> {
    fn filter(&self) -> LevelFilter {
        match self.level.load(Ordering::Relaxed) {
            0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        }
    }
}

impl<S, F> Layer<S> for Bridge<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: Fn(&Record<'_>) + 'static,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match *metadata.level() <= self.filter() {
            true => Interest::always(),
            false => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: LayerContext<'_, S>) -> bool {
        *metadata.level() <= self.filter()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter())
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: LayerContext<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut text = SpanText { name: attributes.metadata().name(), fields: String::new() };
        attributes.record(&mut text);
        span.extensions_mut().insert(text);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: LayerContext<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(text) = span.extensions_mut().get_mut::<SpanText>() {
            values.record(text);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: LayerContext<'_, S>) {
        // Where host and library share one `tracing`, the host's answer to a record is itself an event.
        let Some(_busy) = Busy::begin() else { return };
        let mut values = Values::default();
        event.record(&mut values);
        let mut spans = String::new();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(text) = span.extensions().get::<SpanText>() {
                text.write(&mut spans);
            }
        }
        let fields: Vec<(&str, &str)> =
            values.fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
        (self.out)(&Record {
            level: level(event.metadata().level()),
            target: event.metadata().target(),
            message: &values.message,
            spans: &spans,
            fields: &fields,
        });
    }
}

thread_local! { static BUSY: Cell<bool> = const { Cell::new(false) } }

/// This thread is handing an event on; ends also when the `Debug` of a value panics.
struct Busy;

impl Busy {
    fn begin() -> Option<Busy> {
        (!BUSY.replace(true)).then_some(Busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.set(false);
    }
}

fn level(level: &Level) -> LogLevel {
    match *level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

/// One span as text: `name{field=value other=value}`.
struct SpanText {
    name: &'static str,
    fields: String,
}

impl SpanText {
    fn write(&self, spans: &mut String) {
        if !spans.is_empty() {
            spans.push(':');
        }
        spans.push_str(self.name);
        if !self.fields.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(spans, "{{{}}}", self.fields);
        }
    }
}

impl Visit for SpanText {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let space = if self.fields.is_empty() { "" } else { " " };
        let _ = write!(self.fields, "{space}{}={value:?}", field.name());
    }
}

/// The message and the other fields of an event, as text.
#[derive(Default)]
struct Values {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Values {
    fn put(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => self.fields.push((name, value)),
        }
    }
}

impl Visit for Values {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    fn logged(level: &'static AtomicU32, f: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = lines.clone();
        let out = move |record: &Record<'_>| {
            let Record { level, target, message, spans, fields } = record;
            assert_eq!(*target, module_path!());
            sink.lock().unwrap().push(format!("{level:?} [{spans}] {message} {fields:?}"));
        };
        let subscriber = tracing_subscriber::registry().with(Bridge { level, out });
        tracing::subscriber::with_default(subscriber, f);
        Arc::try_unwrap(lines).unwrap().into_inner().unwrap()
    }

    #[test]
    fn an_event_carries_its_fields_and_the_spans_around_it() {
        static LEVEL: AtomicU32 = AtomicU32::new(5);
        let lines = logged(&LEVEL, || {
            let outer = tracing::info_span!("read", stream = "orders", rows = tracing::field::Empty);
            let _outer = outer.enter();
            outer.record("rows", 3);
            let _inner = tracing::debug_span!("page").entered();
            tracing::warn!(status = 503, url = "u", "server is busy");
        });
        assert_eq!(
            lines,
            [r#"Warn [read{stream="orders" rows=3}:page] server is busy [("status", "503"), ("url", "u")]"#]
        );
    }

    #[test]
    fn what_the_host_does_not_listen_to_is_not_made() {
        static LEVEL: AtomicU32 = AtomicU32::new(3);
        let lines = logged(&LEVEL, || {
            tracing::debug!(value = %{ panic!("an event that is off was made"); #[allow(unreachable_code)] 1 }, "off");
            tracing::info!("on");
        });
        assert_eq!(lines, ["Info [] on []"]);
    }

    #[test]
    fn an_event_that_the_log_itself_makes_does_not_come_back() {
        static LEVEL: AtomicU32 = AtomicU32::new(5);
        let lines = Arc::new(AtomicU32::new(0));
        let count = lines.clone();
        let out = move |_: &Record<'_>| {
            count.fetch_add(1, Ordering::Relaxed);
            tracing::info!("written");
        };
        let subscriber = tracing_subscriber::registry().with(Bridge { level: &LEVEL, out });
        tracing::subscriber::with_default(subscriber, || tracing::info!("asked"));
        assert_eq!(lines.load(Ordering::Relaxed), 1);
    }
}
