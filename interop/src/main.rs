//! The program `streamtask-interop`; all of it is in the library beside it.

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    streamtask_interop::run()
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    eprintln!("the servers that streamtask is tried against run on Unix only");
    ExitCode::from(2)
}
