//! What must be the same of model and core, and what the words leave open.

use crate::lockstep::Pair;
use crate::oracle::Thirst;
use crate::peer::Seen;
use crate::words::{Answer, Call, Lane, Said, Told};

/// Whether the two agree; if not, in what.
pub(crate) type Agreed<T = ()> = Result<T, String>;

impl Pair {
    /// Everything that can be seen of the two.
    pub(crate) fn compare(&mut self) -> Agreed {
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
        if self.is_order_foretold(&model) {
            agree("the order of answers and events", in_order(&model), in_order(&world))?;
        }
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

    /// A stop may be told before or after the reads that it ends; and where the socket takes pieces, what
    /// one of them sets off is not looked at before all have left.
    fn is_order_foretold(&self, model: &[Said]) -> bool {
        !self.rules.cuts_out && !model.contains(&Said::Event(Told::Unsecured))
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

/// Whether both say the same of `what`.
pub(crate) fn agree<T: PartialEq + std::fmt::Debug>(what: &str, model: T, core: T) -> Agreed {
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

fn in_order(said: &[Said]) -> Vec<Said> {
    let is_heard = |said: &&Said| matches!(said, Said::Event(_) | Said::Answer(..));
    said.iter().filter(is_heard).cloned().collect()
}

fn of_wishes(said: &[Said]) -> Vec<Said> {
    let is_wish = |said: &&Said| !matches!(said, Said::Event(_) | Said::Answer(..));
    said.iter().filter(is_wish).cloned().collect()
}
