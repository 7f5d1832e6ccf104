//! Programs that chores need and a machine may lack: Debian's packages, unpacked into a folder of ours and never
//! installed.
//!
//! What is missing is fetched once ([`Unpacked::fetch`]). A run then becomes itself again in a [`view`] of the
//! file system of its own and lays the files over `/usr` and `/etc` there ([`Unpacked::lay_over`]): programs
//! find everything where their packages put it, and nothing of the machine is changed.
#![cfg(unix)]

mod apt;
mod overlay;
pub mod view;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What went wrong, told to a person.
pub type Trouble = Box<dyn Error + Send + Sync>;

/// The packages of one chore, in a folder of their own.
#[derive(Clone, Debug)]
pub struct Unpacked {
    folder: PathBuf,
}

/// What became of fetching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fetched {
    /// All of it is there.
    Complete,
    /// This is no Debian: what is installed has to do.
    NoApt,
}

impl Unpacked {
    /// Those in `folder`, which holds nothing else.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Unpacked { folder: folder.into() }
    }

    /// Whether this machine has the tools that fetch and unpack packages.
    pub fn can_fetch() -> bool {
        apt::is_there()
    }

    /// Brings in what is missing on this machine, once. Packages of different sets may exclude each other.
    ///
    /// # Errors
    /// Without the network, or if there are no such packages.
    pub fn fetch(&self, sets: &[&[&str]]) -> Result<Fetched, Trouble> {
        let wanted = sets.iter().map(|set| set.join(" ") + "\n").collect::<String>();
        if fs::read_to_string(self.list()).is_ok_and(|has| has == wanted) {
            return Ok(Fetched::Complete);
        }
        if !apt::is_there() {
            return Ok(Fetched::NoApt);
        }
        println!("fetch:   {}", sets.concat().join(" "));
        // Of an earlier, interrupted run; mixed versions would not do.
        let _ = fs::remove_dir_all(&self.folder);
        let archives = self.folder.join("apt");
        let apt = apt::Apt::in_folder(&archives)?;
        apt.update()?;
        sets.iter().try_for_each(|packages| apt.download(packages))?;
        let unfinished = self.folder.join("unfinished");
        for folder in ["usr", "etc"] {
            fs::create_dir_all(unfinished.join(folder))?;
        }
        apt.unpack_all(&unfinished)?;
        merge_usr(&unfinished)?;
        fs::remove_dir_all(archives)?;
        fs::rename(unfinished, self.root())?;
        // Last: what it names is complete.
        fs::write(self.list(), wanted)?;
        Ok(Fetched::Complete)
    }

    /// Lays the files over `/usr` and `/etc`, for this process and its children, which have a [`view`] of their
    /// own. `accounts` are users, each with a group, that packages would have made when they were installed.
    ///
    /// # Errors
    /// Outside of such a view, where the system cannot mount so, and where the folders of this run lie below
    /// those that would be covered.
    pub fn lay_over(&self, accounts: &[&str]) -> Result<(), Trouble> {
        match self.is_complete() {
            true => overlay::lay(&self.root(), accounts),
            false => Ok(()),
        }
    }

    /// Whether something was fetched, and all of it.
    pub fn is_complete(&self) -> bool {
        self.list().exists()
    }

    /// Where the unpacked files are.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    fn list(&self) -> PathBuf {
        self.folder.join("packages")
    }
}

/// Packages may still put files into `/bin` and the like, which are links to `/usr/bin` and the like on
/// systems of today.
fn merge_usr(root: &Path) -> Result<(), Trouble> {
    for folder in ["bin", "sbin", "lib", "lib64"] {
        let (from, to) = (root.join(folder), root.join("usr").join(folder));
        if from.is_dir() {
            fs::create_dir_all(&to)?;
            run(Command::new("cp").arg("--archive").arg(from.join(".")).arg(&to))?;
            fs::remove_dir_all(from)?;
        }
    }
    Ok(())
}

/// Runs it, silent unless it fails.
fn run(command: &mut Command) -> Result<(), Trouble> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("running {program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}: {}", output.status, said.trim()).into())
}
