//! Proxies as the environment names them.

use std::ffi::OsString;

use streamtask_proto::{Error, ErrorKind, NoProxy, Proxy};

use super::Configuration;

/// In this order: what is meant for any protocol before what is meant for one of HTTP's.
const PROXIES: [&str; 3] = ["socks_proxy", "all_proxy", "https_proxy"];

/// The same configuration with what `environment` says.
pub(super) fn proxies(
    configuration: Configuration,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Configuration, Error> {
    let said = |name: &str| {
        let either = [name.to_owned(), name.to_uppercase()];
        let mut values = either.into_iter().map(|name| (environment(&name), name));
        values.find_map(|(value, name)| {
            value.filter(|value| !value.is_empty()).map(|value| (name, value))
        })
    };
    let Some((name, value)) = PROXIES.iter().find_map(|name| said(name)) else {
        return Ok(configuration);
    };
    let unreadable =
        |why: &str| Error::new(ErrorKind::InvalidArgument).with_detail(format!("{name}: {why}"));
    let value = value.to_str().ok_or_else(|| unreadable("it is no text"))?;
    let proxy: Proxy =
        value.parse().map_err(|error: Error| unreadable(error.detail().unwrap_or_default()))?;
    let configuration = configuration.proxy(proxy);
    Ok(match said("no_proxy") {
        Some((_, list)) => configuration.no_proxy(NoProxy::new(&list.to_string_lossy())),
        None => configuration,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(environment: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let value = |name: &str| {
            let known = environment.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| OsString::from(value))
        };
        let configuration = proxies(Configuration::default(), value)?;
        Ok(configuration.proxies.first().map(|chain| chain[0].to_string()))
    }

    #[test]
    fn what_is_meant_for_any_protocol_comes_first_and_lower_case_before_upper() {
        let socks = ("SOCKS_PROXY", "socks5h://a");
        let all = ("ALL_PROXY", "socks4a://b");
        let https = ("HTTPS_PROXY", "http://c");
        let shown = |environment: &[_]| shown(environment).expect("they can be read");
        assert_eq!(shown(&[https, all, socks]).as_deref(), Some("socks5h://a:1080"));
        assert_eq!(shown(&[https, all]).as_deref(), Some("socks4a://b:1080"));
        assert_eq!(shown(&[https, ("all_proxy", "")]).as_deref(), Some("http://c:80"));
        assert_eq!(shown(&[all, ("all_proxy", "http://d:1")]).as_deref(), Some("http://d:1"));
        assert_eq!(shown(&[("http_proxy", "http://e")]), None, "that is for HTTP alone");
    }

    #[test]
    fn a_proxy_that_cannot_be_read_is_an_error_that_does_not_repeat_it() {
        let error = shown(&[("ALL_PROXY", "ftp://me:secret@h")]).expect_err("it cannot be read");
        let said = format!("{error:?}");
        assert!(said.contains("ALL_PROXY") && !said.contains("secret"), "{said}");
    }

    #[test]
    fn who_is_exempt_is_known_too() {
        let value = |name: &str| match name {
            "all_proxy" => Some("http://p".into()),
            "NO_PROXY" => Some("localhost".into()),
            _ => None,
        };
        let configuration = proxies(Configuration::default(), value).expect("readable");
        assert_eq!(configuration.no_proxy, NoProxy::new("localhost"));
        let own = Configuration::default().no_proxy(NoProxy::new("inside.test"));
        let only_proxy = |name: &str| (name == "all_proxy").then(|| "http://p".into());
        let configuration = proxies(own, only_proxy).expect("readable");
        assert_eq!(configuration.no_proxy, NoProxy::new("inside.test"), "what was said stays");
    }
}
