//! How long something takes, by the clock on the wall and by what this process spends.

use std::io;
use std::time::{Duration, Instant};

/// What some work took.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// User and system time of all threads of this process.
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

/// A moment on both clocks.
pub(crate) struct Moment {
    cpu: Duration,
    wall: Instant,
}

impl Moment {
    /// # Errors
    /// Where CPU time cannot be had.
    pub(crate) fn now() -> io::Result<Self> {
        Ok(Moment { cpu: cpu_time()?, wall: Instant::now() })
    }

    /// # Errors
    /// Where CPU time cannot be had.
    pub(crate) fn elapsed(&self) -> io::Result<Sample> {
        Ok(Sample { cpu: cpu_time()?.saturating_sub(self.cpu), wall: self.wall.elapsed() })
    }
}

#[cfg(unix)]
#[allow(unsafe_code)] // no safe crate that we use asks for it
fn cpu_time() -> io::Result<Duration> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a whole rusage of ours, which getrusage only writes to.
    let answer = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a rusage is made of integers, for which zeroes are a value, written over or not.
    let usage = unsafe { usage.assume_init() };
    Ok(duration(usage.ru_utime) + duration(usage.ru_stime))
}

#[cfg(unix)]
fn duration(time: libc::timeval) -> Duration {
    // Neither is ever negative, and there are less than a million microseconds.
    Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000)
}

#[cfg(not(unix))]
fn cpu_time() -> io::Result<Duration> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "CPU time can be had on Unix only"))
}
