//! `streamtask listen`: the other end, for trying things.
//!
//! It listens with tokio and tokio-rustls, not with the library, whose tasks only connect; so trying one
//! against the other tries two implementations. `secure` makes its TLS, `serve` answers connections.

mod pipes;
mod secure;
mod serve;

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use crate::args::ListenArgs;
use crate::certificate::fingerprint;
use crate::report::Failure;
use crate::stdio;

use secure::Secured;
use serve::Door;

/// Runs the subcommand: to the end of one connection, or for ever.
pub(crate) async fn run(args: ListenArgs) -> Result<(), Failure> {
    let secured = match args.tls {
        true => Some(Secured::new(&args)?),
        false => None,
    };
    let listener = bind(&args).await?;
    announce(&listener, secured.as_ref());
    let door = Door::new(secured.map(|secured| secured.acceptor));
    match (args.echo, args.once) {
        (true, false) => loop {
            let (stream, address) = accept(&listener).await?;
            tokio::spawn(door.clone().echo_and_tell(stream, address));
        },
        (true, true) => {
            let (stream, address) = accept(&listener).await?;
            door.echo(stream, address).await
        }
        (false, _) => {
            let (stream, address) = accept(&listener).await?;
            drop(listener);
            door.tie(stream, address).await
        }
    }
}

async fn bind(args: &ListenArgs) -> Result<TcpListener, Failure> {
    let host = args.host.trim_start_matches('[').trim_end_matches(']');
    TcpListener::bind((host, args.port))
        .await
        .map_err(|error| Failure::local(format!("listening on {host} port {}", args.port), &error))
}

/// Says it on stderr, last of all: from this line on connections are welcome.
fn announce(listener: &TcpListener, secured: Option<&Secured>) {
    if let Some(secured) = secured {
        stdio::tell(&format!("certificate SHA-256 {}\n", fingerprint(&secured.leaf)));
    }
    if let Ok(address) = listener.local_addr() {
        stdio::tell(&format!("listening on {address}\n"));
    }
}

async fn accept(listener: &TcpListener) -> Result<(TcpStream, SocketAddr), Failure> {
    let (stream, address) = listener
        .accept()
        .await
        .map_err(|error| Failure::local("accepting a connection", &error))?;
    // Small pieces are to leave at once; a socket that the peer has reset may refuse.
    let _ = stream.set_nodelay(true);
    Ok((stream, address))
}
