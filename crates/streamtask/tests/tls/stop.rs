//! TLS is stopped in place: every byte behind the peer's close_notify is the first clear text, and none
//! of ours ever leaves in clear before the peer has answered.

use std::time::{Duration, Instant};

use streamtask::{ErrorKind, Limit, Session, StreamTask};
use streamtask_testkit::{Authority, Conn, Server, TlsSettings, Version};

use crate::support::{SOON, VERSIONS, configuration, in_time, session, settings, task};

async fn secured(session: &Session, server: &Server) -> StreamTask {
    let task = task(session, server.port());
    in_time(task.start_secure_connection()).await.expect("TLS");
    task
}

fn scripted<F>(
    settings: &TlsSettings,
    script: impl Fn(Conn) -> F + Send + Sync + Copy + 'static,
) -> Server
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let settings = settings.clone();
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.start_tls(&settings).await?;
            script(conn).await
        }
    })
}

/// FTP's CCC, the reply, the close_notify and clear text that looks like a record all in one segment.
#[tokio::test(flavor = "multi_thread")]
async fn clear_text_glued_behind_the_close_notify_is_all_there() {
    let authority = Authority::new();
    for version in VERSIONS {
        let server = scripted(&settings(&authority, version), |mut conn| async move {
            assert_eq!(conn.read_line().await?, "CCC");
            conn.hold();
            conn.write("200 ok\r\n").await?;
            conn.send_close_notify().await?;
            conn.write_raw(b"\x17\x03\x03\x00\x02 clear\r\n").await?;
            conn.release().await?;
            conn.wait_close_notify().await?;
            conn.end_tls();
            assert_eq!(conn.read_line().await?, "NOOP");
            conn.write("200 noop\r\n").await
        });
        let task = secured(&session(&authority), &server).await;
        let began = Instant::now();
        in_time(task.write("CCC\r\n", SOON)).await.expect("written");
        let reply = in_time(task.read_until("\r\n", 100, SOON)).await.expect("a reply");
        assert_eq!(reply.data, "200 ok\r\n");
        in_time(task.stop_secure_connection()).await.expect("clear text");
        assert!(!task.is_secure());
        let clear = in_time(task.read_until("\r\n", 100, SOON)).await.expect("clear text");
        assert_eq!(&clear.data[..], b"\x17\x03\x03\x00\x02 clear\r\n", "{version:?}");
        in_time(task.write("NOOP\r\n", SOON)).await.expect("written");
        let reply = in_time(task.read_until("\r\n", 100, SOON)).await.expect("a reply");
        assert_eq!(reply.data, "200 noop\r\n");
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
        tokio::task::spawn_blocking(move || server.finish()).await.expect("content");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_still_arrives_under_tls_while_stopping_comes_first() {
    let authority = Authority::new();
    for version in VERSIONS {
        let server = scripted(&settings(&authority, version), |mut conn| async move {
            conn.wait_close_notify().await?;
            conn.write(vec![b't'; 50_000]).await?;
            conn.send_close_notify().await?;
            conn.end_tls();
            conn.write("clear").await?;
            conn.half_close().await
        });
        let task = secured(&session(&authority), &server).await;
        in_time(task.stop_secure_connection()).await.expect("clear text");
        let under_tls = in_time(task.read_exact(50_000, SOON)).await.expect("bytes");
        assert!(under_tls.data.iter().all(|byte| *byte == b't'), "{version:?}");
        assert_eq!(in_time(task.read_exact(5, SOON)).await.expect("bytes").data, "clear");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_may_stop_at_once_and_start_again() {
    let authority = Authority::new();
    for version in VERSIONS {
        let again = settings(&authority, version);
        let settings = again.clone();
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                for _ in 0..3 {
                    conn.start_tls(&settings).await?;
                    conn.send_close_notify().await?;
                    conn.wait_close_notify().await?;
                    conn.end_tls();
                    assert_eq!(conn.read_exact(5).await?, b"clear");
                }
                conn.write("done").await
            }
        });
        let task = task(&session(&authority), server.port());
        for _ in 0..3 {
            let start = task.start_secure_connection();
            let stop = task.stop_secure_connection();
            let write = task.write("clear", SOON);
            in_time(start).await.expect("TLS");
            in_time(stop).await.expect("clear text");
            in_time(write).await.expect("written");
        }
        assert_eq!(in_time(task.read_exact(4, SOON)).await.expect("bytes").data, "done");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_answers_meets_the_limit_and_hears_nothing_in_clear() {
    let authority = Authority::new();
    let server = scripted(&settings(&authority, Version::Tls13), |mut conn| async move {
        conn.wait_close_notify().await?;
        let rest = conn.wait_closed().await?;
        assert!(rest.is_empty(), "nothing in clear: {rest:?}");
        Ok(())
    });
    let configuration = configuration(&authority).timeout_for_request(Duration::from_millis(400));
    let session = Session::new(configuration).expect("a session");
    let task = secured(&session, &server).await;
    let stop = task.stop_secure_connection();
    let write = task.write("password", SOON);
    let limit = ErrorKind::TimedOut(Limit::SecureStop);
    assert_eq!(in_time(stop).await.expect_err("no answer").kind(), limit);
    assert_eq!(in_time(write).await.expect_err("no answer").kind(), limit);
    tokio::task::spawn_blocking(move || server.finish()).await.expect("content");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_goes_away_instead_of_answering_is_a_loss() {
    let authority = Authority::new();
    let server = scripted(&settings(&authority, Version::Tls12), |mut conn| async move {
        conn.wait_close_notify().await?;
        conn.half_close_raw().await?;
        conn.wait_closed().await.map(drop)
    });
    let task = secured(&session(&authority), &server).await;
    let error = in_time(task.stop_secure_connection()).await.expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
}

/// As a directory server does: it closes TLS, then the connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_closure_and_then_the_end_is_a_clean_end() {
    let authority = Authority::new();
    let server = scripted(&settings(&authority, Version::Tls13), |mut conn| async move {
        conn.wait_close_notify().await?;
        conn.send_close_notify().await?;
        conn.end_tls();
        conn.half_close_raw().await
    });
    let task = secured(&session(&authority), &server).await;
    in_time(task.stop_secure_connection()).await.expect("clear text");
    let end = in_time(task.read_data(1..=10, SOON)).await.expect("an end");
    assert!(end.at_eof && end.data.is_empty());
    assert_eq!(end.eof, Some(streamtask::EofKind::Fin));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_a_clear_stream_changes_nothing() {
    let server = streamtask_testkit::echo();
    let task = task(&Session::shared(), server.port());
    in_time(task.stop_secure_connection()).await.expect("nothing to do");
    in_time(task.write("still here", SOON)).await.expect("written");
    assert_eq!(in_time(task.read_exact(10, SOON)).await.expect("bytes").data, "still here");
}
