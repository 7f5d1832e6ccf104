//! What went wrong, where, and why.
//!
//! One [`Error`] for the whole project: cheap to clone, because one failure answers many operations.
//! It carries a [`ErrorKind`] to match on, the endpoint, and the chain of sources. It leaves wording for
//! people to `Display`; nothing here is ever a string to match on.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use crate::{ErrorKind, Fault, Layer};

/// Why an operation, a task or a session did not do what was asked.
///
/// Clones share their contents: every operation that one failure ends holds the same error. What a program
/// decides by is the [kind](Self::kind) or [whose fault](Self::fault) it was; what people read is the error
/// itself.
///
/// ```
/// # use streamtask_proto as streamtask;
/// use streamtask::{Error, ErrorKind, Fault};
///
/// let error = Error::new(ErrorKind::ConnectionLost).with_endpoint("example.org:993");
/// assert_eq!(error.to_string(), "example.org:993: the connection was lost");
/// assert_eq!(error.fault(), Fault::Network); // so it may go better later
/// assert_eq!(error.code(), -1005); // as Foundation's URLError has it
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    endpoint: Option<Arc<str>>,
    detail: Option<Arc<str>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    when: Option<Instant>,
    ends: Option<Layer>,
}

impl Error {
    /// An error of this kind and nothing more.
    pub fn new(kind: ErrorKind) -> Self {
        let (endpoint, detail, source, when, ends) = (None, None, None, None, None);
        Error(Arc::new(Inner { kind, endpoint, detail, source, when, ends }))
    }

    /// The same with a sentence for people.
    pub fn with_detail(self, detail: impl Into<Arc<str>>) -> Self {
        self.edit(|inner| inner.detail = Some(detail.into()))
    }

    /// The same with what caused it.
    pub fn caused_by(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.edit(|inner| inner.source = Some(Arc::new(source)))
    }

    /// The same with the endpoint it happened to; the first one named stays.
    pub fn with_endpoint(self, endpoint: impl Into<Arc<str>>) -> Self {
        match self.0.endpoint {
            Some(_) => self,
            None => self.edit(|inner| inner.endpoint = Some(endpoint.into())),
        }
    }

    /// The same with when it happened; the first moment named stays.
    pub fn with_when(self, when: Instant) -> Self {
        match self.0.when {
            Some(_) => self,
            None => self.edit(|inner| inner.when = Some(when)),
        }
    }

    /// The same for a read that learns from it that this layer has ended.
    pub(crate) fn ending(self, layer: Layer) -> Self {
        self.edit(|inner| inner.ends = Some(layer))
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// What happened, to match on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whose fault it was.
    pub fn fault(&self) -> Fault {
        self.0.kind.fault()
    }

    /// `host:port` of the task it happened to.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// When it happened, if it happened to a task: every operation that one failure ends says the same.
    pub fn when(&self) -> Option<Instant> {
        self.0.when
    }

    /// A sentence for people, if there is more to say than its kind does.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The number that `URLError` has for this kind (`NSURLErrorDomain`).
    pub fn code(&self) -> i32 {
        self.0.kind.code()
    }

    /// Whether a limit in time was reached.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::TimedOut(_))
    }

    /// Which layer has ended, if whoever looks at this error learns that: for drivers, who tell
    /// [`Input::EndSeen`](crate::Input::EndSeen).
    pub fn ends(&self) -> Option<Layer> {
        self.0.ends
    }

    fn show_parts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("code", &self.code())
            .field("endpoint", &self.0.endpoint)
            .field("detail", &self.0.detail)
            .field("source", &self.0.source)
            .finish()
    }

    /// Whether a send that failed so leaves the peer's end in doubt. The system tells a socket's error once,
    /// and then calls it ended; only where the pipe was broken had the peer's FIN come before.
    pub(crate) fn casts_doubt_on_the_end(&self) -> bool {
        let cause = self.0.source.as_deref().and_then(|source| source.downcast_ref::<io::Error>());
        cause.is_some_and(|cause| cause.kind() != io::ErrorKind::BrokenPipe)
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.kind == ErrorKind::Cancelled
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(endpoint) = &self.0.endpoint {
            write!(f, "{endpoint}: ")?;
        }
        write!(f, "{}", self.0.kind)?;
        if let Some(detail) = &self.0.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

/// For people, as [`Display`](fmt::Display), with what caused it: a `main` that returns it prints this. `{:#?}`
/// shows the parts.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.show_parts(f);
        }
        fmt::Display::fmt(self, f)?;
        match &self.0.source {
            // Its words are for its own authors, and were said in others.
            Some(source) if !source.is::<rustls::Error>() => write!(f, ": {source}"),
            Some(_) | None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error::new(kind)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        use io::ErrorKind as Io;
        let kind = match error.kind() {
            ErrorKind::InvalidArgument | ErrorKind::InvalidEndpoint => Io::InvalidInput,
            ErrorKind::TimedOut(_) => Io::TimedOut,
            ErrorKind::CannotConnect => Io::ConnectionRefused,
            ErrorKind::ConnectionLost => Io::ConnectionReset,
            ErrorKind::Truncated | ErrorKind::UnexpectedEnd => Io::UnexpectedEof,
            ErrorKind::NotConnected => Io::NotConnected,
            ErrorKind::WriteQueueFull => Io::WouldBlock,
            _ => Io::Other,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_main_returns_is_a_sentence_and_its_parts_are_shown_on_demand() {
        let error = Error::new(ErrorKind::CannotConnect)
            .with_endpoint("example.org:25")
            .caused_by(io::Error::from(io::ErrorKind::ConnectionRefused));
        let said = "example.org:25: cannot connect to the host: connection refused";
        assert_eq!(format!("{error:?}"), said);
        assert!(format!("{error:#?}").contains("kind: CannotConnect"));
    }
}
