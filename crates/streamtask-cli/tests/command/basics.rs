//! Netcat: bytes both ways, ends, and the ways out.

use std::io::Write;

use streamtask_testkit as kit;

use crate::support::{COMMAND, Run, all_bytes, run};

#[test]
fn every_byte_goes_to_the_peer_and_back() {
    let server = kit::echo();
    let bytes = all_bytes();
    let done = run(&["connect", "127.0.0.1", &server.port().to_string()], &bytes).expect(0);
    assert!(done.stdout == bytes, "{} of {} bytes", done.stdout.len(), bytes.len());
    assert_eq!(done.stderr, "");
    server.finish();
}

#[test]
fn the_end_of_stdin_closes_our_side_and_the_rest_of_the_peer_is_read() {
    let server = kit::half_closer();
    let done = run(&["connect", "localhost", &server.port().to_string()], b"all of it").expect(0);
    assert_eq!(done.stdout, b"all of it");
    server.finish();
}

#[test]
fn the_peers_end_ends_the_program_although_stdin_is_open() {
    let server = kit::source(b"that is all".to_vec());
    let run = Run::start(&["connect", "127.0.0.1", &server.port().to_string()]);
    let done = run.finish().expect(0);
    assert_eq!(done.stdout, b"that is all");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let server = kit::source(vec![b'x'; 16 << 20]);
    let port = server.port().to_string();
    let mut child = std::process::Command::new(COMMAND)
        .args(["connect", "127.0.0.1", &port])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the command was built");
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("a child can be waited for");
    assert_eq!((done.status.code(), done.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn verbose_tells_whom_it_reached() {
    let server = kit::echo();
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "-v"], b"").expect(0);
    assert_eq!(done.stderr, format!("● connected to 127.0.0.1:{port}\n"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_with_130_and_without_a_word() {
    let server = kit::echo();
    let mut run = Run::start(&["connect", "localhost", &server.port().to_string(), "-v"]);
    run.told("● connected");
    run.interrupt();
    let done = run.finish().expect(130);
    assert_eq!(done.stderr.lines().count(), 1);
}

#[test]
fn what_is_typed_arrives_while_stdin_stays_open() {
    let server = kit::Server::start(|mut conn| async move {
        let name = conn.read_line().await?;
        conn.write(format!("hello {name}\r\n")).await
    });
    let mut run = Run::start(&["connect", "127.0.0.1", &server.port().to_string()]);
    run.stdin.as_mut().expect("stdin is open").write_all(b"you\n").expect("the command reads");
    assert_eq!(run.finish().expect(0).stdout, b"hello you\r\n");
}

#[test]
fn help_lists_the_exit_codes_everywhere() {
    for arguments in [&["--help"][..], &["connect", "--help"], &["listen", "--help"]] {
        let text = String::from_utf8(run(arguments, b"").expect(0).stdout).expect("text");
        assert!(text.contains("130  interrupted"), "{text}");
    }
}

#[test]
fn help_fits_eighty_columns() {
    for arguments in [&["--help"][..], &["connect", "--help"], &["listen", "--help"]] {
        let text = String::from_utf8(run(arguments, b"").expect(0).stdout).expect("text");
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line:?}");
        }
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [
        &["connect", "localhost"][..],
        &["connect", "localhost", "0"],
        &["connect", "localhost", "65536"],
        &["connect", "local host", "1"],
        &["connect", "localhost", "1", "--insecure"],
        &["connect", "localhost", "1", "--starttls", "gopher"],
        &["connect", "localhost", "1", "--tls", "--ca", "/nowhere.pem"],
        &["connect", "localhost", "1", "--tls", "--tls-min", "1.3", "--tls-max", "1.2"],
        &["listen", "0", "--write-ca", "file"],
    ] {
        run(arguments, b"").expect(2);
    }
}
