//! Scenarios as text, one line each, so that a failure can be run again and kept.

use std::fmt;
use std::str::FromStr;

use crate::peer::Act;
use crate::peers::peers;
use crate::wire::Loss;
use crate::words::{Call, Rules, Scenario, Step};

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.peer.name)?;
        let mut rules = self.rules;
        for (name, flag) in flags(&mut rules) {
            if *flag {
                write!(f, " {name}")?;
            }
        }
        f.write_str(" :")?;
        self.steps.iter().try_for_each(|step| write!(f, " {}", word(*step)))
    }
}

/// The rules by name.
pub(crate) fn flags(rules: &mut Rules) -> [(&'static str, &mut bool); 12] {
    [
        ("tls12", &mut rules.is_tls12),
        ("strict", &mut rules.is_strict),
        ("fatal", &mut rules.is_fatal),
        ("tolerates", &mut rules.tolerates),
        ("discards", &mut rules.discards),
        ("stops-not", &mut rules.stops_not),
        ("connects-late", &mut rules.connects_late),
        ("reads-at-once", &mut rules.reads_at_once),
        ("cuts-in", &mut rules.cuts_in),
        ("cuts-out", &mut rules.cuts_out),
        ("blocks", &mut rules.blocks),
        ("receives-first", &mut rules.receives_first),
    ]
}

fn word(step: Step) -> String {
    match step {
        Step::Call(Call::Read { min, max, timeout }) => format!("read/{min}/{max}/{timeout}"),
        Step::Call(Call::Exact { length, timeout }) => format!("exact/{length}/{timeout}"),
        Step::Call(Call::Until { is_pair: false, max, timeout }) => {
            format!("until/{max}/{timeout}")
        }
        Step::Call(Call::Until { is_pair: true, max, timeout }) => {
            format!("until2/{max}/{timeout}")
        }
        Step::Call(Call::Write { length, timeout }) => format!("write/{length}/{timeout}"),
        Step::Call(Call::CloseRead) => "close-read".into(),
        Step::Call(Call::CloseWrite) => "close-write".into(),
        Step::Call(Call::Start) => "start".into(),
        Step::Call(Call::Stop) => "stop".into(),
        Step::Call(Call::Capture) => "capture".into(),
        Step::Drop(op) => format!("drop/{op}"),
        Step::Look(op) => format!("look/{op}"),
        Step::Suspend => "suspend".into(),
        Step::Resume => "resume".into(),
        Step::Cancel => "cancel".into(),
        Step::Abandon(true) => "abandon".into(),
        Step::Abandon(false) => "adopt".into(),
        Step::Advance(milliseconds) => format!("advance/{milliseconds}"),
        Step::Connect(true) => "connect".into(),
        Step::Connect(false) => "refuse".into(),
        Step::FailSends(Loss::Reset) => "sends-reset".into(),
        Step::FailSends(Loss::Broken) => "sends-break".into(),
        Step::FailSends(Loss::GaveUp) => "sends-give-up".into(),
        Step::FailSends(Loss::Denied) => "sends-are-denied".into(),
        Step::Asked(true) => "asked".into(),
        Step::Asked(false) => "answered".into(),
        Step::Round => "round".into(),
        Step::Send => "send".into(),
        Step::Receive => "receive".into(),
        Step::Settle => "settle".into(),
        Step::Peer(act) => match act {
            Act::Say(count) => format!("peer-says/{count}"),
            Act::SayClear(count) => format!("peer-says-clear/{count}"),
            Act::Tls => "peer-tls".into(),
            Act::CloseNotify => "peer-close-notify".into(),
            Act::Refuse => "peer-refuses".into(),
            Act::Fin => "peer-fin".into(),
            Act::Close => "peer-closes".into(),
            Act::Reset => "peer-resets".into(),
            Act::Vanish => "peer-vanishes".into(),
            Act::Stall(count) => format!("peer-stalls/{count}"),
            Act::Unstall => "peer-goes-on".into(),
        },
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (head, steps) = text.split_once(':').ok_or("no colon")?;
        let mut head = head.split_whitespace();
        let name = head.next().ok_or("no peer")?;
        let peer = peers().into_iter().find(|peer| peer.name == name).ok_or("no such peer")?;
        let mut rules = Rules::default();
        for name in head {
            let mut flags = flags(&mut rules).into_iter();
            *flags.find(|(flag, _)| *flag == name).ok_or("no such rule")?.1 = true;
        }
        let steps = steps.split_whitespace().map(step).collect::<Result<_, _>>()?;
        Ok(Scenario { peer, rules, steps })
    }
}

fn step(word: &str) -> Result<Step, String> {
    let mut parts = word.split('/');
    let name = parts.next().unwrap_or_default();
    let mut number = || -> Result<usize, String> {
        parts
            .next()
            .and_then(|part| part.parse().ok())
            .ok_or(format!("{word}: a number is missing"))
    };
    Ok(match name {
        "read" => {
            Step::Call(Call::Read { min: number()?, max: number()?, timeout: number()? as u64 })
        }
        "exact" => Step::Call(Call::Exact { length: number()?, timeout: number()? as u64 }),
        "until" | "until2" => Step::Call(Call::Until {
            is_pair: name == "until2",
            max: number()?,
            timeout: number()? as u64,
        }),
        "write" => Step::Call(Call::Write { length: number()?, timeout: number()? as u64 }),
        "close-read" => Step::Call(Call::CloseRead),
        "close-write" => Step::Call(Call::CloseWrite),
        "start" => Step::Call(Call::Start),
        "stop" => Step::Call(Call::Stop),
        "capture" => Step::Call(Call::Capture),
        "drop" => Step::Drop(number()?),
        "look" => Step::Look(number()?),
        "suspend" => Step::Suspend,
        "resume" => Step::Resume,
        "cancel" => Step::Cancel,
        "abandon" => Step::Abandon(true),
        "adopt" => Step::Abandon(false),
        "advance" => Step::Advance(number()? as u64),
        "connect" => Step::Connect(true),
        "refuse" => Step::Connect(false),
        "sends-reset" => Step::FailSends(Loss::Reset),
        "sends-break" => Step::FailSends(Loss::Broken),
        "sends-give-up" => Step::FailSends(Loss::GaveUp),
        "sends-are-denied" => Step::FailSends(Loss::Denied),
        "asked" => Step::Asked(true),
        "answered" => Step::Asked(false),
        "round" => Step::Round,
        "send" => Step::Send,
        "receive" => Step::Receive,
        "settle" => Step::Settle,
        "peer-says" => Step::Peer(Act::Say(number()?)),
        "peer-says-clear" => Step::Peer(Act::SayClear(number()?)),
        "peer-tls" => Step::Peer(Act::Tls),
        "peer-close-notify" => Step::Peer(Act::CloseNotify),
        "peer-refuses" => Step::Peer(Act::Refuse),
        "peer-fin" => Step::Peer(Act::Fin),
        "peer-closes" => Step::Peer(Act::Close),
        "peer-resets" => Step::Peer(Act::Reset),
        "peer-vanishes" => Step::Peer(Act::Vanish),
        "peer-stalls" => Step::Peer(Act::Stall(number()?)),
        "peer-goes-on" => Step::Peer(Act::Unstall),
        _ => return Err(format!("no such step: {word}")),
    })
}
