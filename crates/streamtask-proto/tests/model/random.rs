//! Scenarios out of bytes: long ones, where everything may happen. Also the body of a fuzz target.

use crate::peer::{Act, peers};
use crate::sequences::epilogue;
use crate::text::flags;
use crate::words::{Call, Lane, Op, Rules, Scenario, Step};

/// How many bytes the head of a scenario takes, and each of its steps.
const HEAD: usize = 4;
const STEP: usize = 3;

/// The scenario that `bytes` say. All bytes say one, and neighbours say neighbours.
pub(crate) fn scenario(bytes: &[u8]) -> Scenario {
    let (head, rest) = bytes.split_at(HEAD.min(bytes.len()));
    let head = |at: usize| usize::from(head.get(at).copied().unwrap_or(0));
    let peers = peers();
    let peer = peers[head(0) % peers.len()].clone();
    let mut rules = Rules::default();
    for (at, (name, flag)) in flags(&mut rules).into_iter().enumerate() {
        // Both versions of TLS are common, every other rule is an exception.
        *flag = match name {
            "tls12" | "reads-at-once" => head(1) >> at & 1 == 1,
            _ => head(1) >> at & 1 == 1 && head(2) >> at & 1 == 1,
        };
    }
    let mut maker =
        Maker { calls: Vec::new(), is_running: false, is_held: true, steps: Vec::new() };
    if head(3) % 4 > 0 {
        maker.resume();
    }
    rest.chunks_exact(STEP).for_each(|chunk| maker.add(chunk[0], chunk[1], chunk[2]));
    if maker.is_held {
        maker.steps.extend(epilogue());
    }
    Scenario { peer, rules, steps: maker.steps }
}

struct Maker {
    calls: Vec<Call>,
    is_running: bool,
    is_held: bool,
    steps: Vec<Step>,
}

impl Maker {
    fn add(&mut self, kind: u8, a: u8, b: u8) {
        match kind % 64 {
            0..=11 => self.call(read(a, b)),
            12..=14 => self.call(Call::Until {
                is_pair: b & 1 == 1,
                max: a as usize % 12,
                timeout: timeout(b),
            }),
            15..=22 => self.call(Call::Write { length: a as usize % 9, timeout: timeout(b) }),
            23 | 24 => self.call(Call::CloseRead),
            25..=27 => self.call(Call::CloseWrite),
            28..=31 => self.call(Call::Start),
            32..=34 => self.call(Call::Stop),
            35 => self.call(Call::Capture),
            36..=38 => self.of_read(a, Step::Drop),
            39 => self.of_read(a, Step::Look),
            40 if self.is_running => {
                self.is_running = false;
                self.steps.push(Step::Suspend);
            }
            40..=42 => self.resume(),
            43 if a < 64 => self.steps.push(Step::Cancel),
            44 if a < 64 => self.abandon(),
            45 | 46 => self.steps.push(Step::Advance(time(a))),
            47 => self.steps.push(Step::Connect(a >= 16)),
            48 if a < 48 => self.steps.push(Step::FailSends { is_reset: b & 1 == 1 }),
            43 | 44 | 48..=53 => self.steps.push(Step::Peer(act(a, b))),
            54..=57 => self.steps.push(Step::Round),
            _ => self.steps.push(Step::Settle),
        }
    }

    fn call(&mut self, call: Call) {
        if self.is_held {
            self.calls.push(call);
            self.steps.push(Step::Call(call));
        }
    }

    fn of_read(&mut self, back: u8, step: impl Fn(Op) -> Step) {
        let reads = self.calls.iter().enumerate().filter(|(_, call)| call.lane() == Lane::Read);
        if let Some((op, _)) = reads.rev().nth(usize::from(back) % 4) {
            self.steps.push(step(op));
        }
    }

    fn resume(&mut self) {
        if !self.is_running && self.is_held {
            self.is_running = true;
            self.steps.push(Step::Resume);
        }
    }

    fn abandon(&mut self) {
        self.is_held = !self.is_held;
        self.steps.push(Step::Abandon(!self.is_held));
    }
}

fn read(a: u8, b: u8) -> Call {
    let min = usize::from(a) % 6;
    let max = match a / 8 % 4 {
        0 => min,
        1 => 100,
        _ => min + usize::from(a / 32),
    };
    match a {
        255 => Call::Read { min: 2, max: 1, timeout: 0 },
        _ => Call::Read { min, max, timeout: timeout(b) },
    }
}

/// Never, most of the time.
fn timeout(b: u8) -> u64 {
    match b {
        0..=63 => 1 + u64::from(b) * 50,
        _ => 0,
    }
}

/// Short mostly; now and then past a limit.
fn time(a: u8) -> u64 {
    match a {
        0..=199 => 1 + u64::from(a) * 10,
        200..=249 => 60_000,
        _ => 400_000,
    }
}

fn act(a: u8, b: u8) -> Act {
    let count = 1 + usize::from(b) % 9;
    match a % 16 {
        0..=6 => Act::Say(count),
        7 => Act::SayClear(count),
        8 | 9 => Act::CloseNotify,
        10 => Act::Fin,
        11 => Act::Close,
        12 => Act::Reset,
        13 | 14 => Act::Stall(usize::from(b) % 5),
        _ => Act::Unstall,
    }
}
