//! Runs of the command, with an end to every wait.

use std::io::{BufRead, BufReader, Read, Write};
#[cfg(unix)]
use std::io::{PipeReader, PipeWriter};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

#[cfg(unix)]
use rustix::io::ioctl_fionread;
use streamtask_testkit::{Authority, TlsSettings};

/// Far beyond any run, well below a CI job's patience.
pub(crate) const GUARD: Duration = Duration::from_secs(60);

/// The real binary.
pub(crate) const COMMAND: &str = env!("CARGO_BIN_EXE_streamtask");

/// What a run came to.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// A run under way. Dropping it kills it.
pub(crate) struct Run {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: Receiver<Vec<u8>>,
    lines: Receiver<String>,
    stderr: String,
}

/// Runs the command with this stdin to its end.
pub(crate) fn run(arguments: &[&str], stdin: &[u8]) -> Finished {
    let mut run = Run::start(arguments);
    let mut pipe = run.stdin.take().expect("stdin was not taken yet");
    let stdin = stdin.to_vec();
    // A command that ends early does not read all of it, which is no matter here.
    thread::spawn(move || pipe.write_all(&stdin));
    run.finish()
}

impl Run {
    /// Starts the command; its stdin stays open until [`Run::stdin`] is taken and dropped.
    pub(crate) fn start(arguments: &[&str]) -> Run {
        Run::start_with(arguments, Stdio::piped(), Stdio::piped())
    }

    /// Starts the command with other ends than pipes of ours. What they give and take is the test's.
    pub(crate) fn start_with(arguments: &[&str], stdin: Stdio, stdout: Stdio) -> Run {
        Run::spawn(Command::new(COMMAND).args(arguments), stdin, stdout)
    }

    /// Starts the command where no more than so many descriptors may be open.
    #[cfg(unix)]
    pub(crate) fn start_within(descriptors: usize, arguments: &[&str]) -> Run {
        let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, COMMAND]).args(arguments);
        Run::spawn(&mut command, Stdio::piped(), Stdio::piped())
    }

    fn spawn(command: &mut Command, stdin: Stdio, stdout: Stdio) -> Run {
        let mut child = command
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command was built");
        let out = child.stdout.take();
        let err = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let (stdout_sender, stdout) = channel();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = out.map(|mut out| out.read_to_end(&mut bytes));
            let _ = stdout_sender.send(bytes);
        });
        let (line_sender, lines) = channel();
        thread::spawn(move || {
            for line in err.lines().map_while(Result::ok) {
                let _ = line_sender.send(line);
            }
        });
        Run { stdin: child.stdin.take(), child, stdout, lines, stderr: String::new() }
    }

    /// Waits for a line on stderr that begins like this, and gives what follows.
    pub(crate) fn told(&mut self, beginning: &str) -> String {
        self.told_or_ended(beginning).expect("the line comes before the end")
    }

    /// The same; none if the command ends without it.
    fn told_or_ended(&mut self, beginning: &str) -> Option<String> {
        loop {
            let line = match self.lines.recv_timeout(GUARD) {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("no line within a minute"),
            };
            self.stderr += &line;
            self.stderr.push('\n');
            if let Some(rest) = line.strip_prefix(beginning) {
                return Some(rest.to_owned());
            }
        }
    }

    /// The port that a listening command took.
    pub(crate) fn port(&mut self) -> String {
        self.port_or_ended().expect("the command listens")
    }

    /// The same; none if the command ends without one.
    pub(crate) fn port_or_ended(&mut self) -> Option<String> {
        let address = self.told_or_ended("listening on ")?;
        address.rsplit(':').next().map(str::to_owned)
    }

    /// Presses Ctrl-C.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        use rustix::process::{Pid, Signal, kill_process};
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("a child takes signals");
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Finished {
        let Ok(stdout) = self.stdout.recv_timeout(GUARD) else {
            panic!("the command did not end; it said: {}", self.stderr);
        };
        while let Ok(line) = self.lines.recv_timeout(GUARD) {
            self.stderr += &line;
            self.stderr.push('\n');
        }
        let code = self.child.wait().expect("a child can be waited for").code();
        Finished { code, stdout, stderr: std::mem::take(&mut self.stderr) }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// Asserts on the exit code and says what was said if it is another.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        self
    }
}

/// A pipe that is as small as can be, so that it is always full.
#[cfg(unix)]
pub(crate) fn small_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = std::io::pipe().expect("pipes are to be had");
    #[cfg(target_os = "linux")]
    rustix::pipe::fcntl_setpipe_size(&writer, 4096).expect("a pipe has at least a page");
    (reader, writer)
}

/// As good as full: the smallest pipe has a page, and a line that does not fit as a whole has to wait.
#[cfg(unix)]
const FULL: u64 = 4096 - 200;

/// Waits until the command can write no more.
#[cfg(unix)]
pub(crate) fn wait_until_full(pipe: &PipeReader) {
    wait_until(|| ioctl_fionread(pipe).expect("a pipe knows") >= FULL);
}

/// Waits until the command has read everything. Elsewhere only the reading end of a pipe knows.
#[cfg(target_os = "linux")]
pub(crate) fn wait_until_read(pipe: &PipeWriter) {
    wait_until(|| ioctl_fionread(pipe).expect("a pipe knows") == 0);
}

#[cfg(unix)]
fn wait_until(has_happened: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !has_happened() {
        assert!(began.elapsed() < GUARD, "it never happens");
        thread::yield_now();
    }
}

/// A root, its PEM file for `--ca`, and TLS settings for a server it vouches for on loopback.
pub(crate) fn trusted(test: &str) -> (Authority, String, TlsSettings) {
    let authority = Authority::new();
    let ca = file(&format!("{test}.ca.pem"), &authority.pem());
    let settings = TlsSettings::new(&authority.issue(&["localhost", "127.0.0.1"]));
    (authority, ca, settings)
}

/// Writes a file into cargo's place for tests; each test takes names of its own.
pub(crate) fn file(name: &str, contents: &str) -> String {
    let path = path(name);
    std::fs::write(&path, contents).expect("cargo's place for tests can be written to");
    path
}

/// The path of such a file.
pub(crate) fn path(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    path.to_str().expect("the path is text").to_owned()
}

/// Every value of a byte, 4096 times: 1 MiB with CRs, LFs, NULs and what is no UTF-8.
pub(crate) fn all_bytes() -> Vec<u8> {
    (0..=255).cycle().take(256 * 4096).collect()
}
