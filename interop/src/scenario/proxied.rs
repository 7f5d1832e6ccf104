//! Conversations through a proxy, with a server of ours behind it that speaks first and echoes.

use std::path::Path;
use std::time::Duration;

use streamtask::{Configuration, Error, ErrorKind, Proxy, Session, StreamTask};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

use super::command::start;
use crate::server::Gate;
use crate::trouble::{Attempt, Context};

/// For each single operation; proxies on loopback need milliseconds.
const SOON: Duration = Duration::from_secs(5);
const GREETING: &str = "220 who are you?\r\n";

/// Greets and echoes, on every address of `localhost`. Dropping it stops it.
struct Behind {
    port: u16,
    serving: JoinHandle<()>,
}

impl Behind {
    async fn start() -> Attempt<Self> {
        // On Linux it is reached over IPv4, too: proxies differ in which they try first.
        let listener = TcpListener::bind("[::]:0").await?;
        let port = listener.local_addr()?.port();
        let serving = tokio::spawn(async move {
            while let Ok((mut caller, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = caller.split();
                    to.write_all(GREETING.as_bytes()).await?;
                    tokio::io::copy(&mut from, &mut to).await?;
                    to.shutdown().await
                });
            }
        });
        Ok(Behind { port, serving })
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn url(gate: &Gate, scheme: &str, login: Option<(&str, &str)>) -> String {
    let port = gate.port;
    match login {
        Some((user, password)) => format!("{scheme}://{user}:{password}@127.0.0.1:{port}"),
        None => format!("{scheme}://127.0.0.1:{port}"),
    }
}

fn connect(url: &str, port: u16) -> Result<StreamTask, Error> {
    let proxy: Proxy = url.parse()?;
    Session::new(Configuration::default().proxy(proxy))?.connect("localhost", port)
}

/// The greeting, a hundred writes in flight that come back in order, and the end.
pub(super) async fn play(gate: &Gate, scheme: &str) -> Attempt {
    let behind = Behind::start().await?;
    let task = connect(&url(gate, scheme, gate.login), behind.port)?;
    let greeting = task.read_until("\r\n", 64, SOON).await.doing(|| "the greeting".into())?;
    if greeting.data != GREETING {
        return Err(format!("another greeting: {:?}", greeting.data).into());
    }
    let pieces: Vec<Vec<u8>> = (0..100u8).map(|n| vec![n; 1 + usize::from(n) * 90]).collect();
    let all = pieces.concat();
    for piece in pieces {
        task.write(piece, SOON).detach();
    }
    let echo = task.read_exact(all.len(), SOON).await.doing(|| "the echo".into())?;
    if echo.data != all {
        return Err("the echo is out of order".into());
    }
    // Not before: half of these proxies take an end in one direction for the end of both.
    task.close_write();
    let end = task.read_data(1.., SOON).await.doing(|| "the end".into())?;
    match end.at_eof {
        true => Ok(()),
        false => Err(format!("more than was said: {:?}", end.data).into()),
    }
}

/// Nobody gets through with another password, or without.
pub(super) async fn play_stranger(gate: &Gate, scheme: &str) -> Attempt {
    let behind = Behind::start().await?;
    for login in [None, Some(("me", "guess"))] {
        let task = connect(&url(gate, scheme, login), behind.port)?;
        match task.completion().await {
            Err(error) if error.kind() == ErrorKind::ProxyAuthenticationRequired => {}
            Err(error) => return Err(error.into()),
            Ok(()) => return Err("a stranger got through".into()),
        }
    }
    Ok(())
}

/// What stdin gives comes back on stdout, behind the greeting.
pub(super) async fn play_command(command: &Path, gate: &Gate, scheme: &str) -> Attempt {
    let behind = Behind::start().await?;
    let mut line = Command::new(command);
    line.args(["connect", "localhost", &behind.port.to_string()])
        .args(["--proxy", &url(gate, scheme, gate.login)]);
    let (mut child, mut stdin, mut stdout) = start(line)?;
    stdin.write_all(b"hello").await?;
    let expected = format!("{GREETING}hello");
    let mut said = vec![0; expected.len()];
    let heard = tokio::time::timeout(SOON, stdout.read_exact(&mut said)).await;
    // Not before: see above.
    drop(stdin);
    let (mut rest, mut complaints) = (Vec::new(), String::new());
    stdout.read_to_end(&mut rest).await?;
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut complaints).await?;
    }
    let status = child.wait().await?;
    let is_heard = matches!(heard, Ok(Ok(_))) && said == expected.as_bytes() && rest.is_empty();
    match status.success() && is_heard {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&said);
            Err(format!("{status}, {said:?}: {}", complaints.trim()).into())
        }
    }
}
