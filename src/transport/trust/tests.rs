use super::super::verify::fixture::{Authority, Pair};
use super::*;

fn settings(authorities: &[&Authority], trust_system_store: bool) -> TrustSettings {
    let trusted = authorities.iter().map(|authority| authority.certificate.clone()).collect();
    TrustSettings { trusted, trust_system_store, ..TrustSettings::default() }
}

fn route() -> Route {
    Route { host: "localhost".to_owned(), port: 443, proxy: String::new() }
}

impl Configurations {
    fn of(&mut self, settings: &TrustSettings) -> Arc<Configuration> {
        self.find_or_build(settings, &route(), crate::reactor::now()).unwrap()
    }
}

#[test]
fn equal_settings_and_routes_share_one_configuration() {
    let authority = Authority::new("shared");
    let first = configuration(&settings(&[&authority], false), &route()).unwrap();
    let second = configuration(&settings(&[&authority], false), &route()).unwrap();
    assert!(Arc::ptr_eq(&first, &second));

    forget_configurations();
    let third = configuration(&settings(&[&authority], false), &route()).unwrap();
    assert!(!Arc::ptr_eq(&first, &third));
}

#[test]
fn another_host_port_or_proxy_shares_the_rules_but_no_session() {
    let mut table = Configurations::default();
    let settings = settings(&[&Authority::new("root")], false);
    let proxy = "http://proxy.test:8080".to_owned();
    let routes = [
        route(),
        Route { host: "elsewhere".to_owned(), ..route() },
        Route { port: 444, ..route() },
        Route { proxy, ..route() },
    ];
    let now = crate::reactor::now();
    let built: Vec<_> =
        routes.iter().map(|route| table.find_or_build(&settings, route, now).unwrap()).collect();
    for (index, one) in built.iter().enumerate() {
        assert!(Arc::ptr_eq(one.verification.shared(), built[0].verification.shared()));
        assert!(built[..index].iter().all(|other| !Arc::ptr_eq(one, other)));
    }
}

#[test]
fn a_session_is_resumed_although_no_socket_kept_the_configuration() {
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let authority = Authority::new("root");
        let mut server = authority.issue(|_| {}).serve(versions);
        server.session_storage = rustls::server::ServerSessionMemoryCache::new(16);
        let server = Arc::new(server);
        let mut table = Configurations::default();
        let mut connect = |settings: &TrustSettings| {
            let mut pair = Pair::with_server(&table.of(settings), "localhost", &server);
            pair.exchange().unwrap();
            pair.client.is_resumed()
        };
        let shared = settings(&[&authority], false);
        assert_eq!([(); 3].map(|()| connect(&shared)), [false, true, true]);
        let never = TrustSettings { resumes_sessions: false, ..shared };
        assert_eq!([(); 3].map(|()| connect(&never)), [false; 3]);
    }
}

#[test]
fn different_settings_never_share() {
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let mut table = Configurations::default();
    let plain = settings(&[], false);
    let all = [
        plain.clone(),
        settings(&[], true),
        settings(&[&first], false),
        settings(&[&first], true),
        settings(&[&second], false),
        settings(&[&first, &second], false),
        TrustSettings { resumes_sessions: false, ..plain.clone() },
        TrustSettings { logs_keys: true, ..plain.clone() },
        TrustSettings { rules: Rules { ignorable_errors: 2, ..Rules::default() }, ..plain },
    ];
    let built: Vec<_> = all.iter().map(|settings| table.of(settings)).collect();
    for (index, configuration) in built.iter().enumerate() {
        assert!(built[..index].iter().all(|other| !Arc::ptr_eq(configuration, other)));
    }
}

#[test]
fn the_system_store_is_read_once_and_again_after_its_time() {
    let authority = Authority::new("extra");
    let mut table = Configurations::default();
    let begun = crate::reactor::now();
    let plain = TrustSettings::default();
    let first = table.find_or_build(&plain, &route(), begun).unwrap();
    let extra = settings(&[&authority], true);
    table.find_or_build(&extra, &route(), begun + ROOTS_LIFETIME / 2).unwrap();
    assert_eq!(table.system.as_ref().unwrap().at, begun);

    // Read again, and found to be the same: nothing that was built is lost.
    let later = begun + ROOTS_LIFETIME;
    let again = table.find_or_build(&plain, &route(), later).unwrap();
    assert_eq!(table.system.as_ref().unwrap().at, later);
    assert!(Arc::ptr_eq(&first, &again));

    // Other roots: configurations with the old ones are not used any more.
    let other = SystemRoots::Anchors(Arc::new(rustls::RootCertStore::empty()));
    table.system = Some(LoadedRoots { roots: other, at: later });
    let changed = table.find_or_build(&plain, &route(), later).unwrap();
    assert!(!Arc::ptr_eq(&again, &changed));
}

#[test]
fn what_is_known_is_found_until_the_store_is_to_be_read_again() {
    let mut table = Configurations::default();
    let now = crate::reactor::now();
    for settings in [settings(&[&Authority::new("root")], false), TrustSettings::default()] {
        assert!(table.find(&settings, &route(), now).is_none(), "nothing has been built");
        let built = table.find_or_build(&settings, &route(), now).unwrap();
        let found = table.find(&settings, &route(), now).unwrap();
        assert!(Arc::ptr_eq(&found, &built));
        assert!(table.find(&settings, &Route { port: 1, ..route() }, now).is_none());
        let later = now + ROOTS_LIFETIME;
        assert_eq!(table.find(&settings, &route(), later).is_some(), !settings.trust_system_store);
    }
    let other = SystemRoots::Anchors(Arc::new(rustls::RootCertStore::empty()));
    table.system = Some(LoadedRoots { roots: other, at: now });
    assert!(table.find(&TrustSettings::default(), &route(), now).is_none(), "made with others");
}

#[test]
fn without_sockets_only_the_last_few_configurations_live() {
    let mut table = Configurations::default();
    let settings = settings(&[&Authority::new("root")], false);
    let mut of = |port: u16| {
        let built =
            table.find_or_build(&settings, &Route { port, ..route() }, crate::reactor::now());
        (built.unwrap(), table.recent.len(), table.known.len())
    };
    let (held, _, _) = of(0);
    let dropped = Arc::downgrade(&of(1).0);
    for port in 2..=RECENT_CONFIGURATIONS as u16 + 1 {
        of(port);
    }
    assert!(dropped.upgrade().is_none());
    let (again, recent, _) = of(0);
    assert!(Arc::ptr_eq(&held, &again));
    assert_eq!(recent, RECENT_CONFIGURATIONS);
    assert!(of(1).2 <= RECENT_CONFIGURATIONS + 1);
}

#[test]
fn what_concerns_the_origin_alone_stays_there() {
    let pins = format!("sha256/{}", data_encoding::BASE64.encode(&[1; 32]));
    let rules = Rules {
        ignorable_errors: 0x8a,
        pins: super::super::verify::PinnedKeys::parse(&pins).unwrap(),
        ..Rules::default()
    };
    let settings = TrustSettings { rules, ..settings(&[], false) };
    let proxy = settings.for_proxy();
    assert!(proxy.rules.pins.is_empty());
    assert_eq!(proxy.rules.ignorable_errors, 1 << 11);
    assert_eq!(settings.for_other_origin(), settings);
}

#[test]
fn sockets_that_trust_the_same_share_it() {
    let root = |name| vec![Authority::new(name).certificate];
    let (one, other) = (root("one"), root("other"));
    let first = shared(one.clone());
    assert!(Arc::ptr_eq(&first, &shared(one.clone())));
    assert!(!Arc::ptr_eq(&first, &shared(other)));
    let gone = Arc::downgrade(&first);
    drop(first);
    assert!(gone.upgrade().is_none(), "nobody keeps what no socket has");
    assert_eq!(*shared(one.clone()), *one);
}
