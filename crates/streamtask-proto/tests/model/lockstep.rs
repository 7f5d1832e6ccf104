//! Model and world, side by side: after every step they must have said the same.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;
use std::panic::{AssertUnwindSafe, catch_unwind};

use streamtask_proto::Input;

use crate::cuts::Cuts;
use crate::oracle::{Model, Next, Thirst};
use crate::peer::Seen;
use crate::words::{Answer, Call, Lane, Op, Said, Scenario, Step};
use crate::world::World;

/// How many rounds may pass before a settled wire is no longer believed in.
const ROUNDS: usize = 200;

/// Runs a scenario. The error says where the two parted.
pub(crate) fn check(scenario: &Scenario) -> Result<(), String> {
    run(&mut Pair::new(scenario), &scenario.steps)
}

/// The same, and which ways it went.
pub(crate) fn explore(scenario: &Scenario) -> (Agreed, Vec<u64>) {
    let mut pair = Pair::new(scenario);
    pair.ways = Some(Vec::new());
    let result = run(&mut pair, &scenario.steps);
    (result, pair.ways.unwrap_or_default())
}

/// The same, and all that was done and said until then.
pub(crate) fn trace(scenario: &Scenario) -> String {
    let mut pair = Pair::new(scenario);
    pair.trace = Some(Vec::new());
    let result = run(&mut pair, &scenario.steps);
    let mut lines = pair.trace.unwrap_or_default();
    lines.extend(result.err());
    lines.join("\n")
}

fn run(pair: &mut Pair, steps: &[Step]) -> Agreed {
    match catch_unwind(AssertUnwindSafe(|| pair.run(steps))) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into()));
            Err(format!("somewhere: panicked: {}", text.unwrap_or_default()))
        }
    }
}

struct Pair {
    model: Model,
    world: World,
    calls: Vec<Call>,
    connects_late: bool,
    receives_first: bool,
    has_lingered: bool,
    is_asked: bool,
    cuts: Cuts,
    trace: Option<Vec<String>>,
    ways: Option<Vec<u64>>,
}

type Agreed<T = ()> = Result<T, String>;

impl Pair {
    fn new(scenario: &Scenario) -> Self {
        let kept = kept(&scenario.steps);
        Pair {
            model: Model::new(scenario, kept.clone()),
            world: World::new(scenario, kept),
            calls: Vec::new(),
            connects_late: scenario.rules.connects_late,
            receives_first: scenario.rules.receives_first,
            has_lingered: false,
            is_asked: false,
            cuts: Cuts::new(scenario.rules.cuts_in),
            trace: None,
            ways: None,
        }
    }

    fn run(&mut self, steps: &[Step]) -> Agreed {
        for (at, step) in steps.iter().enumerate() {
            let from = self.model.shape();
            let result = self.step(*step);
            if let Some(ways) = &mut self.ways {
                let mut hasher = DefaultHasher::new();
                (from, discriminant(step), self.model.shape()).hash(&mut hasher);
                ways.push(hasher.finish());
            }
            if self.model.is_unsure() {
                return Ok(());
            }
            result.map_err(|why| format!("at step {at}, {step:?}: {why}"))?;
        }
        Ok(())
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    fn step(&mut self, step: Step) -> Agreed {
        self.note(|| format!("{step:?}"));
        let (model, world) = (&mut self.model, &mut self.world);
        match step {
            Step::Call(call) => {
                let op = self.calls.len();
                self.calls.push(call);
                model.call(op, call);
                world.call(op, call);
            }
            Step::Drop(op) => {
                model.drop_read(op);
                world.drop_read(op);
            }
            Step::Look(op) => {
                model.look_at(op);
                world.look_at(op);
            }
            Step::Suspend => {
                model.suspend();
                world.input(Input::Suspend);
            }
            Step::Resume => {
                model.resume();
                world.input(Input::Resume);
            }
            Step::Cancel => {
                model.cancel();
                world.input(Input::Cancel);
            }
            Step::Abandon(is_abandoned) => {
                model.abandon(is_abandoned);
                world.input(Input::Abandoned(is_abandoned));
            }
            Step::Advance(milliseconds) => {
                model.advance(milliseconds);
                world.advance(milliseconds);
            }
            Step::Connect(is_up) => self.connect(is_up)?,
            Step::FailSends(how) => {
                model.player.wire.cut(how);
                world.far.player.wire.cut(how);
            }
            Step::Asked(is_asked) => self.ask(is_asked),
            Step::Peer(act) if model.is_up() => {
                model.peer_acts(act);
                world.peer_acts(act);
            }
            Step::Peer(_) => {}
            Step::Round => drop(self.round()?),
            Step::Send => drop(self.send()?),
            Step::Receive => drop(self.receive()?),
            Step::Settle => self.settle()?,
        }
        self.compare()?;
        match self.connects_late {
            true => Ok(()),
            false => self.connect(true),
        }
    }

    fn connect(&mut self, is_up: bool) -> Agreed {
        agree("the wish to connect", self.model.is_connecting(), self.world.wants_connection())?;
        if self.model.is_connecting() {
            self.model.connected(is_up);
            self.world.connected(is_up);
        }
        self.compare()
    }

    /// Only a step that is out can ask.
    fn ask(&mut self, is_asked: bool) {
        if is_asked != self.is_asked && (self.is_asked || self.world.has_step()) {
            self.is_asked = is_asked;
            self.model.ask(is_asked);
            self.world.input(if is_asked { Input::Asked } else { Input::Answered });
        }
    }

    fn settle(&mut self) -> Agreed {
        for _ in 0..ROUNDS {
            if !self.round()? {
                return Ok(());
            }
        }
        Err("it never settles".into())
    }

    /// Whether anything moved.
    fn round(&mut self) -> Agreed<bool> {
        let has_stepped = self.make_step()?;
        Ok(has_stepped
            | match self.receives_first {
                true => self.receive()? | self.send()?,
                false => self.send()? | self.receive()?,
            })
    }

    /// The step of a handshake that is out is made, unless it waits for an answer.
    fn make_step(&mut self) -> Agreed<bool> {
        if self.is_asked || !self.world.has_step() {
            return Ok(false);
        }
        self.note(|| "  makes the step".into());
        self.model.stepped();
        self.world.make_step();
        self.compare()?;
        Ok(true)
    }

    fn send(&mut self) -> Agreed<bool> {
        if self.model.is_over() || !self.model.wants_send() {
            return Ok(false);
        }
        self.note(|| "  sends".into());
        let before = self.world.far.decrypted;
        let core = self.world.send();
        let model = self.model.send(self.world.far.decrypted - before);
        agree("whether bytes were sent", model, core)?;
        self.compare()?;
        Ok(model)
    }

    fn sweep(&mut self) -> Agreed {
        match self.next()? {
            Next::Nothing => {
                self.note(|| "  finds nothing more".into());
                self.model.drained();
                self.world.input(Input::Drained);
                self.compare()
            }
            Next::Bytes | Next::Fin | Next::Loss => self.deliver(),
        }
    }

    /// A sweep goes on until nothing more is found.
    fn receive(&mut self) -> Agreed<bool> {
        let mut moved = false;
        while !self.model.is_over() && self.model.is_sweeping() {
            self.sweep()?;
            moved = true;
        }
        if self.model.is_over() || !self.world.wait.receive || self.next()? == Next::Nothing {
            return Ok(moved);
        }
        self.deliver()?;
        Ok(true)
    }

    fn next(&self) -> Agreed<Next> {
        let (model, world) = (self.model.next_inbound(), self.world.far.next());
        agree("what lies on the wire", model, world)?;
        Ok(model)
    }

    /// What lies there comes, as far as it is wanted.
    fn deliver(&mut self) -> Agreed {
        let next = self.next()?;
        self.note(|| format!("  receives {next:?}"));
        match next {
            Next::Nothing => Ok(()),
            Next::Bytes => self.deliver_bytes(),
            Next::Fin | Next::Loss => {
                self.model.receive_end();
                self.world.receive_end();
                self.compare()
            }
        }
    }

    fn deliver_bytes(&mut self) -> Agreed {
        while self.world.far.waiting() > 0 && self.world.is_thirsty() {
            let (count, arrivals) = self.world.receive(self.cuts.most());
            self.note(|| format!("    {count}: {arrivals:?}"));
            self.model.receive(&arrivals);
            // A step over a part of a flight is nothing that the model knows of.
            while self.world.has_step() && !self.model.is_stepping() {
                self.world.make_step();
            }
            self.compare()?;
        }
        Ok(())
    }

    fn compare(&mut self) -> Agreed {
        let (mut model, mut world) = (self.model.take_said(), self.world.take_said());
        level(&mut model, &mut world);
        for (name, said) in [("model", &model), ("core", &world)] {
            said.iter().for_each(|said| self.note(|| format!("    {name}: {said:?}")));
        }
        for lane in [Lane::Read, Lane::Write, Lane::Barrier] {
            let of_lane = |said: &[Said]| of_lane(said, &self.calls, lane);
            agree(&format!("{lane:?}s"), of_lane(&model), of_lane(&world))?;
        }
        agree("events", of_events(&model), of_events(&world))?;
        agree("wishes", of_wishes(&model), of_wishes(&world))?;
        if !self.has_lingered && model.contains(&Said::Close { lingers: true }) {
            self.has_lingered = true;
            self.model.linger();
            self.world.linger();
        }
        agree("whether it is over", self.model.is_over(), self.world.is_over())?;
        agree("where it stands", self.model.stand(), self.world.stand())?;
        self.compare_seen()?;
        match self.model.is_over() {
            true => Ok(()),
            false => self.compare_wishes(),
        }
    }

    fn compare_seen(&self) -> Agreed {
        let (model, core) = (&self.model.player.seen, &self.world.far.player.seen);
        // Whether an alert (or half an answer to half a flight) still leaves is open, and FIN goes behind it.
        let is_open = self.model.is_broken() || self.model.is_stepping();
        let is_kept = |seen: &&Seen| match seen {
            Seen::Stray(_) | Seen::Fin => !is_open,
            _ => true,
        };
        let (model, core) = (model.iter().filter(is_kept), core.iter().filter(is_kept));
        agree("what the peer has seen", model.collect::<Vec<_>>(), core.collect())
    }

    fn compare_wishes(&self) -> Agreed {
        let wait = self.world.wait;
        agree("whether a step is out", self.model.is_stepping(), self.world.has_step())?;
        // Amid a flight of the handshake an answer may be there or not.
        let is_amid = self.world.far.is_amid() || self.model.is_stepping();
        if is_amid && self.model.is_shaking() {
            return Ok(());
        }
        if !self.model.is_broken() {
            agree("the wish to send", self.model.wants_send(), wait.send)?;
        }
        agree("the wish to sweep", self.model.is_sweeping(), wait.sweep)?;
        match self.model.thirst() {
            Thirst::Must if !wait.receive && !wait.sweep => return Err("it must receive".into()),
            Thirst::MustNot if wait.receive => return Err("it must not receive".into()),
            Thirst::Must | Thirst::May | Thirst::MustNot => {}
        }
        let until = wait.until.map(|until| until.saturating_duration_since(self.world.now));
        let model = self.model.next_deadline();
        // Waking up for nothing is allowed, sleeping too long is not.
        let core = until.map(|until| until.as_millis() as u64);
        match model {
            Some(model) if core.is_none_or(|core| core > model) => {
                agree("the next deadline", Some(model), core)
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, model: T, core: T) -> Agreed {
    match model == core {
        true => Ok(()),
        false => Err(format!("{what}:\n  model {model:?}\n  core  {core:?}")),
    }
}

/// Makes alike what the words leave open.
fn level(model: &mut [Said], world: &mut [Said]) {
    // Whoever asked for nothing got it under no layer in particular.
    let nothing = |said: &mut Said| match said {
        Said::Answer(_, Answer::Read { data, eof: None, is_secure }) if data.is_empty() => {
            *is_secure = false;
        }
        _ => {}
    };
    model.iter_mut().chain(world.iter_mut()).for_each(nothing);
    // What came behind a close_read may be handed over or not.
    let is_free = |said: &Said| matches!(said, Said::Captured { unread: None, .. });
    if model.iter().any(is_free) {
        for said in world {
            if let Said::Captured { unread, .. } = said {
                *unread = None;
            }
        }
    }
}

fn of_lane(said: &[Said], calls: &[Call], lane: Lane) -> Vec<Said> {
    let is_of_lane = |said: &&Said| match said {
        Said::Answer(op, _) => calls[*op].lane() == lane,
        Said::Event(_) | Said::Close { .. } | Said::Fin | Said::Captured { .. } => false,
    };
    said.iter().filter(is_of_lane).cloned().collect()
}

fn of_events(said: &[Said]) -> Vec<Said> {
    said.iter().filter(|said| matches!(said, Said::Event(_))).cloned().collect()
}

fn of_wishes(said: &[Said]) -> Vec<Said> {
    let is_wish = |said: &&Said| !matches!(said, Said::Event(_) | Said::Answer(..));
    said.iter().filter(is_wish).cloned().collect()
}

/// The reads that are not looked at when they are done, but later or never.
fn kept(steps: &[Step]) -> BTreeSet<Op> {
    let op = |step: &Step| match step {
        Step::Drop(op) | Step::Look(op) => Some(*op),
        _ => None,
    };
    steps.iter().filter_map(op).collect()
}
