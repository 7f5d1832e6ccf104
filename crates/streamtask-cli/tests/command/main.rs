//! The command as its users run it: the real binary, against peers of the testkit.

mod basics;
#[cfg(target_os = "linux")]
mod closing;
mod demo;
#[cfg(unix)]
mod descriptors;
mod failures;
mod last_words;
mod listen;
#[cfg(unix)]
mod shortage;
mod starttls;
mod support;
mod tls;
mod uploads;
mod ways;
