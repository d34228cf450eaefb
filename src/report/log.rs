//! Messages on stderr.

use std::fmt;
use std::io::{self, Write as _};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::progress::Above;
use crate::text::one_line;

/// No message is longer, in characters.
const LONGEST_MESSAGE: usize = 4_000;

/// How messages are written.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// The least important level that is shown.
    pub level: LevelFilter,
    /// One JSON object a line, instead of text.
    pub json: bool,
    /// Whether text is coloured.
    pub color: bool,
    /// Whether lines of text begin with their priority, as the systemd journal takes it; see [`is_journal`].
    pub is_journal: bool,
}

/// Whether stderr is the systemd journal: then it is what the variable `JOURNAL_STREAM`, which is given here, says.
/// A program that was started with stderr elsewhere inherits the variable, too.
#[must_use]
pub fn is_journal(value: Option<&str>) -> bool {
    let stderr = rustix::fs::fstat(io::stderr()).ok();
    stderr.is_some_and(|stderr| value.is_some_and(|value| value == format!("{}:{}", stderr.st_dev, stderr.st_ino)))
}

/// Sends this process's messages to stderr. Only certctl's own: those of the HTTP and TLS libraries could show what
/// is on the wire, keys included.
///
/// A second call changes nothing.
pub fn start(style: Style) {
    let ours = Targets::new().with_target("certctl", style.level);
    let registry = tracing_subscriber::registry().with(ours);
    let layer = tracing_subscriber::fmt::layer().with_writer(|| Above);
    let _ = if style.json {
        registry.with(layer.json().with_target(false)).try_init()
    } else {
        registry.with(layer.event_format(Line { color: style.color, is_journal: style.is_journal })).try_init()
    };
}

/// A panic tells where it happened, never with what: that could be a key. Nor is there a backtrace, whatever the
/// variables ask for.
pub fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        if tracing::dispatcher::has_been_set() {
            tracing::error!("a bug{place}");
        } else {
            // Before it is known how messages are to look. A second panic in here would end it all with a core dump.
            let _ = writeln!(io::stderr(), "certctl: error: a bug{place}");
        }
    }));
}

/// `certctl: warning: message`, as Unix commands write it.
struct Line {
    color: bool,
    is_journal: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (word, color, priority) = match *event.metadata().level() {
            Level::ERROR => ("error: ", "31", 3),
            Level::WARN => ("warning: ", "33", 4),
            Level::INFO => ("", "", 6),
            _ => ("debug: ", "2", 7),
        };
        if self.is_journal {
            write!(writer, "<{priority}>certctl: {word}")?;
        } else if self.color && !word.is_empty() {
            write!(writer, "certctl: \x1b[{color}m{word}\x1b[0m")?;
        } else {
            write!(writer, "certctl: {word}")?;
        }
        // Here, once for all messages, what clouds have sent becomes harmless: no line end forges another message.
        let mut message = String::new();
        context.format_fields(Writer::new(&mut message), event)?;
        writeln!(writer, "{}", one_line(&message, LONGEST_MESSAGE))
    }
}
