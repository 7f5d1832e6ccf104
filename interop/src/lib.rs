//! Runs streamtask, the library and the command, against real servers on loopback.
//!
//! First outside: what is missing is fetched, then the program starts itself again in a network and a view
//! of the file system of its own. Inside, it makes certificates, starts the servers, plays every scenario against
//! every one of them and stops what it started. It shares nothing with what it tries but the public
//! interface.
#![cfg(unix)]

mod arguments;
mod fleet;
mod interrupt;
mod packages;
mod pki;
mod process;
mod report;
mod rights;
mod scenario;
mod server;
mod site;
mod trouble;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use arguments::{Arguments, Stage};
use fleet::Fleet;
use interrupt::Interrupt;
use report::Report;
use rights::Rights;
use site::{Means, Site};
use streamtask_unpack::view;
use trouble::{Attempt, explain};

/// Does everything the command line asks for.
pub fn run() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(trouble) => return misused(&trouble.to_string()),
    };
    // One thread does: the servers are processes of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(staged(&arguments)),
        Err(error) => Err(error.into()),
    };
    result.unwrap_or_else(|trouble| {
        eprintln!("streamtask-interop: {}", explain(&*trouble));
        ExitCode::FAILURE
    })
}

async fn staged(arguments: &Arguments) -> Attempt<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    let (rights, means) = match arguments.stage {
        Stage::Inside(rights) => {
            let means = means()?;
            view::raise_loopback()?;
            (rights, means)
        }
        Stage::Outside => {
            let rights = outside(arguments)?;
            if interrupt.has_come().await {
                return Ok(interrupted());
            }
            println!(
                "the servers are those installed, on the loopback interface of all: {}",
                enter(arguments, rights)?
            );
            (rights, Means::Installed)
        }
    };
    tokio::select! {
        result = inside(arguments, rights, means) => result,
        () = interrupt.comes() => Ok(interrupted()),
    }
}

/// Becomes this program again in a view of its own, or says why not.
fn enter(arguments: &Arguments, rights: Rights) -> Attempt<String> {
    if !view::has_ip() && !packages::are_there(&cache()?) {
        return Ok("a network of our own needs the program ip".into());
    }
    let program = std::env::current_exe()?;
    Ok(view::enter(program.as_os_str(), &arguments.inside(rights)).to_string())
}

/// What there is to start servers from, once what was fetched was put in its place.
fn means() -> Attempt<Means> {
    match packages::lay_over(&cache()?) {
        // That they could not be fetched although they could have been is no excuse.
        Ok(()) if packages::are_there(&cache()?) || packages::can_be_fetched() => {
            Ok(Means::Fetched)
        }
        Ok(()) => Ok(Means::Installed),
        Err(trouble) => {
            println!("what was fetched cannot be seen at its place: {}", explain(&*trouble));
            Ok(Means::Installed)
        }
    }
}

/// What needs the real network. What cannot be fetched is told and not the end: a server that is
/// missing for it is counted as failed later.
fn outside(arguments: &Arguments) -> Attempt<Rights> {
    let rights = Rights::find()?;
    if arguments.fetches
        && let Err(trouble) = packages::fetch(&cache()?)
    {
        println!("fetch:   {}", explain(&*trouble));
    }
    Ok(rights)
}

async fn inside(arguments: &Arguments, rights: Rights, means: Means) -> Attempt<ExitCode> {
    let site = Site::set_up(rights, means, arguments.keeps)?;
    let mut report = Report::default();
    let mut fleet = Fleet::start(&site, &arguments.only);
    fleet.settle(&mut report).await;
    scenario::play(&fleet, &site, &mut report).await;
    drop(fleet);
    Ok(report.close())
}

/// Unpacked packages outlive a run: beside the profile's folder, so that `cargo clean` takes them
/// along.
fn cache() -> Attempt<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("the program is in no folder")?;
    Ok(target.join("interop-cache"))
}

fn misused(why: &str) -> ExitCode {
    eprintln!("streamtask-interop: {why}\n\n{}", arguments::USAGE);
    ExitCode::from(2)
}

fn interrupted() -> ExitCode {
    eprintln!("streamtask-interop: interrupted");
    ExitCode::from(130)
}
