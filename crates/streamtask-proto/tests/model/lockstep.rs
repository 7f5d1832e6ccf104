//! Model and world, side by side: after every step they must have said the same.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;
use std::panic::{AssertUnwindSafe, catch_unwind};

use streamtask_proto::Input;

use crate::compare::{Agreed, agree};
use crate::cuts::Cuts;
use crate::oracle::{Model, Next};
use crate::words::{Call, Op, Rules, Scenario, Step};
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

/// Both, and what else a run remembers.
pub(crate) struct Pair {
    pub(crate) model: Model,
    pub(crate) world: World,
    pub(crate) calls: Vec<Call>,
    pub(crate) rules: Rules,
    pub(crate) has_lingered: bool,
    is_asked: bool,
    cuts: Cuts,
    trace: Option<Vec<String>>,
    ways: Option<Vec<u64>>,
}

impl Pair {
    fn new(scenario: &Scenario) -> Self {
        let kept = kept(&scenario.steps);
        Pair {
            model: Model::new(scenario, kept.clone()),
            world: World::new(scenario, kept),
            calls: Vec::new(),
            rules: scenario.rules,
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

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
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
        match self.rules.connects_late {
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
            | match self.rules.receives_first {
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
}

/// The reads that are not looked at when they are done, but later or never.
fn kept(steps: &[Step]) -> BTreeSet<Op> {
    let op = |step: &Step| match step {
        Step::Drop(op) | Step::Look(op) => Some(*op),
        _ => None,
    };
    steps.iter().filter_map(op).collect()
}
