//! A peer's last words, whatever it has heard and however it ends behind them.

use streamtask_testkit::Version;

use super::client::Client;
use super::foretold::Case;
use super::peer::{self, Peer};
use super::{Context, on_both, times};
use crate::layers::{Layer, configuration};
use crate::support::*;

async fn run(case: Case, times: usize) {
    let (server, mut heard) = case.peer.serve();
    let session = session_of(configuration());
    for round in 0..times {
        let context = Context::new((case, round));
        let told = case.client.play(case.peer, &session, server.port(), round).await;
        context.note(&told);
        let heard = peer::next(&mut heard).await;
        context.note(&heard);
        case.check(&told, &heard);
    }
    soon(session.lingering()).await;
    server.finish();
}

pub(super) fn all(layer: Layer, times: usize) {
    on_both(|| async {
        for peer in Peer::all(layer) {
            for client in Client::ALL.into_iter().filter(|client| client.suits(peer)) {
                run(Case { peer, client }, times).await;
            }
        }
    });
}

#[test]
fn the_last_words_of_a_peer_are_had_in_full_in_clear_text() {
    all(Layer::Clear, times());
}

#[test]
fn the_last_words_of_a_peer_are_had_in_full_under_tls_1_2() {
    all(Layer::Secure(Version::Tls12), times());
}

#[test]
fn the_last_words_of_a_peer_are_had_in_full_under_tls_1_3() {
    all(Layer::Secure(Version::Tls13), times());
}
