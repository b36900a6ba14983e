//! Challenges and their answers: the examples of the RFCs, what real servers send, and rubbish.
//! The hashes were computed by another implementation.

use super::*;

const CNONCE: [u8; 16] = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
];

fn credential(user: &str, password: &str) -> Credential {
    Credential::new(user, password).unwrap()
}

fn answer_of(challenges: &[&str], credential: &Credential) -> Option<String> {
    let values = challenges.iter().map(|value| value.as_bytes());
    answer(values, credential, "GET", "/chat?a=b", CNONCE)
}

/// The scheme of the answer, and of a digest its algorithm.
fn choice(challenges: &[&str]) -> String {
    let Some(answer) = answer_of(challenges, &credential("user", "password")) else {
        return String::new();
    };
    match answer.split_once("algorithm=") {
        Some((_, rest)) => rest.split(',').next().unwrap().to_owned(),
        None => answer.split(' ').next().unwrap().to_owned(),
    }
}

fn digest(algorithm: &str) -> String {
    format!("Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm={algorithm}")
}

#[test]
fn a_credential_has_limits_and_no_control_characters() {
    let long = "u".repeat(MAX_CREDENTIAL_BYTES);
    assert!(Credential::new(&long, &long).is_ok());
    for (user, password) in [(format!("{long}u"), String::new()), (String::new(), "p".repeat(8193))]
    {
        assert_eq!(Credential::new(&user, &password), Err(CredentialFault::TooLong));
    }
    for byte in (0..0x20u8).chain([0x7f]).map(char::from) {
        for text in [format!("{byte}"), format!("a{byte}b")] {
            for (user, password) in [(text.as_str(), "p"), ("u", text.as_str())] {
                let refused = Err(CredentialFault::ControlCharacter);
                assert_eq!(Credential::new(user, password), refused, "{byte:?}");
            }
        }
    }
    for (user, password) in [("", ""), ("a:b", "c:d"), ("ä", "密码"), (" ", "\u{85}")] {
        let credential = credential(user, password);
        assert_eq!((credential.user(), credential.password()), (user, password));
    }
}

#[test]
fn a_credential_never_shows_itself() {
    let shown = format!("{:?}", credential("hunter", "hunter2"));
    assert!(!shown.contains("hunter"), "{shown}");
}

#[test]
fn basic_is_as_in_rfc_7617() {
    for (user, password, value) in [
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("test", "123\u{a3}", "Basic dGVzdDoxMjPCow=="),
        ("user", "", "Basic dXNlcjo="),
        ("", "", "Basic Og=="),
        ("u", "a:b", "Basic dTphOmI="),
    ] {
        for challenge in [
            "Basic realm=\"WallyWorld\"",
            "basic Realm=x, charset=\"UTF-8\"",
            "BASIC",
            "Negotiate, Basic realm=\"a, b\"",
            "Bearer realm=\"x\", error=\"y\", Basic realm=\"z\"",
            "Basic realm=\"Größe\"",
            "Basic realm=\"x\", Negotiate YII=",
        ] {
            let answer = answer_of(&[challenge], &credential(user, password));
            assert_eq!(answer.as_deref(), Some(value), "{challenge}");
        }
    }
}

#[test]
fn basic_in_latin_1_is_answered_too() {
    let value = b"Basic realm=\"Gr\xf6\xdfe\"";
    let answer = answer([&value[..]].into_iter(), &credential("u", ""), "GET", "/", CNONCE);
    assert_eq!(answer.as_deref(), Some("Basic dTo="));
}

#[test]
fn a_user_with_a_colon_goes_into_a_digest_only() {
    let user = credential("user:name", "pass:wörd");
    assert_eq!(answer_of(&["Basic realm=\"r\""], &user), None);
    let challenges = ["Basic realm=\"r\"", &digest("SHA-256")];
    let values = challenges.iter().map(|value| value.as_bytes());
    let answer = answer(values, &user, "CONNECT", "h:443", CNONCE).unwrap();
    assert_eq!(
        answer,
        "Digest username=\"user:name\", realm=\"r\", uri=\"h:443\", nonce=\"n\", \
         algorithm=SHA-256, nc=00000001, cnonce=\"00112233445566778899aabbccddeeff\", qop=auth, \
         response=\"42b4cf06c1e59d46cea543010c044a80325b16400474c45bcf8c0a41e9351747\""
    );
}

#[test]
fn digests_are_as_in_rfc_7616() {
    let realm = "http-auth@example.org";
    let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("MD5-sess", "e783283f46242139c486a698fec7211d"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ("SHA-256-sess", "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"),
        ("SHA-512-256", "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0"),
        ("SHA-512-256-sess", "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e"),
    ] {
        for spelled in [algorithm.to_owned(), algorithm.to_lowercase(), format!("\"{algorithm}\"")]
        {
            let value = format!(
                "Digest realm=\"{realm}\", qop=\"auth, auth-int\", algorithm={spelled}, \
                 nonce=\"{nonce}\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let request = PasswordParams {
                username: "Mufasa",
                password: "Circle of Life",
                uri: "/dir/index.html",
                method: "GET",
                body: None,
            };
            let mut offered = Offered::read([value.as_bytes()].into_iter());
            let answer = offered.digest(&request, cnonce).unwrap();
            assert_eq!(
                answer,
                format!(
                    "Digest username=\"Mufasa\", realm=\"{realm}\", uri=\"/dir/index.html\", \
                     nonce=\"{nonce}\", algorithm={algorithm}, nc=00000001, cnonce=\"{cnonce}\", \
                     qop=auth, response=\"{response}\", \
                     opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
                )
            );
        }
    }
}

#[test]
fn without_qop_the_digest_is_that_of_rfc_2069() {
    let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
    let value = format!("Digest realm=\"testrealm@host.com\", nonce=\"{nonce}\"");
    let user = credential("Mufasa", "CircleOfLife");
    let values = [value.as_bytes()].into_iter();
    let answer = answer(values, &user, "GET", "/dir/index.html", CNONCE).unwrap();
    assert!(answer.contains("response=\"1949323746fe6a43ef61f9606e7febea\""), "{answer}");
    assert!(!answer.contains("qop") && !answer.contains("cnonce"), "{answer}");
}

#[test]
fn a_hashed_user_stays_hidden() {
    let value = digest("SHA-256") + ", userhash=true";
    let answer = answer_of(&[&value], &credential("user:name", "p")).unwrap();
    let hash = "efc7aa643637abcf172e85bab6f3d27b01319908cf66b7206c8bc33aa113c640";
    assert!(answer.starts_with(&format!("Digest username=\"{hash}\", userhash=true, ")));
    assert!(!answer.contains("user:name"));
}

#[test]
fn users_beyond_ascii_are_encoded_and_quotes_escaped() {
    let answer = answer_of(&[&digest("MD5")], &credential("Jäsøn Doe", "p")).unwrap();
    assert!(answer.starts_with("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, "), "{answer}");
    let answer = answer_of(&[&digest("MD5")], &credential("a\"b\\c", "p")).unwrap();
    assert!(answer.starts_with("Digest username=\"a\\\"b\\\\c\", "), "{answer}");
}

#[test]
fn the_strongest_challenge_is_answered() {
    let [md5, sha, short] = ["MD5", "SHA-256", "SHA-512-256"].map(digest);
    let old = "Digest realm=\"r\", nonce=\"n\"";
    let basic = "Basic realm=\"r\"";
    for (challenges, chosen) in [
        (vec![basic, &md5], "MD5"),
        (vec![&md5, basic], "MD5"),
        (vec![&md5, &sha, basic], "SHA-256"),
        (vec![&sha, &md5], "SHA-256"),
        (vec![&md5, &short, &sha], "SHA-512-256"),
        (vec![old, &md5], "MD5"),
        (vec![basic, old], "Digest"),
        (vec!["Negotiate", "NTLM", basic], "Basic"),
    ] {
        assert_eq!(choice(&challenges), chosen, "{challenges:?}");
        let joined = challenges.join(", ");
        assert_eq!(choice(&[&joined]), chosen, "{joined}");
    }
    // Of two alike it is the first.
    let two = [digest("MD5"), digest("MD5").replace("\"n\"", "\"other\"")];
    let answer = answer_of(&[&two[0], &two[1]], &credential("u", "p")).unwrap();
    assert!(answer.contains("nonce=\"n\""));
}

#[test]
fn what_cannot_be_answered_is_passed_over() {
    for value in [
        "",
        ",",
        " ",
        "Negotiate",
        "NTLM",
        "Bearer realm=\"x\"",
        "Basi realm=\"x\"",
        "=",
        "\"Basic\"",
        "Digest",
        "Digest realm=\"r\"",
        "Digest nonce=\"n\"",
        "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
        "Digest realm=\"r\", nonce=\"n\", qop=\"\"",
        "Digest realm=\"r\", nonce=\"n\", qop=auth, algorithm=SHA-1",
        "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256",
        "Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess",
        "Digest realm=\"r\", realm=\"s\", nonce=\"n\", qop=auth",
        "Digest realm=\"Größe\", nonce=\"n\", qop=auth",
        "Digest realm=\"r\", nonce=\"n",
    ] {
        assert_eq!(choice(&[value]), "", "{value:?}");
        assert_eq!(choice(&[value, "Basic realm=\"x\""]), "Basic", "{value:?}");
    }
    assert_eq!(choice(&[]), "");
}

#[test]
fn only_a_digest_can_be_stale() {
    let stale = |values: &[&str]| is_stale(values.iter().map(|value| value.as_bytes()));
    assert!(stale(&[&(digest("MD5") + ", stale=true")]));
    assert!(stale(&["Basic realm=\"r\"", &(digest("MD5") + ", stale=TRUE")]));
    assert!(!stale(&[&digest("MD5")]));
    assert!(!stale(&[&(digest("MD5") + ", stale=false")]));
    assert!(!stale(&["Basic realm=\"r\", stale=true"]));
    assert!(!stale(&[]));
}

#[test]
fn a_flood_of_challenges_is_read_once() {
    let begun = std::time::Instant::now();
    let hundred: Vec<String> = (0..100).map(|n| format!("X{n} a=\"b\"")).collect();
    let mut values: Vec<&str> = hundred.iter().map(String::as_str).collect();
    values.push("Basic realm=\"last\"");
    assert_eq!(choice(&values), "Basic");
    let commas = ",".repeat(60 * 1024);
    let schemes = "a, ".repeat(20 * 1024);
    let parameters = format!("Digest {}", "a=b, ".repeat(12 * 1024));
    let realm = format!("Digest realm=\"{}\", nonce=\"n\", qop=auth", "r".repeat(60 * 1024));
    let escapes = format!("Basic realm=\"{}\"", "\\\"".repeat(30 * 1024));
    let digests = vec![digest("MD5"); 1000].join(", ");
    for (value, chosen) in [
        (commas + "Basic", "Basic"),
        (schemes + "Basic realm=x", "Basic"),
        (parameters, ""),
        (realm, "MD5"),
        (escapes, "Basic"),
        (digests, "MD5"),
    ] {
        assert_eq!(choice(&[&value]), chosen);
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn an_answer_is_one_header_value_whatever_the_challenge() {
    let whole =
        "Digest realm=\"r\\\"\", nonce=\"n\", qop=\"auth\", opaque=\"o\", Basic realm=\"ö\"";
    let user = credential("u\"ser", "p");
    for at in 0..whole.len() {
        for byte in 0..=255u8 {
            let mut value = whole.as_bytes().to_vec();
            value[at] = byte;
            if let Some(answer) = answer([&value[..]].into_iter(), &user, "GET", "/", CNONCE) {
                assert!(::http::HeaderValue::from_str(&answer).is_ok(), "{answer:?}");
            }
            value.truncate(at);
            let _ = answer([&value[..]].into_iter(), &user, "GET", "/", CNONCE);
        }
    }
}
