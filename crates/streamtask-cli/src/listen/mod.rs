//! `streamtask listen`: the other end, for trying things.
//!
//! It listens with tokio and tokio-rustls, not with the library, whose tasks only connect; so trying one
//! against the other tries two implementations. `entrance` takes connections, `secure` makes their TLS,
//! `serve` answers them, `closing` lets go of them.

mod closing;
mod entrance;
mod pipes;
mod secure;
mod serve;

use crate::args::ListenArgs;
use crate::lingering::Lingering;
use crate::report::Failure;
use crate::stdio;

use entrance::Entrance;
use secure::Secured;
use serve::Door;

/// Runs the subcommand: to the end of one connection, or for ever.
pub(crate) async fn run(args: ListenArgs, lingering: &mut Lingering) -> Result<(), Failure> {
    let secured = match args.tls {
        true => Some(Secured::new(&args)?),
        false => None,
    };
    let mut entrance = Entrance::open(&args).await?;
    announce(&entrance, secured.as_ref());
    let door = Door::new(secured.map(|secured| secured.acceptor));
    match (args.echo, args.once) {
        (true, false) => loop {
            let (stream, address) = entrance.next().await?;
            tokio::spawn(door.clone().echo_and_tell(stream, address));
        },
        (true, true) => {
            let (stream, address) = entrance.next().await?;
            door.echo(stream, address, lingering).await
        }
        (false, _) => {
            let (stream, address) = entrance.next().await?;
            drop(entrance);
            door.tie(stream, address, lingering).await
        }
    }
}

/// Says it on stderr, last of all: from this line on connections are welcome.
fn announce(entrance: &Entrance, secured: Option<&Secured>) {
    if let Some(secured) = secured {
        stdio::tell(&format!("certificate SHA-256 {}\n", streamtask::Sha256::of(&secured.leaf)));
    }
    if let Ok(address) = entrance.address() {
        stdio::tell(&format!("listening on {address}\n"));
    }
}
