//! The example `chat` on tokio: callbacks, and no runtime of the caller's.

use std::io::{BufRead, Error, Result};
use std::sync::OnceLock;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// Somebody has to run it.
fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// A connection whose lines are passed on; what it sends comes through the channel, whose end closes it.
pub fn chat(
    host: &str,
    port: u16,
    heard: impl FnMut(&str) + Send + 'static,
) -> Result<(UnboundedSender<String>, [JoinHandle<()>; 2])> {
    let runtime = runtime()?;
    let stream = runtime.block_on(TcpStream::connect((host, port)))?;
    stream.set_nodelay(true)?;
    eprintln!("* connected");
    let (input, mut output) = stream.into_split();
    let (sender, mut lines) = unbounded_channel::<String>();
    let hears = runtime.spawn(async move {
        if let Err(error) = hear(input, heard).await {
            eprintln!("* {error}");
        }
    });
    let says = runtime.spawn(async move {
        while let Some(line) = lines.recv().await {
            if let Err(error) = output.write_all(line.as_bytes()).await {
                return eprintln!("* {error}");
            }
        }
        if let Err(error) = output.shutdown().await {
            eprintln!("* {error}");
        }
    });
    Ok((sender, [hears, says]))
}

/// Passes every line on, until there are no more.
async fn hear(input: OwnedReadHalf, mut heard: impl FnMut(&str)) -> Result<()> {
    let mut input = BufReader::new(input);
    loop {
        let mut line = Vec::new();
        (&mut input).take(8192).read_until(b'\n', &mut line).await?;
        match line.last() {
            Some(b'\n') => heard(String::from_utf8_lossy(&line).trim_end()),
            Some(_) if line.len() == 8192 => return Err(Error::other("a line is too long")),
            Some(_) | None => return Ok(()),
        }
    }
}

/// Until everything was heard and said.
pub fn finish(tasks: [JoinHandle<()>; 2]) -> Result<()> {
    for task in tasks {
        runtime()?.block_on(task)?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap_or_else(|| "localhost".into());
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(6667);
    let (says, tasks) = chat(&host, port, |line| println!("{line}"))?;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        says.send(format!("{line}\n")).map_err(Error::other)?;
    }
    drop(says);
    finish(tasks)
}
