//! What runs in the server's process: three listeners, until whoever started it is gone.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;

use super::manners;
use super::process::Site;
use super::tls::{Credentials, Tickets};
use crate::Outcome;

/// Where everything happens.
pub(super) const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Serves until standard input ends, which it does when whoever started this process is gone.
///
/// # Errors
/// When nothing can be listened to.
pub(crate) fn serve() -> Outcome<()> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    Builder::new_current_thread().enable_all().build()?.block_on(listen())
}

async fn listen() -> Outcome<()> {
    let credentials = Credentials::new()?;
    let secure = TlsAcceptor::from(credentials.config(Tickets::Never)?);
    let resuming = TlsAcceptor::from(credentials.config(Tickets::Given)?);
    let listeners = [bind().await?, bind().await?, bind().await?];
    announce(&listeners, &credentials)?;
    let [clear, tls, tickets] = listeners;
    tokio::try_join!(
        accept(clear, None),
        accept(tls, Some(secure)),
        accept(tickets, Some(resuming))
    )?;
    Ok(())
}

async fn bind() -> std::io::Result<TcpListener> {
    TcpListener::bind((HOST, 0)).await
}

fn announce(listeners: &[TcpListener; 3], credentials: &Credentials) -> Outcome<()> {
    let [clear, tls, resuming] = listeners;
    let site = Site {
        clear: clear.local_addr()?,
        tls: tls.local_addr()?,
        resuming: resuming.local_addr()?,
        certificate: credentials.certificate(),
    };
    let mut out = std::io::stdout();
    writeln!(out, "{site}")?;
    Ok(out.flush()?)
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>) -> Outcome<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // What went wrong for the client is the client's to tell.
            let _ = attend(socket, acceptor).await;
        });
    }
}

async fn attend(mut socket: TcpStream, acceptor: Option<TlsAcceptor>) -> std::io::Result<()> {
    match acceptor {
        Some(acceptor) => manners::serve(&mut acceptor.accept(socket).await?).await,
        None => manners::serve(&mut socket).await,
    }
}
