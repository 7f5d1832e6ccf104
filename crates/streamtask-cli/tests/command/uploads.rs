//! Uploads: what was sent arrives, whoever ends first.

use std::sync::mpsc::{Receiver, channel};

use streamtask_testkit::{Server, TlsSettings, Version};

use crate::support::{run, trusted};

/// Greets, then takes what comes in small pieces, to the end that has to be a good one.
fn takes_slowly(settings: Option<TlsSettings>, greeting: Greeting) -> (Server, Receiver<Vec<u8>>) {
    let (sender, taken) = channel();
    let server = Server::start(move |mut conn| {
        let (settings, sender) = (settings.clone(), sender.clone());
        async move {
            if let Some(settings) = &settings {
                conn.start_tls(settings).await?;
            }
            conn.write("hello\r\n").await?;
            match greeting {
                Greeting::End => conn.half_close().await?,
                Greeting::Word => {}
            }
            let mut all = Vec::new();
            while let piece @ [_, ..] = &conn.read().await?[..] {
                all.extend_from_slice(piece);
                tokio::task::yield_now().await;
            }
            // Without a close_notify it is none.
            conn.read_to_end().await?;
            let _ = sender.send(all);
            match greeting {
                Greeting::Word => conn.half_close().await,
                Greeting::End => Ok(()),
            }
        }
    });
    (server, taken)
}

/// Whether the server goes on after a word.
#[derive(Clone, Copy)]
enum Greeting {
    Word,
    End,
}

fn assert_upload_arrives(test: &str, tls: Tls, greeting: Greeting) {
    let (_, ca, settings) = trusted(test);
    let settings = match tls {
        Tls::Off => None,
        Tls::On => Some(settings.version(Version::Tls13)),
    };
    let options = match tls {
        Tls::Off => &[][..],
        Tls::On => &["--tls", "--ca", &ca],
    };
    let (server, taken) = takes_slowly(settings, greeting);
    let port = server.port().to_string();
    let upload = vec![b'u'; UPLOAD];
    let done = run(&[&["connect", "localhost", &port][..], options].concat(), &upload).expect(0);
    assert_eq!(done.stdout, b"hello\r\n");
    server.finish();
    assert_eq!(taken.recv().expect("the server has taken it").len(), UPLOAD);
}

/// More than sockets hold.
const UPLOAD: usize = 3 << 20;

#[derive(Clone, Copy)]
enum Tls {
    Off,
    On,
}

#[test]
fn an_upload_arrives_whole() {
    assert_upload_arrives("upload", Tls::Off, Greeting::Word);
}

#[test]
fn an_upload_under_tls_arrives_whole() {
    assert_upload_arrives("upload_tls", Tls::On, Greeting::Word);
}

#[test]
fn an_upload_arrives_whole_although_the_peer_has_ended_first() {
    assert_upload_arrives("upload_ended", Tls::Off, Greeting::End);
}

#[test]
fn an_upload_under_tls_arrives_whole_although_the_peer_has_ended_first() {
    assert_upload_arrives("upload_ended_tls", Tls::On, Greeting::End);
}
