//! A conversation through the command.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use streamtask::TlsVersion;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Scene;
use super::script::Exchange;
use crate::server::Ending;
use crate::trouble::{Attempt, Context};
use crate::wire::Wire;

/// For each single answer; servers on loopback need milliseconds.
const SOON: Duration = Duration::from_secs(5);

/// The command under test: the one that was named, or the one that was built with us.
pub(super) fn find() -> Attempt<PathBuf> {
    let command = match std::env::var_os("STREAMTASK_BIN") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?.with_file_name("streamtask"),
    };
    match command.is_file() {
        true => Ok(command),
        false => Err(format!("there is no {}", command.display()).into()),
    }
}

/// Plays a scene to its end; the part in clear text before TLS is the command's own affair.
pub(super) async fn play(command: &Path, scene: Scene<'_>) -> Attempt {
    let script = scene.door.script;
    let wire = Wire::to(scene.door.port).await?;
    let mut talk = Talk::begin(command, scene, wire.port())?;
    let held = talk.hold(script.secure, script.goodbye).await;
    talk.end(held, scene.door.ending).await?;
    match script.secure.iter().find(|exchange| wire.shows(exchange.say)) {
        Some(exchange) => {
            Err(format!("{:?} went over the wire in clear text", exchange.say).into())
        }
        None => Ok(()),
    }
}

/// Starts the command with pipes. Dropping the child kills it.
pub(super) fn start(mut line: Command) -> Attempt<(Child, ChildStdin, ChildStdout)> {
    let mut child = line
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .doing(|| format!("starting {}", line.as_std().get_program().display()))?;
    match (child.stdin.take(), child.stdout.take()) {
        (Some(stdin), Some(stdout)) => Ok((child, stdin, stdout)),
        _ => Err("there are no pipes".into()),
    }
}

/// A run of the command. Dropping it kills it.
struct Talk {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Talk {
    fn begin(command: &Path, scene: Scene<'_>, port: u16) -> Attempt<Self> {
        let version = match scene.version {
            TlsVersion::Tls12 => "1.2",
            _ => "1.3",
        };
        let mut line = Command::new(command);
        line.args(["connect", "localhost", &port.to_string()])
            .args(scene.door.script.options)
            .args(["--tls-min", version, "--tls-max", version, "--ca"])
            .arg(&scene.pki.root);
        let (child, stdin, stdout) = start(line)?;
        Ok(Talk { child, stdin, stdout: BufReader::new(stdout) })
    }

    async fn hold(&mut self, exchanges: &[Exchange], goodbye: Option<Exchange>) -> Attempt {
        for Exchange { say, hear } in exchanges.iter().copied().chain(goodbye) {
            self.stdin.write_all(format!("{say}\r\n").as_bytes()).await?;
            let heard = tokio::time::timeout(SOON, self.hear(hear)).await;
            heard
                .unwrap_or_else(|_| Err(format!("no {hear:?}").into()))
                .doing(|| format!("{say:?}"))?;
        }
        Ok(())
    }

    async fn hear(&mut self, wanted: &str) -> Attempt {
        let mut heard = String::new();
        loop {
            let begin = heard.len();
            if self.stdout.read_line(&mut heard).await? == 0 {
                return Err(format!("no {wanted:?} in {heard:?}").into());
            }
            if heard[begin..].starts_with(wanted) {
                return Ok(());
            }
        }
    }

    /// Closes its input, by which it is to end by itself, with nothing more to say. What it
    /// complains about explains what went wrong before.
    async fn end(mut self, held: Attempt, ending: Ending) -> Attempt {
        drop(self.stdin);
        let (mut rest, mut complaints) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).await?;
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut complaints).await?;
        }
        let status = self.child.wait().await?;
        held.doing(|| format!("{status}: {}", complaints.trim()))?;
        let seen = if status.success() { Ending::Clean } else { Ending::Cut };
        match seen == ending && rest.is_empty() {
            true => Ok(()),
            false => Err(format!("{status}, {rest:?} at the end: {}", complaints.trim()).into()),
        }
    }
}
