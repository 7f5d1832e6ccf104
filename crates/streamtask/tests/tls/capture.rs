//! Captured streams under clients that no one here wrote: hyper's HTTP/1 and tokio-tungstenite.

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::rt::TokioIo;
use streamtask::{Duplex, Session, StreamTask};
use streamtask_testkit::{Authority, Server, Version};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{SOON, in_time, session, settings, task};

async fn joined(task: StreamTask) -> Duplex {
    let (input, output) = in_time(task.capture_streams()).await.expect("the streams");
    input.join(output).expect("halves of one connection")
}

/// Greets in its own protocol first, then speaks HTTP, on request under TLS.
fn http_server(authority: &Authority) -> Server {
    let settings = settings(authority, Version::Tls13);
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            if conn.read_line().await? == "TLS" {
                conn.start_tls(&settings).await?;
            }
            let mut head = Vec::new();
            loop {
                match conn.read_line().await?.as_str() {
                    "" => break,
                    line => head.push(line.to_owned()),
                }
            }
            assert_eq!(head[0], "GET /where HTTP/1.1");
            conn.write("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello hyper!").await?;
            conn.half_close().await
        }
    })
}

async fn get(io: Duplex) -> bytes::Bytes {
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(io));
    let (mut sender, connection) = handshake.await.expect("hyper takes the stream");
    let connection = tokio::spawn(connection);
    let request = Request::get("/where").header("Host", "localhost");
    let request = request.body(Empty::<bytes::Bytes>::new()).expect("a request");
    let response = sender.send_request(request).await.expect("a response");
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    drop(sender);
    let _ = connection.await.expect("no panic");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn hypers_client_runs_over_captured_streams_in_clear_and_under_tls() {
    let authority = Authority::new();
    for first in ["clear\r\n", "TLS\r\n"] {
        let server = http_server(&authority);
        let task = task(&session(&authority), server.port());
        in_time(task.write(first, SOON)).await.expect("written");
        if first == "TLS\r\n" {
            in_time(task.start_secure_connection()).await.expect("TLS");
        }
        assert_eq!(in_time(get(joined(task).await)).await, "hello hyper!");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tungstenites_handshake_and_messages_run_over_captured_streams() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let echo = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a client");
        let mut server = tokio_tungstenite::accept_async(socket).await.expect("a handshake");
        for _ in 0..3 {
            let message = next(&mut server).await;
            send(&mut server, message).await;
        }
    });
    let session = Session::shared();
    let io = joined(task(&session, port)).await;
    let url = format!("ws://localhost:{port}/");
    let (mut client, _) =
        in_time(tokio_tungstenite::client_async(url, io)).await.expect("a handshake");
    for message in [Message::text("one"), Message::binary(vec![7; 70_000]), Message::text("three")]
    {
        send(&mut client, message.clone()).await;
        assert_eq!(in_time(next(&mut client)).await, message);
    }
    in_time(echo).await.expect("no panic");
}

type Socket<S> = tokio_tungstenite::WebSocketStream<S>;

async fn next<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
) -> Message {
    let next = std::future::poll_fn(|cx| {
        futures_core::Stream::poll_next(std::pin::Pin::new(&mut *socket), cx)
    });
    next.await.expect("a message").expect("a good one")
}

async fn send<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    message: Message,
) {
    use futures_util::SinkExt;
    socket.send(message).await.expect("sent");
}
