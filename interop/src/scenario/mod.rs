//! The scenarios: every conversation, with every server that holds it, in every version of TLS,
//! through the library and through the command.

mod command;
mod library;
mod proxied;
pub(crate) mod script;

use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) use script::Script;
use streamtask::TlsVersion;

use crate::fleet::Fleet;
use crate::pki::Pki;
use crate::report::{Line, Report};
use crate::server::{Door, Gate, Server};
use crate::site::Site;
use crate::trouble::Attempt;

/// A whole scenario takes milliseconds; one that takes this long hangs.
const LIMIT: Duration = Duration::from_secs(15);

/// What one scenario is about.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) door: &'a Door,
    pub(crate) version: TlsVersion,
    pub(crate) pki: &'a Pki,
}

/// Plays all of them, one after the other.
pub(crate) async fn play(fleet: &Fleet, site: &Site, report: &mut Report) {
    let command = command::find();
    if let Err(why) = &command {
        report.no_command(&why.to_string());
    }
    let command = command.ok();
    for server in fleet.servers() {
        let failed = report.failed();
        for scene in scenes(server, &site.pki) {
            every_way(server.name, scene, command.as_deref(), report).await;
        }
        for gate in &server.gates {
            through(server.name, gate, command.as_deref(), report).await;
        }
        if report.failed() > failed {
            report.log(&server.log());
        }
    }
}

fn scenes<'a>(server: &'a Server, pki: &'a Pki) -> impl Iterator<Item = Scene<'a>> {
    let versions = |door: &'a Door| door.versions.iter().map(move |version| (door, *version));
    server.doors.iter().flat_map(versions).map(move |(door, version)| Scene { door, version, pki })
}

async fn every_way(
    server: &'static str,
    scene: Scene<'_>,
    command: Option<&Path>,
    report: &mut Report,
) {
    let (script, version) = (scene.door.script, scene.version);
    let line = Line { server, name: script.name, version: Some(version), by: "library" };
    judge(&line, library::play(scene), report).await;
    if let Some(stop) = &script.stop {
        let line = Line { name: stop.name, ..line };
        judge(&line, library::play_with_stop(scene, stop), report).await;
    }
    if let Some(command) = command {
        let line = Line { by: "command", ..line };
        judge(&line, command::play(command, scene), report).await;
    }
}

/// Through a proxy in every way that it can be talked to, and once as somebody it does not know.
async fn through(server: &'static str, gate: &Gate, command: Option<&Path>, report: &mut Report) {
    for scheme in gate.schemes {
        let line = Line { server, name: scheme, version: None, by: "library" };
        judge(&line, proxied::play(gate, scheme), report).await;
        if gate.login.is_some() {
            let line = Line { by: "stranger", ..line };
            judge(&line, proxied::play_stranger(gate, scheme), report).await;
        }
        if let Some(command) = command {
            let line = Line { by: "command", ..line };
            judge(&line, proxied::play_command(command, gate, scheme), report).await;
        }
    }
}

/// Lets one play and tells how it went.
async fn judge(line: &Line, attempt: impl Future<Output = Attempt>, report: &mut Report) {
    let begin = Instant::now();
    let result = match tokio::time::timeout(LIMIT, attempt).await {
        Ok(result) => result,
        Err(_) => Err(format!("hangs: not over after {} s", LIMIT.as_secs()).into()),
    };
    report.played(line, begin.elapsed(), result);
}
