//! Threads for handshakes that wait for somebody's answer.
//!
//! Apart from every runtime's own threads, so that open questions starve nobody, and limited in number:
//! further handshakes wait for a thread, each still within its task's life.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::lock;

type Work = Box<dyn FnOnce() + Send>;

/// How many questions may be open at once in a process.
const MOST: usize = 512;

struct Hops {
    running: usize,
    waiting: VecDeque<Work>,
}

static HOPS: Mutex<Hops> = Mutex::new(Hops { running: 0, waiting: VecDeque::new() });

/// Runs `work` on a thread that may block, now or when one is free.
pub(super) fn run(work: impl FnOnce() + Send + 'static) {
    let mut hops = lock(&HOPS);
    hops.waiting.push_back(Box::new(work));
    if hops.running < MOST {
        let thread = std::thread::Builder::new().name("streamtask-handshake".into());
        // If there is no thread to be had now, the work waits for one that is running.
        if thread.spawn(serve).is_ok() {
            hops.running += 1;
        }
    }
}

fn serve() {
    loop {
        let mut hops = lock(&HOPS);
        match hops.waiting.pop_front() {
            Some(work) => {
                drop(hops);
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            }
            None => return hops.running -= 1,
        }
    }
}
