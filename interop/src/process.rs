//! A server's processes: started in a group of their own, stopped by that group, never by name.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::trouble::{Attempt, Context};

/// How long a server may take to stop by itself.
const GRACE: Duration = Duration::from_secs(5);
/// Between two looks whether it has.
const PAUSE: Duration = Duration::from_millis(20);

/// A server's processes. Dropping it stops them all and waits until they are gone.
pub(crate) struct Process {
    leader: Child,
    /// Where a master that leaves the leader's group for one of its own writes its number.
    pid_file: Option<PathBuf>,
}

impl Process {
    /// Starts `command` with nothing to read; what it says goes to `output.log` in `folder`. (A
    /// daemon that held our own output open would keep whoever reads that waiting for ever.)
    pub(crate) fn start(command: &mut Command, folder: &Path) -> Attempt<Self> {
        let log = File::create(folder.join("output.log"))?;
        let leader = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .doing(|| format!("starting {}", command.get_program().display()))?;
        Ok(Process { leader, pid_file: None })
    }

    /// Says where the number of a master with a group of its own is to be found.
    pub(crate) fn with_pid_file(mut self, pid_file: PathBuf) -> Self {
        self.pid_file = Some(pid_file);
        self
    }

    /// How the process that was started ended, if it did.
    pub(crate) fn ending(&mut self) -> Option<ExitStatus> {
        self.leader.try_wait().ok().flatten()
    }

    /// Asks all of them to stop and does not wait.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    fn signal(&self, signal: &str) {
        for group in self.groups() {
            // The shell's own `kill`: a program of that name is not on every system.
            let line = format!("kill -s {signal} -- -{group}");
            let _ = Command::new("sh").args(["-c", &line]).stderr(Stdio::null()).status();
        }
    }

    fn groups(&self) -> Vec<u32> {
        let written = self.pid_file.as_ref().and_then(|path| fs::read_to_string(path).ok());
        let master = written.and_then(|number| number.trim().parse().ok());
        std::iter::once(self.leader.id()).chain(master).filter(|&group| is_alive(group)).collect()
    }

    /// Whether all are gone after at most `GRACE`.
    fn is_gone_soon(&mut self) -> bool {
        let deadline = Instant::now() + GRACE;
        // The leader is waited for too: until then it is a zombie, and its number is not given
        // away.
        while self.ending().is_none() || !self.groups().is_empty() {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(PAUSE);
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.terminate();
        if !self.is_gone_soon() {
            self.signal("KILL");
            self.is_gone_soon();
        }
    }
}

/// Whether a process of this group still runs. Zombies do not count: their parent is gone, and what
/// adopted them in a container may never collect them.
fn is_alive(group: u32) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    processes.flatten().any(|process| {
        fs::read_to_string(process.path().join("stat")).is_ok_and(|stat| runs_in(&stat, group))
    })
}

/// Reads a line of proc(5)'s `stat`: number, (name), state, parent, group. The name may contain
/// anything.
fn runs_in(stat: &str, group: u32) -> bool {
    let Some((_, fields)) = stat.rsplit_once(") ") else { return false };
    let mut fields = fields.split(' ');
    let state = fields.next();
    let theirs = fields.nth(1).and_then(|field| field.parse().ok());
    theirs == Some(group) && !matches!(state, Some("Z" | "X"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_confuse() {
        assert!(runs_in("7 (tricky) Z 1 2) S 1 42 42 0 -1", 42));
        assert!(!runs_in("7 (tricky) S 1 42) S 1 43 42 0 -1", 42));
    }

    #[test]
    fn a_zombie_is_not_alive() {
        assert!(!runs_in("7 (server) Z 1 42 42 0 -1", 42));
    }
}
