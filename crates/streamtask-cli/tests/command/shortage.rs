//! Too few descriptors: what cannot start says so, and what can wait waits.

use std::io::{Read, Write};
use std::net::TcpStream;

use streamtask_testkit as kit;

use crate::support::{Finished, GUARD, Run, trusted};

/// Three lines of ours, which name the shortage, or the loader's own words.
fn assert_is_told(done: &Finished, what: &str) {
    let loader = done.code == Some(127) && done.stderr.contains("shared libraries");
    let lines: Vec<_> = done.stderr.lines().collect();
    let ours = done.code == Some(1)
        && lines.len() == 3
        && lines[0].starts_with("streamtask: ")
        && lines[1].contains("Too many open files")
        && lines[2].contains("ulimit -n");
    assert!(loader || ours, "{what}: {:?}\n{}", done.code, done.stderr);
}

#[test]
fn whatever_the_limit_on_descriptors_connect_works_or_says_so() {
    let (_, ca, settings) = trusted("whatever_the_limit");
    let (echo, secure) = (kit::echo(), kit::echo_tls(settings));
    let (port, secure_port) = (echo.port().to_string(), secure.port().to_string());
    let clear = ["connect", "localhost", &port];
    let tls = ["connect", "localhost", &secure_port, "--tls", "--ca", &ca];
    for limit in 3..=20 {
        for arguments in [&clear[..], &tls] {
            let mut run = Run::start_within(limit, arguments);
            // A command that cannot start does not read it.
            let _ = run.stdin.take().map(|mut stdin| stdin.write_all(b"hello"));
            let done = run.finish();
            match done.code {
                Some(0) => assert_eq!(done.stdout, b"hello"),
                _ => assert_is_told(&done, &format!("{limit}: {arguments:?}")),
            }
        }
    }
    assert!(echo.connections() > 0 && secure.connections() > 0);
}

#[test]
fn whatever_the_limit_on_descriptors_listen_works_or_says_so() {
    let mut served = 0;
    for limit in 3..=20 {
        for arguments in [&["listen", "0", "--once", "--echo"][..], &["listen", "0"]] {
            let mut listen = Run::start_within(limit, arguments);
            drop(listen.stdin.take());
            match listen.port_or_ended() {
                Some(port) => {
                    let address = ("127.0.0.1", port.parse().expect("a number"));
                    drop(TcpStream::connect(address).expect("it listens"));
                    listen.finish().expect(0);
                    served += 1;
                }
                None => assert_is_told(&listen.finish(), &format!("{limit}: {arguments:?}")),
            }
        }
    }
    assert!(served > 0);
}

#[test]
fn whatever_the_limit_on_descriptors_the_demo_works_or_says_so() {
    for limit in 3..=20 {
        let done = Run::start_within(limit, &["demo"]).finish();
        match done.code {
            Some(0) => assert_eq!(done.stderr, ""),
            _ => assert_is_told(&done, &limit.to_string()),
        }
    }
}

/// One word there and back.
fn echoed(mut socket: TcpStream) {
    let mut back = [0; 5];
    socket.set_read_timeout(Some(GUARD)).expect("a minute is not zero");
    socket.write_all(b"hello").expect("the listener is there");
    socket.read_exact(&mut back).expect("the listener goes on");
    assert_eq!(&back, b"hello");
}

#[test]
fn a_listener_without_a_descriptor_left_lets_callers_wait() {
    let mut listen = Run::start_within(14, &["listen", "0", "--echo"]);
    let port: u16 = listen.port().parse().expect("a number");
    let connect = || TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let crowd = || std::iter::repeat_with(connect).take(10).collect::<Vec<_>>();
    let first = crowd();
    listen.told("warning: new connections wait: Too many open files");
    // Each that leaves makes room for one that waits.
    first.into_iter().for_each(echoed);
    crowd().into_iter().for_each(echoed);
    listen.interrupt();
    let told = listen.finish().expect(130).stderr;
    assert_eq!(told.matches("warning: ").count(), 1, "{told}");
}
