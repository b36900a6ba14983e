//! Answers to offers of permessage-deflate, legal and not.

use super::*;

const ALL: DeflateOffer = DeflateOffer {
    client_max_window_bits: 15,
    server_max_window_bits: 15,
    client_no_context_takeover: false,
    server_no_context_takeover: false,
};

const FULL: Parameters = Parameters {
    client_max_window_bits: 15,
    server_max_window_bits: 15,
    client_no_context_takeover: false,
    server_no_context_takeover: false,
};

fn verdict(offer: Option<DeflateOffer>, lines: &[&str]) -> Result<Option<Parameters>, Fault> {
    let mut headers = Headers::default();
    for line in lines {
        headers.append("sec-websocket-EXTENSIONS", *line);
        headers.append("X-Other", "permessage-deflate");
    }
    agreed(&headers, offer.as_ref())
}

/// The answer to an offer of everything.
fn all(line: &str) -> Result<Option<Parameters>, Fault> {
    verdict(Some(ALL), &[line])
}

/// The answer to `offer` with these parameters.
fn with(offer: DeflateOffer, parameters: &str) -> Result<Option<Parameters>, Fault> {
    verdict(Some(offer), &[&format!("permessage-deflate{parameters}")])
}

fn wrong(fault: ParameterFault) -> Result<Option<Parameters>, Fault> {
    Err(Fault::ExtensionParameter(fault))
}

#[test]
fn the_offer_names_what_differs_from_the_default() {
    assert_eq!(ALL.value(), "permessage-deflate; client_max_window_bits");
    let least = DeflateOffer {
        client_max_window_bits: 9,
        server_max_window_bits: 14,
        client_no_context_takeover: true,
        server_no_context_takeover: true,
    };
    assert_eq!(
        least.value(),
        "permessage-deflate; client_max_window_bits=9; server_max_window_bits=14; \
         client_no_context_takeover; server_no_context_takeover"
    );
}

#[test]
fn nothing_chosen_is_nothing_agreed() {
    for offer in [None, Some(ALL), Some(DeflateOffer { server_max_window_bits: 9, ..ALL })] {
        assert_eq!(verdict(offer, &[]), Ok(None));
        assert_eq!(verdict(offer, &["", " \t"]), Ok(None));
    }
}

#[test]
fn the_bare_name_agrees_on_the_widest() {
    for lines in [
        &["permessage-deflate"][..],
        &[" permessage-deflate\t"],
        &[",, permessage-deflate ,\t,"],
        &["", "permessage-deflate", ""],
    ] {
        assert_eq!(verdict(Some(ALL), lines), Ok(Some(FULL)), "{lines:?}");
    }
}

#[test]
fn what_was_not_offered_is_refused() {
    let refused = Err(Fault::ExtensionNotOffered);
    for line in [
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=10",
        "x",
        "x; y=1",
        ",x,",
    ] {
        assert_eq!(verdict(None, &[line]), refused, "{line}");
    }
    for line in [
        "x",
        "permessage-deflate, x",
        "x, permessage-deflate",
        "permessage-bzip2",
        "x-webkit-deflate-frame",
        "permessage-deflat",
        "permessage-deflate2",
        // Names are compared as they are.
        "Permessage-Deflate",
        "PERMESSAGE-DEFLATE",
    ] {
        assert_eq!(all(line), refused, "{line}");
    }
    assert_eq!(verdict(Some(ALL), &["permessage-deflate", "x; y=\"z\""]), refused);
}

#[test]
fn twice_is_once_too_often() {
    for lines in [
        &["permessage-deflate, permessage-deflate"][..],
        &["permessage-deflate", "permessage-deflate; server_no_context_takeover"],
    ] {
        assert_eq!(verdict(Some(ALL), lines), Err(Fault::ExtensionRepeated), "{lines:?}");
    }
}

#[test]
fn what_is_not_the_grammar_is_refused() {
    for offer in [None, Some(ALL)] {
        for line in [
            ",",
            " , ,",
            ";",
            "=",
            "permessage-deflate;",
            "permessage-deflate; ;server_no_context_takeover",
            "permessage-deflate server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover x",
            "permessage-deflate=1",
            "\"permessage-deflate\"",
            "permessage-deflate; =15",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits==10",
            "permessage-deflate; server_max_window_bits=\"10",
            "permessage-deflate; server_max_window_bits=\"10\\",
            "permessage-deflate; server_max_window_bits=\"10\\\"",
            "permessage-deflate; server_max_window_bits=\"10\"0",
            "permessage-deflate; server_max_window_bits=10\"",
            "permessage-deflate; server_max_window_bits=\"\"",
            "permessage-deflate; server_max_window_bits=\"1 0\"",
            "permessage-deflate; server_max_window_bits=(10)",
            "permessage-deflate\u{b}",
            "permessage-défl",
            "permessage-deflate; server_max_window_bits=\"10, permessage-deflate\"",
        ] {
            assert_eq!(verdict(offer, &[line]), Err(Fault::ExtensionMalformed), "{line}");
        }
    }
    // A list is one over its lines, but no string goes over them.
    let lines = ["permessage-deflate; server_max_window_bits=\"1", "0\""];
    assert_eq!(verdict(Some(ALL), &lines), Err(Fault::ExtensionMalformed));
}

#[test]
fn values_may_be_quoted_and_spaced() {
    let agreed = Ok(Some(Parameters { server_max_window_bits: 10, ..FULL }));
    for value in ["=10", " = 10", "\t=\t\"10\"", "=\"10\" ", "=\"\\10\"", "=\"\\1\\0\""] {
        assert_eq!(with(ALL, &format!(" ;server_max_window_bits{value}")), agreed, "{value}");
    }
}

#[test]
fn window_bits_are_8_to_15_and_not_above_the_offer() {
    for number in 0..=99u8 {
        for offered in 8..=15u8 {
            let client = DeflateOffer { client_max_window_bits: offered, ..ALL };
            let server = DeflateOffer { server_max_window_bits: offered, ..ALL };
            let judge = |name, agreed: Parameters| {
                if !(8..=15).contains(&number) {
                    wrong(ParameterFault::Value(name))
                } else if number > offered {
                    wrong(ParameterFault::AboveOffer(name))
                } else {
                    Ok(Some(agreed))
                }
            };
            assert_eq!(
                with(client, &format!("; client_max_window_bits={number}")),
                judge(CLIENT_BITS, Parameters { client_max_window_bits: number, ..FULL })
            );
            assert_eq!(
                with(server, &format!("; server_max_window_bits={number}")),
                judge(SERVER_BITS, Parameters { server_max_window_bits: number, ..FULL })
            );
        }
    }
}

#[test]
fn window_bits_are_plain_decimals() {
    for name in [CLIENT_BITS, SERVER_BITS] {
        for value in [
            "",
            "=08",
            "=009",
            "=015",
            "=0",
            "=7",
            "=16",
            "=77",
            "=100",
            "=010",
            "=-8",
            "=+9",
            "=0x9",
            "=9.0",
            "=1e1",
            "=x",
            "=10x",
            "=true",
            "=\"08\"",
            "=\"7\"",
            "=264",
            "=18446744073709551624",
        ] {
            let expected = wrong(ParameterFault::Value(name));
            assert_eq!(with(ALL, &format!("; {name}{value}")), expected, "{name}{value}");
        }
    }
}

#[test]
fn flags_have_no_value() {
    for name in [CLIENT_FRESH, SERVER_FRESH] {
        for value in ["=1", "=true", "=\"x\"", "=15"] {
            let expected = wrong(ParameterFault::Value(name));
            assert_eq!(with(ALL, &format!("; {name}{value}")), expected, "{name}{value}");
        }
    }
}

#[test]
fn parameters_are_known_and_there_once() {
    for parameter in
        ["x", "x=1", "Server_No_Context_Takeover", "SERVER_MAX_WINDOW_BITS=10", "max_window_bits=9"]
    {
        let expected = wrong(ParameterFault::Unknown);
        assert_eq!(with(ALL, &format!("; {parameter}")), expected, "{parameter}");
    }
    for (name, value) in
        [(CLIENT_BITS, "=10"), (SERVER_BITS, "=10"), (CLIENT_FRESH, ""), (SERVER_FRESH, "")]
    {
        let twice = format!("; {name}{value}; {name}{value}");
        assert_eq!(with(ALL, &twice), wrong(ParameterFault::Repeated(name)));
    }
}

#[test]
fn the_server_may_ask_and_limit_itself_without_being_asked() {
    assert_eq!(
        with(
            ALL,
            "; server_no_context_takeover; client_max_window_bits=8; \
             client_no_context_takeover; server_max_window_bits=9"
        ),
        Ok(Some(Parameters {
            client_max_window_bits: 8,
            server_max_window_bits: 9,
            client_no_context_takeover: true,
            server_no_context_takeover: true,
        }))
    );
}

#[test]
fn what_was_asked_for_must_be_granted() {
    let asks = |offer: DeflateOffer, name, granted: &str, agreed: Parameters| {
        for other in ["", "; client_max_window_bits=15"] {
            assert_eq!(with(offer, other), wrong(ParameterFault::NotGranted(name)));
        }
        assert_eq!(with(offer, granted), Ok(Some(agreed)));
    };
    asks(
        DeflateOffer { server_max_window_bits: 10, ..ALL },
        SERVER_BITS,
        "; server_max_window_bits=9",
        Parameters { server_max_window_bits: 9, ..FULL },
    );
    asks(
        DeflateOffer { server_no_context_takeover: true, ..ALL },
        SERVER_FRESH,
        "; server_no_context_takeover",
        Parameters { server_no_context_takeover: true, ..FULL },
    );
    asks(
        DeflateOffer { client_no_context_takeover: true, ..ALL },
        CLIENT_FRESH,
        "; client_no_context_takeover",
        Parameters { client_no_context_takeover: true, ..FULL },
    );
}

#[test]
fn our_own_window_needs_no_grant() {
    let offer = DeflateOffer { client_max_window_bits: 10, ..ALL };
    let agreed = |bits| Ok(Some(Parameters { client_max_window_bits: bits, ..FULL }));
    assert_eq!(with(offer, ""), agreed(10));
    assert_eq!(with(offer, "; client_max_window_bits=9"), agreed(9));
    assert_eq!(
        with(offer, "; client_max_window_bits=11"),
        wrong(ParameterFault::AboveOffer(CLIENT_BITS))
    );
}

#[test]
fn no_line_makes_the_reader_stumble() {
    let alphabet = b"permessage-deflate; server_max_window_bits=\"10\\\", \t\x80";
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut accepted = 0;
    for round in 0..20_000 {
        let mut line = b"permessage-deflate; server_max_window_bits=10, ,".to_vec();
        for _ in 0..round % 6 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = random as usize % line.len();
            line[at] = alphabet[(random >> 32) as usize % alphabet.len()];
        }
        let mut headers = Headers::default();
        headers.append(HEADER, line.clone());
        if let Ok(agreed) = agreed(&headers, Some(&ALL)) {
            accepted += 1;
            assert!(agreed.is_some(), "{line:?}");
        }
    }
    assert!(accepted > 1_000 && accepted < 19_000, "{accepted}");
}
