//! Tasks to a path of this machine: the same in everything but what names the peer.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use streamtask::{Address, EofKind, ErrorKind, StreamTask};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::*;

/// A path that is free, and gone again when this is dropped.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("streamtask-{}-{number}.sock", std::process::id());
        Place(std::env::temp_dir().join(name))
    }

    fn listener(&self) -> UnixListener {
        UnixListener::bind(&self.0).expect("the path is free")
    }

    fn task(&self) -> StreamTask {
        session().stream_task_at_path(&self.0).expect("a task")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Serves one connection, on a thread of its own.
fn serve(
    listener: UnixListener,
    serve: impl FnOnce(UnixStream) + Send + 'static,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || serve(listener.accept().expect("somebody comes").0))
}

#[tokio::test]
async fn a_task_to_a_path_reads_writes_and_half_closes() {
    let place = Place::new();
    let peer = serve(place.listener(), |mut stream| {
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        stream.write_all(b"you said: ").unwrap();
        stream.write_all(&said).unwrap();
    });
    let task = place.task();
    let writes = [task.write("one ", GUARD), task.write("two", GUARD)];
    task.close_write();
    task.resume();
    for write in writes {
        done(write).await;
    }
    assert_eq!(done(task.read_exact(17, GUARD)).await.data, "you said: one two");
    let end = done(task.read_data(1.., GUARD)).await;
    assert_eq!((end.at_eof, end.eof), (true, Some(EofKind::Fin)));
    done(task.completion()).await;
    assert_eq!((task.host(), task.port(), task.remote_address()), (None, None, None));
    assert_eq!(task.attempts()[0].address, Address::Path(place.0.clone().into()));
    assert!(task.to_string().contains(place.0.to_str().unwrap()), "{task}");
    peer.join().unwrap();
}

#[tokio::test]
async fn captured_streams_of_a_path_lose_nothing() {
    let place = Place::new();
    let peer = serve(place.listener(), |mut stream| {
        stream.write_all(b"first\nsecond\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        assert_eq!(said, b"thanks");
    });
    let task = place.task();
    task.resume();
    assert_eq!(done(task.read_until("\n", 64, GUARD)).await.data, "first\n");
    let (mut input, mut output) = done(task.capture_streams()).await;
    assert!(input.local_address().is_err(), "a path is no address");
    let mut rest = String::new();
    soon(input.read_to_string(&mut rest)).await.unwrap();
    assert_eq!(rest, "second\n");
    soon(output.write_all(b"thanks")).await.unwrap();
    drop((input, output));
    peer.join().unwrap();
}

#[tokio::test]
async fn what_was_written_to_a_path_arrives_though_the_peer_has_said_what_nobody_reads() {
    let place = Place::new();
    let peer = serve(place.listener(), |mut stream| {
        stream.write_all(&[7; 1000]).unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        assert_eq!(said.len(), 300_000);
    });
    let task = place.task();
    task.resume();
    done(task.read_exact(1, GUARD)).await;
    done(task.write(vec![1; 300_000], GUARD)).await;
    drop(task);
    peer.join().unwrap();
}

#[tokio::test]
async fn a_path_where_nobody_listens_cannot_be_connected_to() {
    let place = Place::new();
    let task = place.task();
    task.resume();
    let error = soon(task.completion()).await.expect_err("there is nothing");
    assert_eq!(error.kind(), ErrorKind::CannotConnect);
    assert_eq!(error.endpoint(), place.0.to_str());
    drop(place.listener());
    let task = place.task();
    task.resume();
    assert_eq!(failed(task.completion()).await, ErrorKind::CannotConnect, "it is only a file now");
}
