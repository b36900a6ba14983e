//! Names of proxies, good and bad, and the environment.

use std::collections::HashMap;

use super::*;

fn parsed(text: &str) -> Proxy {
    Proxy::parse(text).unwrap_or_else(|fault| panic!("{text:?}: {fault}")).unwrap()
}

/// What `environment` leads to for `target`, as text.
fn chosen(target: &str, environment: &[(&str, &str)]) -> Result<Option<String>, ChoiceFault> {
    chosen_with("", target, environment)
}

fn chosen_with(
    control: &str,
    target: &str,
    environment: &[(&str, &str)],
) -> Result<Option<String>, ChoiceFault> {
    let variables: HashMap<&str, &str> = environment.iter().copied().collect();
    let target = Uri::parse(target).unwrap();
    for_target(control, &target, |name| variables.get(name).map(|&value| value.to_owned()))
        .map(|proxy| proxy.map(|proxy| proxy.to_string()))
}

fn some(text: &str) -> Result<Option<String>, ChoiceFault> {
    Ok(Some(text.to_owned()))
}

#[test]
fn a_proxy_has_a_scheme_a_host_and_a_port() {
    for (text, shown) in [
        ("http://proxy:3128", "http://proxy:3128"),
        ("HTTP://Proxy.Example:3128/", "http://proxy.example:3128"),
        ("https://proxy", "https://proxy:443"),
        ("http://proxy", "http://proxy:1080"),
        ("socks5://proxy", "socks5://proxy:1080"),
        ("Socks5H://proxy:9050", "socks5h://proxy:9050"),
        ("proxy:3128", "http://proxy:3128"),
        ("proxy", "http://proxy:1080"),
        ("localhost:8080", "http://localhost:8080"),
        ("1.2.3.4:8080", "http://1.2.3.4:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("[2001:db8::1]", "http://[2001:db8::1]:1080"),
        ("https://bücher.example:1/", "https://xn--bcher-kva.example:1"),
        ("http://proxy:", "http://proxy:1080"),
        ("user@proxy:3128", "http://proxy:3128"),
    ] {
        assert_eq!(parsed(text).to_string(), shown, "{text}");
    }
    assert!(parsed("https://p").is_secure() && !parsed("http://p").is_secure());
    let remote = |text| matches!(parsed(text), Proxy::Socks5 { remote_names: true, .. });
    assert!(remote("socks5h://p") && !remote("socks5://p"));
    let zoned = parsed("http://[fe80::1%25eth0]:1");
    assert_eq!(zoned.host().to_string(), "fe80::1%eth0");
}

#[test]
fn direct_and_nothing_name_none() {
    for text in ["", "direct:", "DIRECT:", "direct://"] {
        assert_eq!(Proxy::parse(text), Ok(None), "{text:?}");
    }
}

#[test]
fn user_and_password_are_percent_decoded() {
    for (login, user, password) in [
        ("user:password", "user", "password"),
        ("user", "user", ""),
        ("user:", "user", ""),
        (":p", "", "p"),
        ("", "", ""),
        ("a%40b%3ac:%2f%3F%25", "a@b:c", "/?%"),
        ("u:p:q", "u", "p:q"),
        ("u:p@q", "u", "p@q"),
        ("%C3%a4:%E5%AF%86", "ä", "密"),
        ("ä:密", "ä", "密"),
    ] {
        for scheme in ["http://", "socks5h://", "https://", ""] {
            let proxy = parsed(&format!("{scheme}{login}@proxy:1"));
            let credential = proxy.credential().unwrap();
            assert_eq!((credential.user(), credential.password()), (user, password), "{login}");
        }
    }
    assert_eq!(parsed("http://proxy").credential(), None);
    for login in ["%", "%4", "%zz", "%4g", "a:%", "%ff", "%0d", "%0A:x", "u:%00", "%7f", "\u{1}"] {
        let text = format!("http://{login}@proxy:1");
        assert_eq!(Proxy::parse(&text), Err(ProxyUriFault::Login), "{login:?}");
    }
}

#[test]
fn what_names_no_proxy_is_refused_by_name() {
    use ProxyUriFault::*;
    for (text, fault) in [
        ("socks4://p", UnsupportedScheme),
        ("socks://p", UnsupportedScheme),
        ("ws://p", UnsupportedScheme),
        ("ftp://p:21", UnsupportedScheme),
        ("://p", UnsupportedScheme),
        ("direct://p", UnsupportedScheme),
        ("http://", Place(UriFault::NoHost)),
        ("http://:3128", Place(UriFault::NoHost)),
        ("/", Place(UriFault::NoHost)),
        ("http://p:0", Place(UriFault::BadPort)),
        ("http://p:65536", Place(UriFault::BadPort)),
        ("http://p:x", Place(UriFault::BadPort)),
        ("http:p", Place(UriFault::BadPort)),
        ("direct:p", Place(UriFault::BadPort)),
        ("http://p/path", Place(UriFault::BadHost)),
        ("http://p//", Place(UriFault::BadHost)),
        ("http://p?q", Place(UriFault::BadHost)),
        ("http://p#f", Place(UriFault::BadHost)),
        ("http://a..b", Place(UriFault::BadHost)),
        ("http://0x7f.1", Place(UriFault::BadHost)),
        ("http://::1:80", Place(UriFault::BadHost)),
        ("http://p p", Place(UriFault::ForbiddenCharacter)),
        ("http://p\r\nX: y", Place(UriFault::ForbiddenCharacter)),
        (" http://p", UnsupportedScheme),
    ] {
        assert_eq!(Proxy::parse(text), Err(fault), "{text:?}");
    }
    // A host of that name, with an empty port.
    assert_eq!(parsed("http:").to_string(), "http://http:1080");
    let long = format!("http://{}", "p".repeat(MAX_URI_BYTES));
    assert_eq!(Proxy::parse(&long), Err(TooLong));
}

#[test]
fn nothing_secret_shows() {
    let proxy = parsed("http://hunter:hunter2@proxy");
    assert!(!format!("{proxy} {proxy:?}").contains("hunter"));
    let fault = chosen("ws://h", &[("http_proxy", "http://hunter2:%@p")]).unwrap_err();
    assert!(!format!("{fault} {fault:?}").contains("hunter2"));
}

#[test]
fn the_scheme_of_the_target_picks_the_variable() {
    let all = [("http_proxy", "plain:1"), ("https_proxy", "secure:1"), ("all_proxy", "all:1")];
    assert_eq!(chosen("ws://h", &all), some("http://plain:1"));
    assert_eq!(chosen("wss://h", &all), some("http://secure:1"));
    assert_eq!(chosen("wss://h", &all[2..]), some("http://all:1"));
    assert_eq!(chosen("ws://h", &all[1..]), some("http://all:1"));
    assert_eq!(chosen("wss://h", &all[..1]), Ok(None));
    assert_eq!(chosen("ws://h", &all[1..2]), Ok(None));
    assert_eq!(chosen("ws://h", &[]), Ok(None));
    assert_eq!(chosen("ws://h", &[("http_proxy", " p:1\n")]), some("http://p:1"));
}

#[test]
fn lower_case_wins_over_upper() {
    for (target, name) in
        [("ws://h", "http_proxy"), ("wss://h", "https_proxy"), ("ws://h", "all_proxy")]
    {
        let upper = name.to_uppercase();
        assert_eq!(chosen(target, &[(&upper, "upper:1")]), some("http://upper:1"), "{upper}");
        let both = [(upper.as_str(), "upper:1"), (name, "lower:1")];
        assert_eq!(chosen(target, &both), some("http://lower:1"), "{name}");
    }
    let lists = [("http_proxy", "p:1"), ("NO_PROXY", "h"), ("no_proxy", "other")];
    assert_eq!(chosen("ws://h", &lists), some("http://p:1"));
    assert_eq!(chosen("ws://h", &lists[..2]), Ok(None));
}

#[test]
fn an_empty_variable_says_that_there_is_no_proxy() {
    let all = ("all_proxy", "all:1");
    assert_eq!(chosen("ws://h", &[("http_proxy", ""), all]), Ok(None));
    assert_eq!(chosen("ws://h", &[("http_proxy", "direct:"), all]), Ok(None));
    assert_eq!(chosen("ws://h", &[("http_proxy", ""), ("HTTP_PROXY", "p:1")]), Ok(None));
    assert_eq!(chosen("ws://h", &[("no_proxy", ""), ("NO_PROXY", "h"), all]), some("http://all:1"));
}

#[test]
fn a_cgi_program_is_not_led_by_its_callers() {
    let upper = [("HTTP_PROXY", "evil:1"), ("REQUEST_METHOD", "GET"), ("all_proxy", "all:1")];
    assert_eq!(chosen("ws://h", &upper[..1]), some("http://evil:1"));
    assert_eq!(chosen("ws://h", &upper[..2]), Ok(None));
    assert_eq!(chosen("ws://h", &upper), some("http://all:1"));
    let lower = [("http_proxy", "p:1"), ("REQUEST_METHOD", "GET")];
    assert_eq!(chosen("ws://h", &lower), some("http://p:1"));
    let secure = [("HTTPS_PROXY", "p:1"), ("REQUEST_METHOD", "GET")];
    assert_eq!(chosen("wss://h", &secure), some("http://p:1"));
}

#[test]
fn the_environment_is_not_asked_for_loopback_or_what_no_proxy_lists() {
    let environment = [("all_proxy", "p:1"), ("no_proxy", "in.example, 10.0.0.0/8 other:81")];
    for target in [
        "ws://localhost",
        "wss://a.localhost:81",
        "ws://127.1.2.3",
        "ws://[::1]",
        "ws://in.example",
        "wss://a.in.example:99",
        "ws://10.9.8.7",
        "ws://other:81",
    ] {
        assert_eq!(chosen(target, &environment), Ok(None), "{target}");
    }
    for target in ["ws://out.example", "ws://other", "ws://11.0.0.1", "ws://xin.example"] {
        assert_eq!(chosen(target, &environment), some("http://p:1"), "{target}");
    }
}

#[test]
fn the_control_is_stronger_than_the_environment_and_its_exceptions() {
    let environment = [("all_proxy", "p:1"), ("no_proxy", "*")];
    for target in ["ws://h", "wss://localhost", "ws://127.0.0.1"] {
        assert_eq!(chosen_with("socks5h://mine:2", target, &environment), some("socks5h://mine:2"));
        assert_eq!(chosen_with("direct:", target, &environment[..1]), Ok(None));
    }
}

#[test]
fn a_broken_variable_is_named() {
    for (target, variable) in [
        ("ws://h", "http_proxy"),
        ("ws://h", "HTTP_PROXY"),
        ("wss://h", "https_proxy"),
        ("wss://h", "HTTPS_PROXY"),
        ("wss://h", "all_proxy"),
        ("ws://h", "ALL_PROXY"),
    ] {
        for (value, fault) in [
            ("socks4://p", ProxyUriFault::UnsupportedScheme),
            ("http://p:x", ProxyUriFault::Place(UriFault::BadPort)),
        ] {
            let told = chosen(target, &[(variable, value)]).unwrap_err();
            assert_eq!(told, ChoiceFault { variable, fault });
            assert!(told.to_string().starts_with(variable), "{told}");
        }
        // Who is not asked does not complain.
        assert_eq!(chosen("ws://localhost", &[(variable, "://")]), Ok(None));
    }
    let told = chosen_with("http://", "ws://h", &[]).unwrap_err();
    assert_eq!(told.variable, "PROXY");
}
