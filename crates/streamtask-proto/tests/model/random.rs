//! Scenarios out of bytes: long ones, where everything may happen. Also the body of a fuzz target.

use crate::peer::Act;
use crate::peers::peers;
use crate::sequences::epilogue;
use crate::text::flags;
use crate::wire::Loss;
use crate::words::{Call, Lane, Op, Rules, Scenario, Step};

/// How many bytes the head of a scenario takes, and each of its steps.
pub(crate) const HEAD: usize = 6;
pub(crate) const STEP: usize = 3;

/// The scenario that `bytes` say. All bytes say one, and neighbours say neighbours.
pub(crate) fn scenario(bytes: &[u8]) -> Scenario {
    let (head, rest) = bytes.split_at(HEAD.min(bytes.len()));
    let head = |at: usize| head.get(at).copied().unwrap_or(0);
    let peers = peers();
    let peer = peers[usize::from(head(0)) % peers.len()].clone();
    let mut rules = Rules::default();
    let (often, seldom) = ([head(1), head(2)], [head(3), head(4)]);
    for (at, (name, flag)) in flags(&mut rules).into_iter().enumerate() {
        let is_set = |bytes: [u8; 2]| u16::from_le_bytes(bytes) >> at & 1 == 1;
        // Both versions of TLS are common, nearly every other rule is an exception.
        *flag = is_set(often)
            && (is_set(seldom) || matches!(name, "tls12" | "reads-at-once" | "receives-first"));
    }
    let mut maker = Maker {
        calls: Vec::new(),
        is_running: false,
        is_held: true,
        drops: head(5) & 0x80 != 0,
        steps: Vec::new(),
    };
    if head(5) % 4 > 0 {
        maker.resume();
    }
    rest.chunks_exact(STEP).for_each(|chunk| maker.add(chunk[0], chunk[1], chunk[2]));
    if maker.is_held {
        maker.steps.extend(epilogue());
    }
    Scenario { peer, rules, steps: maker.steps }
}

/// Bytes for the scenario with this number (splitmix64).
pub(crate) fn noise(number: u64) -> Vec<u8> {
    let mut dice = Dice::new(number);
    let length = HEAD + STEP * (3 + dice.below(38));
    (0..length).map(|_| dice.throw() as u8).collect()
}

/// Numbers that look random and are always the same (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.throw() % bound as u64) as usize
    }
}

struct Maker {
    calls: Vec<Call>,
    is_running: bool,
    is_held: bool,
    /// Whether reads are dropped and looked at late all the time.
    drops: bool,
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
            15..=22 => self.call(write(a, b)),
            23 | 24 => self.call(Call::CloseRead),
            25..=27 => self.call(Call::CloseWrite),
            28..=31 => self.call(Call::Start),
            32..=34 => self.call(Call::Stop),
            35 => self.call(Call::Capture),
            36..=38 => self.of_read(a, Step::Drop),
            39 => self.of_read(a, Step::Look),
            40 if a < 128 => self.suspend(),
            40..=42 => self.resume(),
            43 if a < 64 => self.steps.push(Step::Cancel),
            44 if a < 64 => self.abandon(),
            45 | 46 => self.steps.push(Step::Advance(time(a))),
            47 if a < 32 => self.steps.push(Step::Connect(a >= 4)),
            47 => self.steps.push(Step::Asked(b & 1 == 1)),
            48 if a < 48 => self.steps.push(Step::FailSends(loss(b))),
            43 | 44 | 48..=53 => self.steps.push(Step::Peer(act(a, b))),
            54 | 55 => self.steps.push(Step::Round),
            56 => self.steps.push(Step::Send),
            57 => self.steps.push(Step::Receive),
            58 | 59 if self.drops => self.of_read(a, Step::Drop),
            60 if self.drops => self.of_read(a, Step::Look),
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

    /// Suspends, also what is suspended already: then it has to be resumed twice.
    fn suspend(&mut self) {
        if self.is_held {
            self.is_running = false;
            self.steps.push(Step::Suspend);
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
        254 => Call::Read { min: 1, max: MUCH[usize::from(b) % MUCH.len()], timeout: 0 },
        253 => Call::Read { min: MUCH[usize::from(b) % MUCH.len()], max: 2_000_000, timeout: 0 },
        _ if min == max && b & 2 == 0 => Call::Exact { length: min, timeout: timeout(b) },
        _ => Call::Read { min, max, timeout: timeout(b) },
    }
}

fn write(a: u8, b: u8) -> Call {
    let length = match a {
        // The model takes a write for encrypted in one go; that is so up to 64 KiB.
        250.. => MUCH[usize::from(b) % MUCH.len()] / 24,
        _ => usize::from(a) % 9,
    };
    Call::Write { length, timeout: timeout(b) }
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

fn loss(b: u8) -> Loss {
    match b % 4 {
        0 => Loss::Reset,
        1 => Loss::Broken,
        2 => Loss::GaveUp,
        _ => Loss::Denied,
    }
}

/// About as much as is thrown away before TLS, at most, and as much as is taken in with nobody reading.
const MUCH: [usize; 8] =
    [20_000, 65_535, 65_537, 100_000, 1_048_575, 1_048_577, 600_000, 1_400_000];

fn act(a: u8, b: u8) -> Act {
    let count = match b {
        250.. => MUCH[usize::from(a / 16) % MUCH.len()],
        _ => 1 + usize::from(b) % 9,
    };
    match a % 16 {
        0..=6 => Act::Say(count),
        7 => Act::SayClear(count),
        8 | 9 => Act::CloseNotify,
        10 => Act::Fin,
        11 => Act::Close,
        12 if b < 200 => Act::Reset,
        12 => Act::Vanish,
        13 | 14 => Act::Stall(usize::from(b) % 5),
        _ => Act::Unstall,
    }
}
