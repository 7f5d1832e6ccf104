//! HTTP by hyper over the streams of a task: whoever connects through TLS started in place, proxies or
//! anything else hands the rest to whom it likes.
//!
//! `cargo run --example hyper -- example.org`

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::rt::TokioIo;
use streamtask::bytes::Bytes;
use streamtask::{Session, StreamTask};

/// The body of `path`, over a task that is connected and perhaps under TLS.
pub async fn get(
    task: &StreamTask,
    host: &str,
    path: &str,
) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    let (input, output) = task.capture_streams().await?;
    let io = input.join(output).map_err(|_| "halves of two connections")?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path).header("Host", host).body(Empty::<Bytes>::new())?;
    let body = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
    drop(sender);
    connection.await??;
    Ok(body)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let host = std::env::args().nth(1).unwrap_or_else(|| "example.org".into());
    let task = Session::shared().connect(&host, 443)?;
    task.start_secure_connection().await?;
    println!("{}", String::from_utf8_lossy(&get(&task, &host, "/").await?));
    Ok(())
}
