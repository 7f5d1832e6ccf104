//! The command `streamtask`: one safe tool for raw streams.
//!
//! `connect` is netcat that knows STARTTLS and trusts nobody untold, `listen` the other end for trying
//! things, `demo` the life of one task against a peer in the process. What is said about failures, and
//! with which exit code, stands in `report`; bytes between the terminal and a peer pass `relay`.

mod args;
mod certificate;
mod connect;
mod demo;
mod files;
mod lingering;
mod listen;
mod relay;
mod report;
mod runtime;
mod shortage;
mod starttls;
mod stdio;
mod subject;
mod text;

use std::process;

use clap::Parser;

use args::{Args, Command};
use lingering::Lingering;
use report::{Exit, Failure};

fn main() {
    let exit = match Args::try_parse() {
        Ok(args) => execute(args.command).unwrap_or_else(Failure::report),
        Err(words) => say(&words).unwrap_or_else(Failure::report),
    };
    // Not a return: a read of stdin that blocks its thread must not hold the end up.
    process::exit(exit.code());
}

/// What clap has to say: the help that was asked for, or what is wrong.
fn say(words: &clap::Error) -> Result<Exit, Failure> {
    let text = words.render().ansi().to_string();
    if words.use_stderr() {
        stdio::tell(&text);
        return Ok(Exit::Usage);
    }
    stdio::print(&text).map(|_| Exit::Success)
}

fn execute(command: Command) -> Result<Exit, Failure> {
    let runtime = runtime::start()?;
    let exit = runtime.block_on(async {
        let mut lingering = Lingering::default();
        let outcome = run(command, &mut lingering).await;
        // Told first: what comes may take a while.
        let exit = outcome.map_or_else(Failure::report, |()| Exit::Success);
        lingering.over().await;
        exit
    });
    // Dropped, it would wait for the thread that reads stdin.
    runtime.shutdown_background();
    Ok(exit)
}

async fn run(command: Command, lingering: &mut Lingering) -> Result<(), Failure> {
    match command {
        Command::Demo => demo::run().await,
        Command::Connect(args) => connect::run(args, lingering).await,
        Command::Listen(args) => listen::run(args, lingering).await,
    }
}
