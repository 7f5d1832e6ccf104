//! `streamtask demo`: the whole life of a stream task, shown as it happens.
//!
//! `peer` is the server, inside this process; `story` is what a client of the library would write;
//! `trust` answers the question about the peer's certificate; `show` puts it all on the screen.

mod peer;
mod show;
mod story;
mod summary;
mod trust;
mod wire;

use streamtask::{Configuration, DelegateQueue, Error, Roots, Session};

use crate::certificate::{Certificate, Made};
use crate::report::Failure;

use peer::Peer;
use show::Show;
use story::Story;
use trust::OnlyThisOne;

/// Runs the demo; it ends by itself.
pub(crate) async fn run() -> Result<(), Failure> {
    let certificate = make("demo.example", &["127.0.0.1"])?.certificate;
    let known = certificate.leaf().clone();
    let peer = Peer::start(certificate).await.map_err(|error| trouble(&error))?;
    let show = Show::begin(peer.address());
    let session = Session::with_delegate(
        Configuration::default().roots(roots_that_do_not_help()?),
        OnlyThisOne::new(known, show.clone()),
        DelegateQueue::serial(),
    )
    .map_err(|error| failure(&error))?;
    let address = peer.address();
    let task = session
        .stream_task(&address.ip().to_string(), address.port())
        .map_err(|error| failure(&error))?;
    Story::new(task, show.clone()).tell().await.map_err(|error| failure(&error))?;
    peer.finish().await.map_err(|error| trouble(&error))?;
    show.end()
}

/// A root that has nothing to do with the peer, so that the default evaluation says no and the delegate
/// has something to decide.
fn roots_that_do_not_help() -> Result<Roots, Failure> {
    let stranger = make("a stranger's root", &["stranger.example"])?;
    Ok(Roots::Only(vec![stranger.certificate.leaf().clone()]))
}

fn make(subject: &str, names: &[&str]) -> Result<Made, Failure> {
    Certificate::make(subject, names)
        .map_err(|error| Failure::local("making a certificate for the demo", &error))
}

fn failure(error: &Error) -> Failure {
    Failure::of(error, "the demo")
}

fn trouble(error: &std::io::Error) -> Failure {
    Failure::local("the demo's peer", error)
}
