//! A million bytes each way through start → stop → start → capture, under random cuts of the wire.

use streamtask_testkit::{Authority, Conn, Cut, Server, Version, Wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{SOON, VERSIONS, configuration, in_time, noise, settings};

/// How much goes each way in each of the four stretches.
const STRETCH: usize = 250_000;

fn up(stretch: u64) -> Vec<u8> {
    noise(stretch * 2 + 1, STRETCH)
}

fn down(stretch: u64) -> Vec<u8> {
    noise(stretch * 2 + 1_000_001, STRETCH)
}

/// The server's side of a stretch: says its part, hears the client's.
async fn exchange(conn: &mut Conn, stretch: u64) -> std::io::Result<()> {
    conn.write(down(stretch)).await?;
    let heard = conn.read_exact(STRETCH).await?;
    assert!(heard == up(stretch), "what the server heard in stretch {stretch}");
    Ok(())
}

fn server(authority: &Authority, version: Version) -> Server {
    let settings = settings(authority, version);
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            exchange(&mut conn, 0).await?;
            conn.start_tls(&settings).await?;
            // The close_notify and the next stretch's clear text leave glued to the last of this one.
            conn.write(down(1)).await?;
            let heard = conn.read_exact(STRETCH).await?;
            assert!(heard == up(1), "what the server heard in stretch 1");
            conn.stop_tls().await?;
            exchange(&mut conn, 2).await?;
            conn.start_tls(&settings).await?;
            exchange(&mut conn, 3).await?;
            conn.half_close().await?;
            conn.read_to_end().await.map(drop)
        }
    })
}

async fn stretch(task: &streamtask::StreamTask, number: u64) {
    let mut bytes = bytes::Bytes::from(up(number));
    let mut size = 1;
    let mut writes = Vec::new();
    while !bytes.is_empty() {
        size = size * 3 % 40_000 + 1;
        writes.push(task.write(bytes.split_to(size.min(bytes.len())), SOON));
    }
    let heard = task.read_exact(STRETCH, SOON).await.expect("the server's part");
    assert!(heard.data[..] == down(number)[..], "what the client heard in stretch {number}");
    for write in writes {
        write.await.expect("written");
    }
}

async fn live(version: Version, seed: u64) {
    let authority = Authority::new();
    let server = server(&authority, version);
    let wire = Wire::start(server.addr(), Cut::Random { seed });
    let session = streamtask::Session::new(configuration(&authority)).expect("a session");
    let task = session.stream_task("localhost", wire.port()).expect("an endpoint");
    task.resume();
    stretch(&task, 0).await;
    task.start_secure_connection().await.expect("TLS");
    stretch(&task, 1).await;
    task.stop_secure_connection().await.expect("clear text again");
    stretch(&task, 2).await;
    task.start_secure_connection().await.expect("TLS again");
    let (mut input, mut output) = task.capture_streams().await.expect("the streams");
    let say = async {
        output.write_all(&up(3)).await.expect("written");
        output.shutdown().await.expect("ended");
    };
    let hear = async {
        let mut heard = Vec::new();
        AsyncReadExt::read_to_end(&mut input, &mut heard).await.expect("the server's part");
        heard
    };
    let ((), heard) = tokio::join!(say, hear);
    assert!(heard == down(3), "what the captured stream heard");
    drop((input, output));
    tokio::task::spawn_blocking(move || server.finish()).await.expect("the server is content");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_bytes_survive_start_stop_start_and_capture_under_random_cuts() {
    for version in VERSIONS {
        for seed in [3, 77, 4_242] {
            in_time(live(version, seed)).await;
        }
    }
}
