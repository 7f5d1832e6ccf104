//! A server that ends TLS before it has begun, and leaves the socket open.

use streamtask::{DelegateQueue, ErrorKind, Session, SessionDelegate, Timeout};
use streamtask_testkit::{Authority, Server};

use crate::support::{configuration, in_time, task};

/// Answers the ClientHello with these bytes and says no more.
fn server(answer: &'static [u8]) -> Server {
    Server::start(move |mut conn| async move {
        let header = conn.read_exact(5).await?;
        let length = u16::from_be_bytes([header[3], header[4]]);
        conn.read_exact(length.into()).await?;
        conn.write(answer).await?;
        conn.wait_closed().await.map(drop)
    })
}

/// A delegate that has nothing to say: the handshake takes the way of those that ask.
struct Silent;

impl SessionDelegate for Silent {}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_notify_as_the_answer_to_the_client_hello_is_an_error_at_once() {
    const CLOSE: &[u8] = &[21, 3, 3, 0, 2, 1, 0];
    const CANCELED_AND_CLOSE: &[u8] = &[21, 3, 3, 0, 2, 1, 90, 21, 3, 3, 0, 2, 1, 0];
    const IN_ONE_RECORD: &[u8] = &[21, 3, 3, 0, 4, 1, 90, 1, 0];
    let authority = Authority::new();
    // Without a limit, what waits for one hangs.
    let configuration = configuration(&authority).timeout_for_request(Timeout::NEVER);
    let plain = Session::new(configuration.clone()).expect("a session");
    let asking = Session::with_delegate(configuration, Silent, DelegateQueue::serial());
    for session in [plain, asking.expect("a session")] {
        for answer in [CLOSE, CANCELED_AND_CLOSE, IN_ONE_RECORD] {
            let server = server(answer);
            let task = task(&session, server.port());
            let error = in_time(task.start_secure_connection()).await.expect_err("an end");
            assert_eq!(error.kind(), ErrorKind::SecureConnectionFailed, "{answer:?}");
            drop(task);
            tokio::task::spawn_blocking(move || server.finish()).await.expect("content");
        }
    }
}
