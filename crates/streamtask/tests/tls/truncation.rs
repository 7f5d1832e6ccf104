//! An end without close_notify is never a clean end: what came before it is delivered, then it is told.

use streamtask::{EofKind, ErrorKind, Session, StreamTask};
use streamtask_testkit::{Authority, Conn, Server};

use crate::support::{SOON, VERSIONS, configuration, in_time, session, settings, task};

/// How a connection ends under TLS.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    CloseNotify,
    Fin,
    HalfARecord,
    ClearText,
    Reset,
}

async fn cut(mut conn: Conn, how: Cut) -> std::io::Result<()> {
    match how {
        Cut::CloseNotify => conn.half_close().await?,
        Cut::Fin => conn.half_close_raw().await?,
        Cut::HalfARecord => {
            conn.write_raw(b"\x17\x03\x03\x01\x00half of it").await?;
            conn.half_close_raw().await?;
        }
        Cut::ClearText => conn.write_raw("250 in clear\r\n").await?,
        Cut::Reset => {
            conn.reset();
            return Ok(());
        }
    }
    conn.wait_closed().await.map(drop)
}

/// Says seven bytes under TLS, waits for a byte, and ends as told.
fn server(authority: &Authority, version: streamtask_testkit::Version, how: Cut) -> Server {
    let settings = settings(authority, version);
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.start_tls(&settings).await?;
            conn.write("payload").await?;
            conn.read_exact(1).await?;
            cut(conn, how).await
        }
    })
}

async fn until_the_end(
    session: &Session,
    server: &Server,
) -> (StreamTask, Result<EofKind, ErrorKind>) {
    let task = task(session, server.port());
    in_time(task.start_secure_connection()).await.expect("TLS");
    // Part of it is read before the end, part behind it.
    assert_eq!(in_time(task.read_exact(3, SOON)).await.expect("bytes").data, "pay");
    in_time(task.write("x", SOON)).await.expect("written");
    assert_eq!(in_time(task.read_exact(4, SOON)).await.expect("bytes").data, "load");
    let end = match in_time(task.read_data(1..=10, SOON)).await {
        Ok(end) => {
            assert!(end.at_eof && end.data.is_empty(), "{end:?}");
            Ok(end.eof.expect("an end has a kind"))
        }
        Err(error) => Err(error.kind()),
    };
    (task, end)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_end_under_tls_is_told_for_what_it_is() {
    let authority = Authority::new();
    for version in VERSIONS {
        for (how, expected) in [
            (Cut::CloseNotify, Ok(EofKind::CloseNotify)),
            (Cut::Fin, Err(ErrorKind::Truncated)),
            (Cut::HalfARecord, Err(ErrorKind::Truncated)),
            (Cut::ClearText, Err(ErrorKind::SecureConnectionFailed)),
            (Cut::Reset, Err(ErrorKind::ConnectionLost)),
        ] {
            let server = server(&authority, version, how);
            let (_task, end) = until_the_end(&session(&authority), &server).await;
            assert_eq!(end, expected, "{version:?} {how:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_request_a_cut_off_end_is_an_end_that_says_so() {
    let authority = Authority::new();
    let session = Session::new(configuration(&authority).tolerate_truncation(true));
    let session = session.expect("a session");
    let server = server(&authority, VERSIONS[1], Cut::Fin);
    let (task, end) = until_the_end(&session, &server).await;
    assert_eq!(end, Ok(EofKind::Truncated));
    task.close_write();
    in_time(task.completion()).await.expect("a good end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_off_stream_that_is_closed_ends_as_cut_off() {
    let authority = Authority::new();
    let server = server(&authority, VERSIONS[1], Cut::Fin);
    let (task, end) = until_the_end(&session(&authority), &server).await;
    assert_eq!(end, Err(ErrorKind::Truncated));
    task.close_write();
    let error = in_time(task.completion()).await.expect_err("cut off");
    assert_eq!(error.kind(), ErrorKind::Truncated);
}

#[tokio::test(flavor = "multi_thread")]
async fn captured_streams_do_not_take_a_cut_off_end_for_an_end_either() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let authority = Authority::new();
    let server = server(&authority, VERSIONS[1], Cut::Fin);
    let task = task(&session(&authority), server.port());
    in_time(task.start_secure_connection()).await.expect("TLS");
    let (mut input, mut output) = in_time(task.capture_streams()).await.expect("the streams");
    AsyncWriteExt::write_all(&mut output, b"x").await.expect("written");
    AsyncWriteExt::flush(&mut output).await.expect("flushed");
    let mut heard = Vec::new();
    let end = in_time(AsyncReadExt::read_to_end(&mut input, &mut heard)).await;
    assert_eq!(heard, b"payload");
    assert_eq!(end.expect_err("cut off").kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_during_the_handshake_is_a_failure() {
    let authority = Authority::new();
    for resets in [false, true] {
        let server = Server::start(move |mut conn| async move {
            conn.read().await?;
            match resets {
                true => conn.reset(),
                false => conn.half_close_raw().await?,
            }
            Ok(())
        });
        let task = task(&session(&authority), server.port());
        let start = task.start_secure_connection();
        let read = task.read_data(1..=10, SOON);
        let error = in_time(start).await.expect_err("no TLS");
        assert_eq!(error.kind(), ErrorKind::ConnectionLost);
        assert_eq!(in_time(read).await.expect_err("no TLS").kind(), error.kind());
    }
}
