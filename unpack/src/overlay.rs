//! What was unpacked, seen at the places where its packages would have put it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Trouble, run, view};

/// Where numbers for accounts are looked for: above those that people and systems give.
const FIRST_ID: u32 = 64_000;

/// What systems mount upon files of their own, which a layer below does not show.
const MOUNTED: [&str; 3] = ["hosts", "hostname", "resolv.conf"];

/// Lays what is in `root` over `/usr` and `/etc`.
pub(crate) fn lay(root: &Path, accounts: &[&str]) -> Result<(), Trouble> {
    if !view::is_own() {
        return Err("this is the view of all: nothing is laid over it".into());
    }
    for folder in [root.canonicalize()?, std::env::current_dir()?] {
        if folder.starts_with("/usr") || folder.starts_with("/etc") {
            return Err(format!("{} would be covered", folder.display()).into());
        }
    }
    let etc = root.join("etc");
    write_accounts(&etc, accounts)?;
    for name in MOUNTED {
        // Not every system has all of them.
        let _ = fs::copy(Path::new("/etc").join(name), etc.join(name));
    }
    // First the one from which nothing is run: should the system refuse, no program is covered.
    for place in ["etc", "usr"] {
        // A relative path: what stands before it may hold colons.
        let layers = format!("lowerdir={place}:/{place}");
        let mut mount = Command::new("mount");
        mount.current_dir(root).args(["-t", "overlay", "overlay", "-o", &layers]);
        run(mount.arg(format!("/{place}")))?;
    }
    Ok(())
}

/// The machine's accounts and those that are wanted.
fn write_accounts(etc: &Path, names: &[&str]) -> Result<(), Trouble> {
    let (group, passwd) =
        accounts(&fs::read_to_string("/etc/group")?, &fs::read_to_string("/etc/passwd")?, names);
    fs::write(etc.join("group"), group)?;
    Ok(fs::write(etc.join("passwd"), passwd)?)
}

/// Groups and users, those of `names` among them; a user that is added is in the group of its name.
fn accounts(group: &str, passwd: &str, names: &[&str]) -> (String, String) {
    let group = with_accounts(group, names, |name, id| format!("{name}:x:{id}:\n"));
    let group_of = |name: &str| {
        let line = group.lines().find(|line| line.split(':').next() == Some(name));
        line.and_then(|line| line.split(':').nth(2)).unwrap_or_default()
    };
    let passwd = with_accounts(passwd, names, |name, id| {
        format!("{name}:x:{id}:{}::/nonexistent:/usr/sbin/nologin\n", group_of(name))
    });
    (group, passwd)
}

/// `accounts` and those of `names` that are missing, each with a number that nobody has.
fn with_accounts(accounts: &str, names: &[&str], line: impl Fn(&str, u32) -> String) -> String {
    let fields = |account: &str| account.split(':').map(str::to_owned).collect::<Vec<_>>();
    let known: Vec<_> = accounts.lines().map(fields).collect();
    let is_free = |id: &u32| known.iter().all(|known| known.get(2) != Some(&id.to_string()));
    let mut ids = (FIRST_ID..).filter(is_free);
    let mut all = accounts.to_owned();
    for name in names {
        if known.iter().all(|known| known[0] != *name)
            && let Some(id) = ids.next()
        {
            all.push_str(&line(name, id));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_missing_is_added_under_a_number_that_nobody_has() {
        let group = "root:x:0:\npostfix:x:110:\nother:x:64000:\n";
        let (groups, users) = accounts(group, "root:x:0:0::/:/bin/sh\n", &["postfix", "postdrop"]);
        assert_eq!(groups, format!("{group}postdrop:x:64001:\n"));
        // Each in the group of its name, whatever numbers were free.
        assert!(users.contains("postfix:x:64000:110::"), "{users}");
        assert!(users.contains("postdrop:x:64001:64001::"), "{users}");
    }
}
