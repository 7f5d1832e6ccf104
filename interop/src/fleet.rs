//! All servers of a run, and how starting them went.

use crate::report::Report;
use crate::rights::Rights;
use crate::server::{RECIPES, Recipe, Server};
use crate::site::{Means, Site};
use crate::trouble::Attempt;

/// All servers of a run. Dropping it stops them.
pub(crate) struct Fleet {
    servers: Vec<Server>,
    failures: Vec<(&'static str, String)>,
    absences: Vec<(&'static str, String)>,
}

impl Fleet {
    /// Starts every server, or those named, without waiting for any.
    pub(crate) fn start(site: &Site, only: &[String]) -> Self {
        let mut fleet = Fleet { servers: vec![], failures: vec![], absences: vec![] };
        let is_wanted =
            |recipe: &&Recipe| only.is_empty() || only.iter().any(|name| name == recipe.name);
        for recipe in RECIPES.iter().filter(is_wanted) {
            fleet.start_one(site, recipe);
        }
        fleet
    }

    fn start_one(&mut self, site: &Site, recipe: &Recipe) {
        match (started(site, recipe), site.rights, site.means) {
            (Ok(server), _, _) => self.servers.push(server),
            (Err(why), Rights::Root, Means::Fetched) => {
                self.failures.push((recipe.name, why.to_string()));
            }
            // Most servers start as root alone, and what is not there cannot be expected.
            (Err(why), _, _) => self.absences.push((recipe.name, why.to_string())),
        }
    }

    /// Waits until all are ready, and tells which are not. Those are no longer of the fleet.
    pub(crate) async fn settle(&mut self, report: &mut Report) {
        for (server, why) in self.absences.drain(..) {
            report.absent(server, &why);
        }
        for (server, why) in self.failures.drain(..) {
            report.not_started(server, &why, "");
        }
        for mut server in std::mem::take(&mut self.servers) {
            match server.is_ready().await {
                Ok(()) => self.servers.push(server),
                Err(why) => report.not_started(server.name, &why.to_string(), &server.log()),
            }
        }
    }

    /// Those that run.
    pub(crate) fn servers(&self) -> &[Server] {
        &self.servers
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // All of them are asked before any is waited for.
        for server in &self.servers {
            server.terminate();
        }
    }
}

fn started(site: &Site, recipe: &Recipe) -> Attempt<Server> {
    match (recipe.root, site.rights) {
        (Some(why), Rights::User) => Err(format!("only root can start it: {why}").into()),
        _ => (recipe.start)(site),
    }
}
