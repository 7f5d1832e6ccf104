//! TLS secrets in a file, for packet analysers (the NSS key log format).
//!
//! Each line is in the file before the handshake goes on, so that none is missing whenever the program
//! ends. That may block: a session with a key log makes its handshakes where blocking is allowed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use rustls::KeyLog;

use crate::lock;

/// Appends one line for each secret.
#[derive(Debug)]
pub(crate) struct FileLog(Mutex<File>);

impl FileLog {
    /// Opens the file, readable for its owner alone where the system knows owners.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(|file| FileLog(Mutex::new(file)))
    }
}

impl KeyLog for FileLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        // A full disk must not end the connection; the log is for debugging only.
        let _ = lock(&self.0).write_all(line.as_bytes());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
