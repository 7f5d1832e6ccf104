//! Debian's package tools, kept to a folder of ours: its lists and its archives are there, and none of the
//! machine's is touched. Needs no root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Trouble, run};

/// What the machine wants run behind its own updates concerns its own lists.
const NO_HOOKS: &str = "\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
";

/// Whether packages can be fetched and unpacked.
pub(super) fn is_there() -> bool {
    ["/usr/bin/apt-get", "/usr/bin/dpkg-deb"].iter().all(|tool| Path::new(tool).exists())
}

/// The tools, with a folder to work in.
pub(super) struct Apt {
    folder: PathBuf,
}

impl Apt {
    pub(super) fn in_folder(folder: &Path) -> Result<Self, Trouble> {
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(part))?;
        }
        fs::write(folder.join("no-hooks"), NO_HOOKS)?;
        Ok(Apt { folder: folder.to_owned() })
    }

    /// Fetches the lists of packages.
    pub(super) fn update(&self) -> Result<(), Trouble> {
        run(self.apt_get().arg("update"))
    }

    /// Downloads what `packages` need and this machine has not.
    pub(super) fn download(&self, packages: &[&str]) -> Result<(), Trouble> {
        let options = ["--yes", "--no-install-recommends", "--download-only", "install"];
        run(self.apt_get().args(options).args(packages))
    }

    /// Unpacks everything that was downloaded into `root`, without running anything of it.
    pub(super) fn unpack_all(&self, root: &Path) -> Result<(), Trouble> {
        let archives = self.folder.join("cache/archives");
        for file in fs::read_dir(archives)? {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "deb") {
                run(Command::new("dpkg-deb").arg("--extract").arg(file).arg(root))?;
            }
        }
        Ok(())
    }

    fn apt_get(&self) -> Command {
        let mut command = Command::new("apt-get");
        let place = |name: &str, part: &str| format!("{name}={}", self.folder.join(part).display());
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        command.arg("-c").arg(self.folder.join("no-hooks"));
        // The user that apt would become cannot write to a folder of ours, and nothing is locked because
        // nothing of the machine's is written.
        for option in [
            place("Dir::State::Lists", "lists"),
            place("Dir::Cache", "cache"),
            "APT::Sandbox::User=root".into(),
            "Debug::NoLocking=true".into(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }
}
