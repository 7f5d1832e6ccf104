//! A conversation through the library.

mod dialogue;

use std::time::{Duration, Instant};

use super::Scene;
use super::script::{Exchange, Stop};
use crate::server::Ending;
use crate::trouble::Attempt;
use crate::wire::Wire;
use dialogue::Dialogue;

/// From the request to stop TLS to the first answer in clear text: clients that wait for the wrong
/// thing need seconds.
const STOP_LIMIT: Duration = Duration::from_millis(500);

/// Plays a scene under TLS to its end.
pub(super) async fn play(scene: Scene<'_>) -> Attempt {
    let script = scene.door.script;
    let wire = Wire::to(scene.door.port).await?;
    let dialogue = begin(scene, &wire).await?;
    dialogue.end(script.goodbye, scene.door.ending).await?;
    check(script.secure, Seen::Never, &wire)?;
    check(script.goodbye.as_slice(), Seen::Never, &wire)
}

/// Plays a scene that goes on and ends in clear text.
pub(super) async fn play_with_stop(scene: Scene<'_>, stop: &Stop) -> Attempt {
    let script = scene.door.script;
    let wire = Wire::to(scene.door.port).await?;
    let dialogue = begin(scene, &wire).await?;
    stop_tls(&dialogue, stop).await?;
    // The end of a connection in clear text is always clean.
    dialogue.end(script.goodbye, Ending::Clean).await?;
    check(script.secure, Seen::Never, &wire)?;
    check(stop.clear, Seen::Always, &wire)
}

/// What both have in common.
async fn begin(scene: Scene<'_>, wire: &Wire) -> Attempt<Dialogue> {
    let dialogue = Dialogue::open(scene, wire.port())?;
    dialogue.hold(scene.door.script.before).await?;
    dialogue.secure(scene.version).await?;
    dialogue.hold(scene.door.script.secure).await?;
    Ok(dialogue)
}

async fn stop_tls(dialogue: &Dialogue, stop: &Stop) -> Attempt {
    let begin = Instant::now();
    dialogue.hold(&[stop.request]).await?;
    dialogue.unsecure().await?;
    let Some((first, rest)) = stop.clear.split_first() else { return Ok(()) };
    dialogue.hold(&[*first]).await?;
    let took = begin.elapsed();
    if took >= STOP_LIMIT {
        return Err(format!("stopping TLS took {} ms", took.as_millis()).into());
    }
    dialogue.hold(rest).await
}

/// Whether the wire shows what was said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Never,
    Always,
}

/// Both ends of a conversation could be under TLS, or neither, and nobody would notice; the wire
/// tells.
fn check(exchanges: &[Exchange], expected: Seen, wire: &Wire) -> Attempt {
    for exchange in exchanges.iter().filter(|exchange| !exchange.say.is_empty()) {
        let seen =
            if wire.shows(&format!("{}\r\n", exchange.say)) { Seen::Always } else { Seen::Never };
        if seen != expected {
            let how = if seen == Seen::Always { "in clear text" } else { "encrypted" };
            return Err(format!("{:?} went over the wire {how}", exchange.say).into());
        }
    }
    Ok(())
}
