//! How to get there, from the options to the configuration.

use streamtask::{Configuration, Error, ErrorKind, Proxy};

use crate::args::WayArgs;
use crate::report::Failure;

/// The same configuration with the way that the options want.
pub(super) fn through(
    mut configuration: Configuration,
    args: &WayArgs,
) -> Result<Configuration, Failure> {
    for known in &args.resolve {
        for address in &known.addresses {
            configuration = configuration.resolve(&known.host, known.port, *address);
        }
    }
    if let Some(family) = args.prefer {
        configuration = configuration.preferred_family(family.into());
    }
    let reading = |error: Error| Failure::of(&error, "reading --proxy");
    if args.proxy.iter().any(|proxy| proxy == ENVIRONMENT) {
        if args.proxy.len() > 1 {
            let why = "`env` cannot be combined with other proxies";
            return Err(reading(Error::new(ErrorKind::InvalidArgument).with_detail(why)));
        }
        return configuration.proxies_from_environment().map_err(reading);
    }
    let chains = chains(&args.proxy).map_err(reading)?;
    Ok(chains.into_iter().fold(configuration, Configuration::proxy_chain))
}

/// What stands for the proxies of the environment.
const ENVIRONMENT: &str = "env";

/// Every way through: each hop by each of its alternatives, those named first before the others.
fn chains(hops: &[String]) -> Result<Vec<Vec<Proxy>>, Error> {
    if hops.is_empty() {
        return Ok(Vec::new());
    }
    let mut chains = vec![Vec::new()];
    for hop in hops {
        let alternatives = hop.split(',').map(str::parse).collect::<Result<Vec<Proxy>, _>>()?;
        let longer = |chain: &Vec<Proxy>| {
            let with = |proxy: &Proxy| chain.iter().chain([proxy]).cloned().collect::<Vec<_>>();
            alternatives.iter().map(with).collect::<Vec<_>>()
        };
        chains = chains.iter().flat_map(longer).collect();
    }
    Ok(chains)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_repeated_are_a_chain_and_with_commas_alternatives() {
        let hops = ["http://a:1,http://b:1", "socks5h://c:1"].map(String::from);
        let shown: Vec<String> = chains(&hops)
            .expect("they can be read")
            .iter()
            .map(|chain| chain.iter().map(Proxy::to_string).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(shown, ["http://a:1 socks5h://c:1", "http://b:1 socks5h://c:1"]);
        assert!(chains(&[]).is_ok_and(|chains| chains.is_empty()));
        assert!(chains(&["http://a,".to_owned()]).is_err());
    }
}
