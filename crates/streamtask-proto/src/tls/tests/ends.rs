//! A peer that ends TLS before it has begun.

use super::support::{Client, Server, VERSIONS};
use crate::{Error, ErrorKind};

const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;

/// A record in the clear with these alerts.
fn alerts(alerts: &[(u8, u8)]) -> Vec<u8> {
    let payload: Vec<u8> = alerts.iter().flat_map(|(level, what)| [*level, *what]).collect();
    let length = u8::try_from(payload.len()).expect("a few");
    [&[21, 3, 3, 0, length][..], &payload].concat()
}

/// Every way of saying goodbye that peers have.
fn goodbyes() -> Vec<Vec<u8>> {
    let mut goodbyes = Vec::new();
    for level in [0, 1, 2, 255] {
        goodbyes.push(alerts(&[(level, CLOSE_NOTIFY)]));
        goodbyes.push(alerts(&[(1, USER_CANCELED), (level, CLOSE_NOTIFY)]));
        let canceled = alerts(&[(1, USER_CANCELED)]);
        goodbyes.push([canceled, alerts(&[(level, CLOSE_NOTIFY)])].concat());
    }
    goodbyes
}

fn assert_ended(ended: Result<(), Error>, context: &str) {
    let error = ended.expect_err(context);
    assert_eq!(error.kind(), ErrorKind::SecureConnectionFailed, "{context}");
    assert!(error.to_string().contains("the peer ended TLS during the handshake"), "{error}");
}

#[test]
fn a_close_notify_as_the_answer_to_the_client_hello_is_an_error_wherever_it_is_cut() {
    for goodbye in goodbyes() {
        for cut in 0..goodbye.len() {
            let mut client = Client::new();
            client.take(&goodbye[..cut]).expect("not at its end");
            assert_ended(client.take(&goodbye[cut..]), &format!("{goodbye:?} cut at {cut}"));
            assert_ended(client.take(&[]), "for good");
        }
    }
}

#[test]
fn a_close_notify_behind_part_of_the_servers_flight_is_an_error() {
    for version in VERSIONS {
        for goodbye in goodbyes() {
            let (mut client, mut server) = (Client::new(), Server::new(version));
            let flight = server.answer(&client.say());
            // The ServerHello alone: 5 bytes of header, and what they announce.
            let length = usize::from(u16::from_be_bytes([flight[3], flight[4]]));
            client.take(&flight[..5 + length]).expect("a ServerHello");
            let ended = client.take(&goodbye).expect_err("an end");
            assert_eq!(ended.kind(), ErrorKind::SecureConnectionFailed, "{version} {goodbye:?}");
        }
    }
}

#[test]
fn a_warning_that_is_no_goodbye_is_waited_behind() {
    const UNRECOGNIZED_NAME: u8 = 112;
    let (mut client, mut server) = (Client::new(), Server::new(super::super::TlsVersion::Tls12));
    let flight = server.answer(&client.say());
    client.take(&alerts(&[(1, UNRECOGNIZED_NAME)])).expect("a warning");
    client.take(&flight).expect("the server's flight");
    super::support::converse(&mut client, &mut server).expect("a handshake");
    assert!(!client.engine.is_handshaking());
}
