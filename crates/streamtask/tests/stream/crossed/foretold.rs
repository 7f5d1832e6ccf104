//! What two calls come to, one behind the other: from the words, and from nothing of ours.

use std::collections::VecDeque;

use streamtask::ErrorKind;

use super::calls::{Call, Form, WORDS};
use super::peer::Segment;

/// What the peer echoes before the calls or behind them; each of two reads finds enough in it.
pub(super) const DATA: &str = "a\nbc\ndef\nghij\n";

/// One way to cross two calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) calls: [(Call, Form); 2],
    /// Whether the data is there before the calls are made.
    pub(super) is_early: bool,
    /// Whether all this begins under TLS.
    pub(super) is_secure: bool,
}

/// What one call comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It returned nothing, or nobody wants it.
    None,
    Done,
    Captured,
    Read {
        text: String,
        is_secure: bool,
    },
    Failed(ErrorKind),
    /// It was under way when the task was cancelled, or had just been done.
    DoneOrCancelled,
    /// Told with the end of the task.
    Ending,
}

/// How the task stands in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Not,
    Well,
    Captured,
    Failed(ErrorKind),
}

/// All of it.
#[derive(Debug)]
pub(super) struct Foretold {
    pub(super) answers: [Answer; 2],
    /// What nobody has taken, each byte with whether it came under TLS.
    pub(super) left: Vec<(char, bool)>,
    pub(super) over: Over,
    /// What happens from each call on.
    pub(super) events: [Vec<&'static str>; 2],
    /// What the peer has to do.
    pub(super) script: Vec<Segment>,
    pub(super) writes_more: bool,
}

/// The model: a stream that is echoed.
struct Stream {
    is_secure: bool,
    unread: VecDeque<(char, bool)>,
    parked: Vec<(usize, Call, Form)>,
    is_read_called_closed: bool,
    is_read_closed: bool,
    is_write_closed: bool,
    over: Over,
    answers: [Answer; 2],
    events: Vec<&'static str>,
    script: Vec<Segment>,
}

impl Case {
    /// Reads before a capture that wait would wait for bytes that nobody can ask for.
    pub(super) fn is_possible(self) -> bool {
        let [(first, form), (second, _)] = self.calls;
        let is_stuck = !self.is_early && first.is_read() && second == Call::Capture;
        !is_stuck || matches!(form, Form::Dropped | Form::PolledAndDropped)
    }

    pub(super) fn foretell(self) -> Foretold {
        let mut stream = Stream::new(self.is_secure);
        let warm_up = if self.is_early { 1 + DATA.len() } else { 1 };
        stream.script.last_mut().expect("the first").bytes = warm_up;
        if self.is_early {
            stream.unread.extend(DATA.chars().map(|letter| (letter, self.is_secure)));
        }
        let mut from = [0; 2];
        for (at, (call, form)) in self.calls.into_iter().enumerate() {
            // A switch of TLS takes the peer's part: it happens behind both calls.
            let is_switching = at == 1
                && stream.over == Over::Not
                && matches!(self.calls[0].0, Call::Start | Call::Stop);
            from[at] = if is_switching { 0 } else { stream.events.len() };
            let starts_next = at == 0 && self.calls[1].0 == Call::Start;
            stream.call(at, call, form, starts_next);
        }
        let writes_more = !self.is_early && stream.over == Over::Not && !stream.is_write_closed;
        if writes_more {
            stream.echo(DATA);
        }
        stream.settle();
        let events = from.map(|from| stream.events[from.min(stream.events.len())..].to_vec());
        Foretold {
            answers: stream.answers,
            left: stream.unread.into_iter().collect(),
            over: stream.over,
            events,
            script: stream.script,
            writes_more,
        }
    }
}

impl Stream {
    fn new(is_secure: bool) -> Self {
        Stream {
            is_secure,
            unread: VecDeque::new(),
            parked: Vec::new(),
            is_read_called_closed: false,
            is_read_closed: false,
            is_write_closed: false,
            over: Over::Not,
            answers: [Answer::None, Answer::None],
            events: Vec::new(),
            script: vec![Segment { is_secure, bytes: 0 }],
        }
    }

    fn call(&mut self, at: usize, call: Call, form: Form, starts_next: bool) {
        let is_wanted = !matches!(form, Form::Dropped);
        let answer = match (call, self.over) {
            (Call::Completion | Call::Events, _) => Answer::Ending,
            (
                Call::CloseRead | Call::CloseWrite | Call::Cancel,
                Over::Failed(_) | Over::Captured | Over::Well,
            ) => Answer::None,
            (_, Over::Failed(kind)) => Answer::Failed(kind),
            (_, Over::Captured) => Answer::Failed(ErrorKind::NotConnected),
            (_, Over::Well) => unreachable!("two calls end no task well before the second"),
            (call, Over::Not) => self.act(at, call, form, starts_next),
        };
        self.answers[at] = if is_wanted { answer } else { Answer::None };
        self.settle();
    }

    fn act(&mut self, at: usize, call: Call, form: Form, starts_next: bool) -> Answer {
        match call {
            Call::Exact | Call::Line => self.read(at, call, form),
            Call::Write if self.is_write_closed => Answer::Failed(ErrorKind::NotConnected),
            Call::Write => {
                // What is said in clear text before a start of TLS is not answered.
                match starts_next && !self.is_secure {
                    true => self.say(WORDS),
                    false => self.echo(WORDS),
                }
                Answer::Done
            }
            Call::CloseRead => {
                self.is_read_called_closed = true;
                Answer::None
            }
            Call::CloseWrite => {
                if !std::mem::replace(&mut self.is_write_closed, true) {
                    self.events.push("write closed");
                }
                Answer::None
            }
            Call::Start => self.start(),
            Call::Stop => self.stop(),
            Call::Capture => {
                self.over = Over::Captured;
                Answer::Captured
            }
            Call::Cancel => {
                self.unread.clear();
                self.fail(ErrorKind::Cancelled);
                Answer::None
            }
            Call::Completion | Call::Events => unreachable!("they ask for nothing"),
        }
    }

    fn read(&mut self, at: usize, call: Call, form: Form) -> Answer {
        if self.is_read_called_closed {
            return Answer::Failed(ErrorKind::NotConnected);
        }
        match (form, self.parked.is_empty().then(|| self.takes(call)).flatten()) {
            // It is taken back, whatever it had.
            (Form::Dropped, _) | (Form::PolledAndDropped, None) => Answer::None,
            (_, Some(count)) => self.take(count),
            (_, None) => {
                self.parked.push((at, call, form));
                Answer::None
            }
        }
    }

    /// How much `call` takes of what came under one layer, if there is enough.
    fn takes(&self, call: Call) -> Option<usize> {
        let layer = self.unread.front()?.1;
        let mut there = self.unread.iter().take_while(|(_, is_secure)| *is_secure == layer);
        match call {
            Call::Exact => (there.count() >= 2).then_some(2),
            _ => there.position(|(letter, _)| *letter == '\n').map(|place| place + 1),
        }
    }

    fn take(&mut self, count: usize) -> Answer {
        let taken: Vec<_> = self.unread.drain(..count).collect();
        Answer::Read {
            text: taken.iter().map(|(letter, _)| letter).collect(),
            is_secure: taken[0].1,
        }
    }

    fn say(&mut self, words: &str) {
        self.script.last_mut().expect("the first").bytes += words.len();
    }

    fn echo(&mut self, words: &str) {
        self.say(words);
        if self.is_read_closed {
            return;
        }
        let is_secure = self.is_secure;
        self.unread.extend(words.chars().map(|letter| (letter, is_secure)));
    }

    fn start(&mut self) -> Answer {
        if self.is_secure {
            return Answer::Done;
        }
        if self.is_write_closed || self.is_read_called_closed {
            // Whoever reads from now on counts on TLS.
            self.unread.retain(|(_, is_secure)| *is_secure);
            self.fail(ErrorKind::NotConnected);
            return Answer::Failed(ErrorKind::NotConnected);
        }
        if self.unread.iter().any(|(_, is_secure)| !is_secure) {
            let kind = ErrorKind::UnexpectedClearText { bytes: 0 };
            self.unread.clear();
            self.fail(kind);
            return Answer::Failed(kind);
        }
        self.change(true, "secured")
    }

    fn stop(&mut self) -> Answer {
        match self.is_secure {
            true => self.change(false, "unsecured"),
            false => Answer::Done,
        }
    }

    fn change(&mut self, is_secure: bool, event: &'static str) -> Answer {
        self.is_secure = is_secure;
        self.script.push(Segment { is_secure, bytes: 0 });
        self.events.push(event);
        Answer::Done
    }

    fn fail(&mut self, kind: ErrorKind) {
        for (at, _, form) in std::mem::take(&mut self.parked) {
            self.answer(at, form, Answer::Failed(kind));
        }
        let is_switching = self.answers[0] == Answer::Done
            && self.events.last().is_some_and(|last| last.ends_with("secured"));
        if kind == ErrorKind::Cancelled && is_switching {
            self.answers[0] = Answer::DoneOrCancelled;
        }
        self.over = Over::Failed(kind);
        self.events.push("failed");
    }

    fn answer(&mut self, at: usize, form: Form, answer: Answer) {
        let is_wanted = !matches!(form, Form::Dropped | Form::PolledAndDropped);
        self.answers[at] = if is_wanted { answer } else { Answer::None };
    }

    /// What parked reads get, and what follows from it.
    fn settle(&mut self) {
        if self.over != Over::Not {
            return;
        }
        while let Some((at, call, form)) = self.parked.first().copied() {
            let Some(count) = self.takes(call) else { break };
            let read = self.take(count);
            self.parked.remove(0);
            self.answer(at, form, read);
        }
        // The peer ends when it has heard the end of this side.
        let is_end_seen = self.is_write_closed && !self.parked.is_empty();
        if is_end_seen {
            for (at, _, form) in std::mem::take(&mut self.parked) {
                self.answer(at, form, Answer::Failed(ErrorKind::UnexpectedEnd));
            }
            self.events.push("read closed");
        }
        if self.is_read_called_closed && self.parked.is_empty() && !self.is_read_closed {
            self.is_read_closed = true;
            self.unread.clear();
            if !is_end_seen {
                self.events.push("read closed");
            }
        }
        if self.is_write_closed && (self.is_read_closed || is_end_seen) {
            self.over = Over::Well;
            self.events.push("finished");
        }
    }
}
