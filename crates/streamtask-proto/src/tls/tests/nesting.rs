//! A question that is answered by somebody who talks under TLS meanwhile.

use std::sync::Arc;

use super::support::{Client, Server, VERSIONS, config, converse, pki, verifier};
use crate::tls::{Ask, IdentityAnswer, IdentityQuestion, TlsVersion, TrustAnswer, TrustQuestion};

/// Has a whole handshake of its own before it answers.
struct Talkative(TlsVersion);

impl Ask for Talkative {
    fn server_trust(&self, _: TrustQuestion) -> TrustAnswer {
        let (mut client, mut server) = (Client::new(), Server::new(self.0));
        converse(&mut client, &mut server).expect("a handshake");
        TrustAnswer::Default
    }

    fn client_identity(&self, _: IdentityQuestion) -> IdentityAnswer {
        IdentityAnswer::Continue
    }
}

#[test]
fn a_connection_made_to_answer_a_question_takes_nothing_from_the_one_that_asks() {
    for (outer, inner) in [VERSIONS, [VERSIONS[1], VERSIONS[0]]].map(|[one, two]| (one, two)) {
        let config = config(verifier(pki().root.clone()));
        let mut client = Client::with(&config, Some(Arc::new(Talkative(inner))));
        let mut server = Server::new(outer);
        converse(&mut client, &mut server).expect("a handshake");
        let theirs = server.0.export_keying_material(vec![0; 32], b"EXPORTER-test", None);
        let ours = client.info().export_keying_material(b"EXPORTER-test", None, 32);
        assert_eq!(ours, Some(theirs.expect("the handshake is done")), "{outer} around {inner}");
    }
}
