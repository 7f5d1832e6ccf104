//! What happens, one line each, with its time; and how long each phase took.
//!
//! Anything written is written as it happens. A reader that has gone is no reason to stop; a disk that is
//! full is none either, but it is told of in the end.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};

use crate::report::Failure;
use crate::stdio::{self, Reader};

/// The screen. Clones write to the same one.
#[derive(Clone)]
pub(super) struct Show(Arc<Mutex<State>>);

struct State {
    screen: Screen,
    began: Instant,
    layer: Layer,
    phases: Vec<Phase>,
}

/// What becomes of what is shown.
enum Screen {
    Lit,
    Dark,
    Broken(Failure),
}

/// What the socket carries, as the gutter shows it.
#[derive(Clone, Copy)]
pub(super) enum Layer {
    Clear,
    Tls,
}

/// A stretch of the task's life.
pub(super) struct Phase {
    pub(super) name: &'static str,
    pub(super) took: Duration,
}

impl Show {
    /// Prints the head. The clock starts with the first phase.
    pub(super) fn begin(peer: SocketAddr) -> Self {
        let show = Show(Arc::new(Mutex::new(State {
            screen: Screen::Lit,
            began: Instant::now(),
            layer: Layer::Clear,
            phases: Vec::new(),
        })));
        show.print(&format!(
            "{BOLD}The life of a stream task{BOLD:#}, against a server in this process, {peer}"
        ));
        show.print(&format!(
            "{CYAN}→{CYAN:#} we say   {MAGENTA}←{MAGENTA:#} the server says   \
             {YELLOW}●{YELLOW:#} it happens   {GREEN}┃{GREEN:#} under TLS"
        ));
        show
    }

    /// Prints a line as it is.
    pub(super) fn print(&self, text: &str) {
        self.state().print(text);
    }

    /// Says whether all was shown that somebody wanted to see.
    pub(super) fn end(&self) -> Result<(), Failure> {
        match std::mem::replace(&mut self.state().screen, Screen::Dark) {
            Screen::Lit | Screen::Dark => Ok(()),
            Screen::Broken(failure) => Err(failure),
        }
    }

    /// Runs one phase of the story under its name.
    pub(super) async fn phase<T, E>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        {
            let mut state = self.state();
            state.print("");
            // Making certificates is no part of the task's life.
            if state.phases.is_empty() {
                state.began = began;
            }
        }
        let outcome = work.await?;
        self.state().phases.push(Phase { name, took: began.elapsed() });
        Ok(outcome)
    }

    /// We said this.
    pub(super) fn sent(&self, words: &str) {
        self.line(CYAN, '→', words);
    }

    /// The peer said this.
    pub(super) fn heard(&self, words: &str) {
        self.line(MAGENTA, '←', words);
    }

    /// This happened.
    pub(super) fn event(&self, words: &str) {
        self.line(YELLOW, '●', words);
    }

    /// More about what happened.
    pub(super) fn detail(&self, words: &str) {
        let mut state = self.state();
        let gutter = gutter(state.layer);
        state.print(&format!("             {gutter}   {DIM}{words}{DIM:#}"));
    }

    /// From now on lines are under TLS, or no more.
    pub(super) fn set_layer(&self, layer: Layer) {
        self.state().layer = layer;
    }

    /// The phases so far.
    pub(super) fn take_phases(&self) -> Vec<Phase> {
        std::mem::take(&mut self.state().phases)
    }

    fn line(&self, style: Style, mark: char, words: &str) {
        let mut state = self.state();
        let (time, gutter) = (milliseconds(state.began.elapsed()), gutter(state.layer));
        state.print(&format!("{DIM}{time}{DIM:#}  {gutter} {style}{mark}{style:#} {words}"));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn print(&mut self, text: &str) {
        let Screen::Lit = self.screen else { return };
        self.screen = match stdio::print(&format!("{text}\n")) {
            Ok(Reader::There) => Screen::Lit,
            Ok(Reader::Gone) => Screen::Dark,
            Err(failure) => Screen::Broken(failure),
        };
    }
}

fn gutter(layer: Layer) -> String {
    match layer {
        Layer::Clear => " ".to_owned(),
        Layer::Tls => format!("{GREEN}┃{GREEN:#}"),
    }
}

/// A duration in eleven columns.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:8.2} ms", time.as_secs_f64() * 1000.0)
}

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const MAGENTA: Style = AnsiColor::Magenta.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
