//! Servers, certificates and mischief for the tests of streamtask.
//!
//! Everything here runs inside the test process, on real loopback sockets of 127.0.0.1 with ports
//! the system picks, and shares no code with what it tests. Nothing needs a runtime of the caller:
//! each [`Server`] and each [`Wire`] has a thread of its own and stops when it is dropped.
//!
//! - [`Authority`] and [`Certificate`]: certificates made on the spot.
//! - [`Server`] runs a script for each connection; the script holds a [`Conn`].
//! - [`TlsSettings`]: what the server side of TLS wants.
//! - [`echo`], [`starttls`], [`sink`] and their kin: scripts ready to use.
//! - [`Wire`]: a relay that re-cuts, stalls or resets what passes between client and server.
//!
//! ```
//! use std::io::{Read, Write};
//! use streamtask_testkit::Server;
//!
//! let server = Server::start(|mut conn| async move {
//!     let name = conn.read_line().await?;
//!     conn.write(format!("hello {name}\r\n")).await
//! });
//! let mut client = std::net::TcpStream::connect(server.addr())?;
//! client.write_all(b"you\r\n")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert_eq!(answer, "hello you\r\n");
//! server.finish();
//! # Ok::<(), std::io::Error>(())
//! ```

mod authority;
mod background;
mod certificate;
mod conn;
mod dialogue;
mod odd;
mod peers;
mod port;
mod random;
mod received;
mod server;
mod small_rsa;
mod tls;
mod wire;

pub use authority::Authority;
pub use certificate::Certificate;
pub use conn::Conn;
pub use dialogue::starttls;
pub use peers::{closer, echo, echo_tls, greet_first, half_closer, resetter, silent, sink, source};
pub use port::free_port;
pub use received::Received;
pub use server::Server;
pub use tls::{TlsSettings, Version};
pub use wire::{Cut, Wire};
