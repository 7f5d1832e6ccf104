//! Descriptors as the command may inherit them: such that do not block, because somebody who shares them
//! wants it so. They are waited for, and left as they were.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::ioctl_fionbio;
use streamtask_testkit as kit;

use crate::support::{COMMAND, Run, all_bytes, small_pipe, wait_until_full};

/// So much that no pipe holds it.
const MUCH: usize = 4 << 20;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(COMMAND);
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A small pipe whose writing end, which the command gets, does not block.
fn impatient_writer() -> (PipeReader, PipeWriter) {
    let (reader, writer) = small_pipe();
    ioctl_fionbio(&writer, true).expect("a pipe takes the flag");
    (reader, writer)
}

/// A pipe whose reading end, which the command gets, does not block.
fn impatient_reader() -> (PipeReader, PipeWriter) {
    let (reader, writer) = pipe().expect("pipes are to be had");
    ioctl_fionbio(&reader, true).expect("a pipe takes the flag");
    (reader, writer)
}

/// The child's copy; the test's own shows what becomes of the flags, which belong to both.
fn dup(end: &impl AsFd) -> OwnedFd {
    end.as_fd().try_clone_to_owned().expect("descriptors are to be had")
}

/// Waits until the pipe is full, then reads on in small pieces, to the end.
fn read_slowly(mut reader: PipeReader) -> Vec<u8> {
    wait_until_full(&reader);
    let (mut all, mut piece) = (Vec::new(), [0; 512]);
    loop {
        match reader.read(&mut piece).expect("a pipe can be read") {
            0 => return all,
            read => all.extend_from_slice(&piece[..read]),
        }
    }
}

/// Waits for the end elsewhere, and says what the flags of a descriptor are then that the child shares.
fn watch(mut child: Child, shared: impl AsFd + Send + 'static) -> JoinHandle<(Option<i32>, Flags)> {
    thread::spawn(move || {
        let status = child.wait().expect("a child can be waited for");
        (status.code(), flags(&shared))
    })
}

/// Whether reading and writing wait.
#[derive(Debug, PartialEq, Eq)]
enum Flags {
    Blocking,
    Impatient,
}

fn flags(end: &impl AsFd) -> Flags {
    match fcntl_getfl(end).expect("a pipe has flags").contains(OFlags::NONBLOCK) {
        true => Flags::Impatient,
        false => Flags::Blocking,
    }
}

#[test]
fn a_stdout_that_does_not_block_is_waited_for() {
    let server = kit::source(vec![b'x'; MUCH]);
    let (reader, writer) = impatient_writer();
    let child = command(&["connect", "127.0.0.1", &server.port().to_string()])
        .stdout(dup(&writer))
        .spawn()
        .expect("the command was built");
    let ended = watch(child, writer);
    assert_eq!(read_slowly(reader).len(), MUCH);
    assert_eq!(ended.join().expect("no panic"), (Some(0), Flags::Impatient));
    server.finish();
}

#[test]
fn a_stdin_that_does_not_block_is_waited_for() {
    let server = kit::echo();
    let (reader, mut writer) = impatient_reader();
    let mut child = command(&["connect", "127.0.0.1", &server.port().to_string()])
        .stdin(dup(&reader))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command was built");
    let mut stdout = child.stdout.take().expect("stdout is piped");
    // By the time that one piece is back, the next has been looked for.
    for piece in ["one", "two", "six"] {
        writer.write_all(piece.as_bytes()).expect("the command reads");
        let mut back = [0; 3];
        stdout.read_exact(&mut back).expect("the command goes on");
        assert_eq!(&back, piece.as_bytes());
    }
    let all = thread::spawn(move || writer.write_all(&all_bytes()));
    let mut back = Vec::new();
    stdout.read_to_end(&mut back).expect("a pipe can be read");
    assert!(back == all_bytes(), "{} bytes", back.len());
    assert_eq!(watch(child, reader).join().expect("no panic"), (Some(0), Flags::Impatient));
    all.join().expect("no panic").expect("all of it was read");
    server.finish();
}

#[test]
fn descriptors_that_do_not_block_serve_a_listener_too() {
    let (stdin, mut to_stdin) = impatient_reader();
    let (from_stdout, stdout) = impatient_writer();
    let mut listen = Run::start_with(&["listen", "0"], stdin.into(), stdout.into());
    let port: u16 = listen.port().parse().expect("a number");
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let mut word = [0; 5];
    to_stdin.write_all(b"hello").expect("the command reads");
    socket.read_exact(&mut word).expect("the command goes on");
    assert_eq!(&word, b"hello");
    let upload = thread::spawn(move || socket.write_all(&vec![b'x'; MUCH]));
    drop(to_stdin);
    assert_eq!(read_slowly(from_stdout).len(), MUCH);
    upload.join().expect("no panic").expect("all of it was read");
    listen.finish().expect(0);
}

/// The demo waits where it is for somebody to read it.
#[test]
fn an_interrupt_ends_it_although_nobody_reads() {
    let (reader, mut writer) = impatient_writer();
    writer.write_all(&[b'\n'; 3000]).expect("a pipe has room for that");
    let run = Run::start_with(&["demo"], Stdio::null(), writer.into());
    wait_until_full(&reader);
    run.interrupt();
    run.finish().expect(130);
    drop(reader);
}

#[test]
fn a_stderr_that_does_not_block_gets_every_line() {
    const LINES: usize = 900;
    let server = kit::Server::start(|mut conn| async move {
        conn.write("220 hi\r\n").await?;
        conn.read_line().await?;
        let line = |number| format!("250-{number} {}\r\n", "x".repeat(150));
        conn.write((0..LINES).map(line).collect::<String>()).await?;
        conn.write("250 STARTTLS\r\n").await?;
        conn.read_line().await?;
        conn.write("454 not now\r\n").await?;
        conn.wait_closed().await.map(drop)
    });
    let (reader, writer) = impatient_writer();
    let port = server.port().to_string();
    let child = command(&["connect", "127.0.0.1", &port, "-v", "--starttls", "smtp"])
        .stderr(dup(&writer))
        .spawn()
        .expect("the command was built");
    let ended = watch(child, writer);
    let told = String::from_utf8(read_slowly(reader)).expect("text");
    let numbers = told.lines().filter_map(|line| line.strip_prefix("← 250-")?.split(' ').next());
    let numbers = numbers.filter_map(|number| number.parse::<usize>().ok());
    assert_eq!(numbers.zip(0..).take_while(|(told, said)| told == said).count(), LINES);
    assert!(told.ends_with("--tls\n"), "{}", told.lines().last().unwrap_or_default());
    assert_eq!(ended.join().expect("no panic"), (Some(5), Flags::Impatient));
    server.finish();
}

#[test]
fn descriptors_that_block_go_on_blocking() {
    let server = kit::echo();
    let ((stdin, mut to_stdin), (mut from_stdout, stdout)) =
        (pipe().expect("pipes are to be had"), pipe().expect("pipes are to be had"));
    let child = command(&["connect", "127.0.0.1", &server.port().to_string()])
        .stdin(dup(&stdin))
        .stdout(dup(&stdout))
        .spawn()
        .expect("the command was built");
    to_stdin.write_all(b"hello").expect("the command reads");
    let mut back = [0; 5];
    from_stdout.read_exact(&mut back).expect("the command goes on");
    assert_eq!((flags(&stdin), flags(&stdout)), (Flags::Blocking, Flags::Blocking));
    drop(to_stdin);
    assert_eq!(watch(child, stdin).join().expect("no panic"), (Some(0), Flags::Blocking));
    server.finish();
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_exits_with_1() {
    let server = kit::source(b"that is all".to_vec());
    let port = server.port().to_string();
    let connect = ["connect", "127.0.0.1", &port];
    for arguments in [&["demo"][..], &["--help"], &["--version"], &["listen", "--help"], &connect] {
        let full = std::fs::File::create("/dev/full").expect("Linux has it");
        let done = Run::start_with(arguments, Stdio::null(), full.into()).finish().expect(1);
        let lines: Vec<_> = done.stderr.lines().collect();
        assert_eq!(lines.len(), 3, "{arguments:?}: {}", done.stderr);
        assert_eq!(lines[0], "streamtask: writing to stdout failed", "{arguments:?}");
        assert!(lines[1].contains("No space left"), "{}", lines[1]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_of_a_listener_that_cannot_be_written_exits_with_1() {
    let full = std::fs::File::create("/dev/full").expect("Linux has it");
    let mut listen = Run::start_with(&["listen", "0"], Stdio::null(), full.into());
    let port: u16 = listen.port().parse().expect("a number");
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    socket.write_all(b"hello").expect("it reads");
    // Told before it waits for the peer's end.
    listen.told("streamtask: writing to stdout failed");
    drop(socket);
    listen.finish().expect(1);
}

#[test]
fn a_reader_that_has_gone_is_no_failure_for_anybody() {
    let server = kit::source(b"that is all".to_vec());
    let port = server.port().to_string();
    let connect = ["connect", "127.0.0.1", &port];
    for arguments in [&["demo"][..], &["--help"], &["--version"], &["listen", "--help"], &connect] {
        let (reader, writer) = pipe().expect("pipes are to be had");
        drop(reader);
        let done = Run::start_with(arguments, Stdio::null(), writer.into()).finish().expect(0);
        assert_eq!(done.stderr, "", "{arguments:?}");
    }
}
