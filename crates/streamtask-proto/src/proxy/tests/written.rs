//! How a proxy is written, and what of it is shown.

use super::*;

#[test]
fn an_address_with_a_zone_that_has_a_name_is_asked_for_as_an_address() {
    let host = Host::new("fe80::1%eth0", 25).expect("a host");
    assert_eq!(Destination::of(&host).to_string(), "[fe80::1]:25");
}

#[test]
fn a_proxy_is_written_as_a_url_with_the_usual_port_of_its_scheme() {
    for (text, shown) in [
        ("socks5h://proxy.test", "socks5h://proxy.test:1080"),
        ("SOCKS4A://10.0.0.1:9/", "socks4a://10.0.0.1:9"),
        ("http://[2001:db8::1]", "http://[2001:db8::1]:80"),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
        ("http://me:p%40ss:word@proxy.test:3128", "http://proxy.test:3128"),
    ] {
        assert_eq!(text.parse::<Proxy>().expect(text).to_string(), shown);
    }
    let proxy: Proxy = "http://m%65:p%40ss:w@h".parse().expect("it is one");
    let login = proxy.login.as_ref().expect("it has one");
    assert_eq!((&*login.user, &*login.password), ("me", "p@ss:w"));
}

#[test]
fn what_is_wrong_is_said_without_repeating_it() {
    for text in [
        "secret",
        "ftp://secret@host",
        "socks5://secret:secret@",
        "socks5://secret@host:0",
        "socks5://secret@host:port",
        "socks5://secret@host/path",
        "socks5://sec%ret@host",
        "socks5://secret%f@host",
        "socks5://me@host",
        "http://me:secret:127.0.0.1:80",
        "socks5://me:secret:1080",
        "http://me@[secret]:1",
        "http://secret%3A:x@host",
        "http://secret%0a:x@host",
        "socks5://a:secret@ho st",
    ] {
        let error = text.parse::<Proxy>().expect_err(text);
        let said = format!("{error} {error:?} {error:#?}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn nobody_is_shown_a_password() {
    let proxy: Proxy = "http://somebody:secret@host".parse().expect("it is one");
    let shown = format!("{proxy} {proxy:?} {proxy:#?}");
    assert!(!shown.contains("secret") && !shown.contains("somebody"), "{shown}");
}
