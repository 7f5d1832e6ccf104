//! Sessions are resumed where trust allows it, and only there.

use streamtask::{Challenge, Credential, DelegateQueue, Session, SessionDelegate, StreamTask};
use streamtask_testkit::{Authority, Certificate, Server, TlsSettings};

use crate::support::{SOON, VERSIONS, configuration, in_time, session, settings, task};

fn server(settings: &TlsSettings) -> Server {
    let settings = settings.clone();
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.start_tls(&settings).await?;
            conn.write("hi").await?;
            conn.read_to_end().await.map(drop)
        }
    })
}

/// Whether the handshake was a resumed one. Reads, so that tickets have come in.
async fn is_resumed(task: StreamTask) -> bool {
    let info = in_time(task.start_secure_connection()).await.expect("TLS");
    in_time(task.read_exact(2, SOON)).await.expect("a greeting");
    task.close_write();
    info.is_resumed()
}

struct Lenient;

impl SessionDelegate for Lenient {
    fn did_receive_challenge(&self, _: &Session, challenge: Challenge) -> Option<Challenge> {
        challenge.use_credential(Credential::Trust);
        None
    }
}

/// As if there were no delegate.
struct Silent;

impl SessionDelegate for Silent {}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_resumes_its_own_handshakes_and_nobody_elses() {
    let authority = Authority::new();
    for version in VERSIONS {
        let server = server(&settings(&authority, version));
        let (one, other) = (session(&authority), session(&authority));
        assert!(!is_resumed(task(&one, server.port())).await, "{version:?}: the first");
        assert!(is_resumed(task(&one, server.port())).await, "{version:?}: the second");
        assert!(!is_resumed(task(&other, server.port())).await, "{version:?}: of another session");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_against_the_evaluation_is_never_remembered() {
    let authority = Authority::new();
    for version in VERSIONS {
        let stranger = TlsSettings::new(&Certificate::self_signed(&["localhost"])).version(version);
        let server = server(&stranger);
        let session =
            Session::with_delegate(configuration(&authority), Lenient, DelegateQueue::serial())
                .expect("a session");
        for _ in 0..3 {
            assert!(!is_resumed(task(&session, server.port())).await, "{version:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_with_a_delegate_of_its_own_is_always_asked() {
    let authority = Authority::new();
    let server = server(&settings(&authority, VERSIONS[1]));
    let session = session(&authority);
    assert!(!is_resumed(task(&session, server.port())).await);
    let own = session.stream_task("localhost", server.port()).expect("an endpoint");
    own.set_delegate(Silent).expect("not resumed yet");
    own.resume();
    assert!(!is_resumed(own).await, "its delegate has a say");
    assert!(is_resumed(task(&session, server.port())).await, "the others are not affected");
}
