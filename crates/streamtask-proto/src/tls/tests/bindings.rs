//! Channel bindings, however the server's records are cut.

use super::support::{Client, Server, VERSIONS, converse};
use crate::tls::TlsVersion;

const LABEL: &[u8] = b"EXPORTER-test";

fn exported(server: &Server) -> Vec<u8> {
    let made = server.0.export_keying_material(vec![0; 40], LABEL, Some(b"context"));
    made.expect("the handshake is done")
}

/// The handshake messages at the front of `flight`, in one record after `first` bytes of them in another.
fn recut(flight: &[u8], first: usize) -> Vec<u8> {
    let (mut messages, mut rest) = (Vec::new(), flight);
    while let Some(&[22, _, _, high, low]) = rest.first_chunk::<5>() {
        let (record, behind) = rest.split_at(5 + usize::from(u16::from_be_bytes([high, low])));
        messages.extend_from_slice(&record[5..]);
        rest = behind;
    }
    let (one, other) = messages.split_at(first.min(messages.len()));
    let mut cut = Vec::new();
    for piece in [one, other].into_iter().filter(|piece| !piece.is_empty()) {
        let length = u16::try_from(piece.len()).expect("a short flight");
        cut.extend_from_slice(&[&[22, 3, 3][..], &length.to_be_bytes(), piece].concat());
    }
    cut.extend_from_slice(rest);
    cut
}

#[test]
fn both_ends_derive_the_same_however_the_server_hello_is_cut() {
    for version in VERSIONS {
        // The ServerHello has some 90 bytes; behind it come other messages, or nothing.
        for first in 0..130 {
            let (mut client, mut server) = (Client::new(), Server::new(version));
            let flight = server.answer(&client.say());
            client.take(&recut(&flight, first)).expect("the same messages");
            converse(&mut client, &mut server).expect("a handshake");
            let ours = client.info().export_keying_material(LABEL, Some(b"context"), 40);
            assert_eq!(ours, Some(exported(&server)), "{version} cut at {first}");
        }
    }
}

#[test]
fn a_server_hello_that_dribbles_gives_the_same_material() {
    let (mut client, mut server) = (Client::new(), Server::new(TlsVersion::Tls12));
    let flight = server.answer(&client.say());
    for byte in recut(&flight, 20) {
        client.take(&[byte]).expect("the same messages");
    }
    converse(&mut client, &mut server).expect("a handshake");
    let ours = client.info().export_keying_material(LABEL, Some(b"context"), 40);
    assert_eq!(ours, Some(exported(&server)));
}
