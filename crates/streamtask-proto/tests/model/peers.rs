//! The peers that every sequence is tried against.

use crate::peer::{Act, Cue, Peer};

/// One of each kind: how they answer, how they end, and where they break.
pub(crate) fn peers() -> Vec<Peer> {
    use Act::{Close, CloseNotify, Fin, Refuse, Reset, Say, SayClear, Stall, Tls};
    use Cue::{Accepted, Data, Fin as GotFin, Handshaken, Hello};
    let answers = || (Hello, vec![Tls]);
    let stops = || (Cue::CloseNotify, vec![CloseNotify, SayClear(3)]);
    let peer = |name, script: Vec<(Cue, Vec<Act>)>| Peer { name, script };
    vec![
        peer("quiet", vec![answers(), (Cue::CloseNotify, vec![CloseNotify])]),
        peer(
            "greets",
            vec![(Accepted, vec![Say(3)]), answers(), (Handshaken, vec![Say(3)]), stops()],
        ),
        peer("answers", vec![(Data, vec![Say(3)]), answers(), stops(), (GotFin, vec![Fin])]),
        peer(
            "greets-answers",
            vec![
                (Accepted, vec![Say(1)]),
                (Data, vec![Say(4)]),
                answers(),
                stops(),
                (GotFin, vec![Say(2), Fin]),
            ],
        ),
        peer("ends", vec![(Accepted, vec![Say(3), Fin]), answers(), stops()]),
        peer("closes", vec![(Accepted, vec![Say(3), Close])]),
        peer("resets", vec![(Accepted, vec![Say(3), Reset])]),
        peer("resets-upon-data", vec![(Data, vec![Say(3), Reset]), answers()]),
        peer("closes-upon-data", vec![(Data, vec![Say(3), Close]), answers()]),
        peer("mute", vec![(Data, vec![Say(2)]), answers()]),
        peer("truncates", vec![answers(), (Handshaken, vec![Say(2), Fin])]),
        peer(
            "stops-first",
            vec![
                answers(),
                (Handshaken, vec![Say(3), CloseNotify, SayClear(3)]),
                (GotFin, vec![Fin]),
            ],
        ),
        peer("stops-and-ends", vec![answers(), (Handshaken, vec![Say(3), CloseNotify, Fin])]),
        peer("stops-and-resets", vec![answers(), (Handshaken, vec![Say(1), CloseNotify, Reset])]),
        peer("resets-under-tls", vec![answers(), (Handshaken, vec![Say(3), Reset])]),
        peer("closes-under-tls", vec![answers(), (Handshaken, vec![Say(3), CloseNotify, Close])]),
        peer("cut-off", vec![answers(), (Handshaken, vec![Say(1)]), (Cue::CloseNotify, vec![Fin])]),
        peer(
            "resets-upon-close-notify",
            vec![
                answers(),
                (Handshaken, vec![Say(1)]),
                (Cue::CloseNotify, vec![Say(2), CloseNotify, SayClear(2), Reset]),
            ],
        ),
        peer("refuses", vec![(Hello, vec![Refuse])]),
        peer("ends-upon-hello", vec![(Hello, vec![Fin])]),
        peer("resets-upon-hello", vec![(Hello, vec![Reset])]),
        peer("babbles-upon-hello", vec![(Hello, vec![SayClear(7)])]),
        peer("babbles-under-tls", vec![answers(), (Handshaken, vec![Say(2), SayClear(7)])]),
        peer("stalls", vec![(Accepted, vec![Stall(3)]), (Data, vec![Say(3)]), answers()]),
        peer("stalls-under-tls", vec![answers(), (Handshaken, vec![Say(3), Stall(0)])]),
    ]
}
