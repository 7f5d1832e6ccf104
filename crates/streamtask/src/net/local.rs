//! Sockets of this machine alone, which have a path instead of an address.

use std::path::Path;

use streamtask_proto::Error;

use super::socket::Socket;

/// Connects to who listens at `path`.
#[cfg(unix)]
pub(crate) async fn connect(path: &Path) -> Result<Socket, Error> {
    let connected = tokio::net::UnixStream::connect(path).await;
    connected.map(Socket::Local).map_err(super::tcp::connect_error)
}

/// Where there are none, no target has a path.
#[cfg(not(unix))]
pub(crate) async fn connect(_: &Path) -> Result<Socket, Error> {
    Err(streamtask_proto::ErrorKind::InvalidEndpoint.into())
}
