use super::*;
use crate::http::{Headers, Version};

fn response(status: u16, fields: &[(&str, &[u8])]) -> Response {
    let mut headers = Headers::default();
    for (name, value) in fields {
        headers.append(*name, *value);
    }
    Response { version: Version::Http11, status, reason: String::new(), headers }
}

#[test]
fn nothing_is_known_before_it_is_told() {
    let known = Information::default();
    assert_eq!((&*known.request_uri(), known.protocol(), known.http_status()), ("", "", 0));
    assert_eq!((known.local(), known.remote()), (None, None));
    assert_eq!((known.header("Upgrade", 0), known.response_body()), (None, &[][..]));
    assert_eq!((known.tls_version(), known.tls_resumed(), known.certificate(0)), ("", false, None));
    assert_eq!((known.certificate_errors(), known.stage_us(Timed::Http)), (0, 0));
}

#[test]
fn each_fact_reads_back_as_it_was_told_and_the_last_word_counts() {
    let mut known = Information::default();
    let addresses = ["127.0.0.1:80", "[::1]:65535"].map(|text| text.parse().unwrap());
    let scoped = SocketAddrV6::new("fe80::1".parse().unwrap(), 1, 2, 3).into();
    let near: SocketAddr = "127.0.0.1:1".parse().unwrap();
    for round in 0..3 {
        known.begin("wss://first/");
        assert_eq!(known.request_uri(), "wss://first/");
        known.set_request_uri("ws://second/ä");
        for local in [None, Some(near), Some(scoped)] {
            for remote in addresses {
                known.set_addresses(local, remote);
                assert_eq!((known.local(), known.remote()), (local, Some(remote)));
            }
        }
        known.set_tls(Some("TLSv1_3"), Some("suite"), round == 1);
        let chain = [&[1u8; 1000][..], &[2; 70_000]];
        let certificates: Arc<[_]> = chain.map(|der| der.to_vec().into()).into();
        known.set_certificates(Arc::clone(&certificates), 0x3fff);
        known.set_certificates(certificates, round);
        let fields = [
            ("upgrade", &b"websocket"[..]),
            ("X", b" a:b\xff"),
            ("x", b""),
            ("Upgrade", b"WebSocket"),
            (ACCEPT, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            (ACCEPT, b"no base64"),
            (ACCEPT, b"AB=="),
        ];
        known.set_response(Some(&response(404, &fields)), &[9; 300]);
        known.set_response(Some(&response(101, &fields)), &[]);
        known.replace(Fact::Protocol, b"chat");
        known.settle();

        assert_eq!((&*known.request_uri(), known.protocol()), ("ws://second/ä", "chat"));
        assert_eq!((known.tls_version(), known.tls_cipher_suite()), ("TLSv1_3", "suite"));
        assert_eq!((known.tls_resumed(), known.certificate_errors()), (round == 1, round));
        assert_eq!([0, 1].map(|index| known.certificate(index).unwrap()), chain);
        assert_eq!(known.certificate(2), None);
        assert_eq!((known.http_status(), known.response_body()), (101, &[][..]));
        for (name, values) in [
            ("UPGRADE", &[&b"websocket"[..], b"WebSocket"][..]),
            ("x", &[b" a:b\xff", b""]),
            (ACCEPT, &[b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", b"no base64", b"AB=="]),
        ] {
            let known = (0..values.len()).map(|index| known.header(name, index).unwrap());
            assert_eq!(known.collect::<Vec<_>>(), values);
        }
        assert_eq!((known.header("x", 2), known.header("y", 0)), (None, None));
    }
    known.set_response(None, &[]);
    assert_eq!((known.http_status(), known.header("x", 0)), (0, None));
    assert!(!format!("{known:?}").contains("websocket"));
}

#[test]
fn each_stage_has_a_time_of_its_own() {
    let mut known = Information::default();
    let stages = [Timed::Name, Timed::Tcp, Timed::Proxy, Timed::Tls, Timed::Http];
    for factor in [0, 1, 1 << 40] {
        for (number, stage) in (1..).zip(stages) {
            known.stage_ended(stage, Duration::from_micros(number * factor));
        }
        let expected = [1, 2, 3, 4, 5].map(|number| number * factor);
        assert_eq!(stages.map(|stage| known.stage_us(stage)), expected);
    }
    known.begin("ws://again/");
    assert_eq!(stages.map(|stage| known.stage_us(stage)), [0; 5]);
}

#[test]
fn what_an_ordinary_connection_makes_known_is_small() {
    let mut known = Information::default();
    known.begin("ws://127.0.0.1:40000/echo");
    let address: SocketAddr = "127.0.0.1:40000".parse().unwrap();
    known.set_addresses(Some(address), address);
    let fields = [
        ("Upgrade", &b"websocket"[..]),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];
    known.set_response(Some(&response(101, &fields)), &[]);
    for stage in [Timed::Name, Timed::Tcp, Timed::Http] {
        known.stage_ended(stage, Duration::from_millis(1));
    }
    known.settle();
    assert!(known.facts.bytes().len() <= 72, "{}", known.facts.bytes().len());
    assert!(matches!(known.facts, Facts::Settled(_)));
}
