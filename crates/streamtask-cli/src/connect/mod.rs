//! `streamtask connect`: netcat on a stream task.
//!
//! `way` reads how to get there, `opening` brings the connection to where bytes may flow, `dialogue` asks for TLS in clear text, `trust`
//! overrules trust when told to, `distrust` says what to do about a refusal; here they are put together and
//! tied to stdin and stdout.

mod dialogue;
mod distrust;
mod opening;
mod pipes;
mod trust;
mod verbose;
mod way;

use std::time::Duration;

use streamtask::{Completion, Configuration, DelegateQueue, Session, StreamTask, Timeout};
use tokio::time::timeout;

use crate::args::ConnectArgs;
use crate::files;
use crate::lingering::Lingering;
use crate::relay::relay;
use crate::report::Failure;

use opening::Opening;
use pipes::{FromPeer, ToPeer};
use trust::AcceptAnything;
use verbose::Verbose;

/// Runs the subcommand to the peer's end.
pub(crate) async fn run(args: ConnectArgs, lingering: &mut Lingering) -> Result<(), Failure> {
    let endpoint = endpoint(&args);
    let configuration = configuration(&args)?;
    let preparing = |error| Failure::of(&error, format!("preparing the connection to {endpoint}"));
    let session = match args.trust.insecure {
        true => Session::with_delegate(configuration, AcceptAnything, DelegateQueue::serial()),
        false => Session::new(configuration),
    }
    .map_err(preparing)?;
    let task = session.stream_task(&args.host, args.port).map_err(preparing)?;
    let outcome = converse(&task, &endpoint, &args).await;
    let completion = task.completion();
    // With its last handle the task begins to close.
    drop(task);
    lingering.add(closed(completion, session));
    outcome
}

/// Waits until what was written has arrived, or until that has taken too long.
async fn closed(completion: Completion, session: Session) {
    // What is queued may wait for a peer that reads nothing. How the task ended was told before.
    let _ = timeout(PATIENCE, completion).await;
    session.lingering().await;
}

async fn converse(task: &StreamTask, endpoint: &str, args: &ConnectArgs) -> Result<(), Failure> {
    let verbose = Verbose::new(args.verbose);
    Opening::new(task, endpoint, args, verbose).open().await?;
    relay(FromPeer::new(task, endpoint), &mut ToPeer::new(task, endpoint)).await
}

/// As long as the library lingers.
const PATIENCE: Duration = Duration::from_secs(10);

fn configuration(args: &ConnectArgs) -> Result<Configuration, Failure> {
    let mut configuration = Configuration::default()
        // All of the opening has one limit, which `opening` keeps; afterwards a stream may idle.
        .timeout_for_request(Timeout::NEVER)
        .timeout_for_resource(Timeout::NEVER)
        .tls_minimum(args.tls_min.into())
        .tls_maximum(args.tls_max.into())
        .alpn(args.alpn.iter().map(String::as_str));
    if let Some(path) = &args.trust.ca {
        configuration = configuration.roots(files::roots(path)?);
    }
    if let (Some(chain), Some(key)) = (&args.cert, &args.key) {
        configuration = configuration.identity(files::identity(chain, key)?);
    }
    way::through(configuration, &args.way)
}

fn endpoint(args: &ConnectArgs) -> String {
    match args.host.contains(':') && !args.host.starts_with('[') {
        true => format!("[{}]:{}", args.host, args.port),
        false => format!("{}:{}", args.host, args.port),
    }
}
