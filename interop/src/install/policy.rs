//! Keeps daemons from starting while their packages are installed.
//!
//! Debian's packages ask `/usr/sbin/policy-rc.d` before they start anything (invoke-rc.d(8));
//! without one, a mail server would be open to the network a moment after it was installed.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::trouble::{Attempt, Context};

const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Where the policy of this machine waits meanwhile. Renamed, so that whatever it is stays as it
/// is.
const ASIDE: &str = "/usr/sbin/policy-rc.d.before-streamtask-interop";
/// 101 is "not allowed".
const OURS: &str = "#!/bin/sh\n# streamtask-interop, while it installs\nexit 101\n";

/// While it exists no daemon starts by being installed. Dropping it restores what was before.
pub(super) struct NoAutostart(());

impl NoAutostart {
    /// Puts our policy in place.
    pub(super) fn begin() -> Attempt<Self> {
        // Ours is there already if an earlier run was killed; then what is aside is the machine's.
        if fs::read(POLICY).is_ok_and(|policy| policy == OURS.as_bytes()) {
            return Ok(NoAutostart(()));
        }
        move_if_there(POLICY, ASIDE)?;
        let guard = NoAutostart(());
        fs::write(POLICY, OURS).doing(|| format!("writing {POLICY}"))?;
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        Ok(guard)
    }
}

impl Drop for NoAutostart {
    fn drop(&mut self) {
        let restored = match Path::new(ASIDE).symlink_metadata() {
            Ok(_) => fs::rename(ASIDE, POLICY),
            Err(_) => fs::remove_file(POLICY),
        };
        if let Err(error) = restored {
            eprintln!("{POLICY} could not be restored: {error}");
        }
    }
}

fn move_if_there(from: &str, to: &str) -> Attempt {
    match fs::rename(from, to) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).doing(|| format!("moving {from} aside"))
        }
        _ => Ok(()),
    }
}
