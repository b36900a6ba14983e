//! Challenges: of any header values an answer comes out only if it was asked for, and it is the one
//! that RFC 7616 or RFC 7617 has for them; of legal ones the strongest is answered.
#![no_main]

use std::collections::BTreeMap;

use anyws::http::auth::{answer, is_stale};
use anyws::http::{Credential, CredentialFault};
use anyws_fuzz::{Choices, is_token};
use data_encoding::{BASE64, HEXLOWER};
use libfuzzer_sys::fuzz_target;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

const CNONCE: [u8; 16] = *b"a sample cnonce!";
const ALGORITHMS: [&str; 6] =
    ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"];

/// Whoever is asked, and for what.
struct Asked {
    user: String,
    password: String,
    method: &'static str,
    uri: &'static str,
}

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let flags = choices.byte();
    let (method, uri) = [("GET", "/chat?a=\"b\\\""), ("CONNECT", "h:81")][usize::from(flags & 1)];
    let mut text = || {
        let len = choices.below(12);
        String::from_utf8_lossy(choices.take(len)).into_owned()
    };
    let asked = Asked { user: text(), password: text(), method, uri };
    let credential = match Credential::new(&asked.user, &asked.password) {
        Ok(credential) => credential,
        Err(fault) => {
            let is_control = |text: &str| text.chars().any(|c| matches!(c, '\0'..='\x1f' | '\x7f'));
            assert_eq!(fault, CredentialFault::ControlCharacter);
            return assert!(is_control(&asked.user) || is_control(&asked.password));
        }
    };
    let respond = |lines: &[Vec<u8>]| {
        let values = || lines.iter().map(Vec::as_slice);
        (answer(values(), &credential, method, uri, CNONCE), is_stale(values()))
    };
    if flags & 2 == 0 {
        let lines: Vec<Vec<u8>> =
            choices.rest().split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        let (answer, is_stale) = respond(&lines);
        let whole = lines.concat().to_ascii_lowercase();
        let holds = |text: &str| whole.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!is_stale || holds("digest") && holds("stale") && holds("true"));
        match answer.as_deref().map(Answer::read) {
            None => {}
            Some(Answer::Basic(told)) => assert!(holds("basic") && told == asked.basic()),
            Some(Answer::Digest(fields)) => {
                assert!(holds("digest"));
                was_said(&fields, &lines);
                asked.was_computed(&fields);
            }
        }
        return;
    }
    let (lines, challenges) = built(&mut choices);
    let (answer, is_stale) = respond(&lines);
    let shown = || lines.iter().map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>();
    let answerable: Vec<&Challenge> = challenges.iter().filter(|one| one.strength() > 0).collect();
    assert_eq!(is_stale, answerable.iter().any(|one| one.is_stale()), "{:?}", shown());
    // RFC 7616 §3.7, with the first of the strongest.
    let strongest = answerable.iter().rev().max_by_key(|one| one.strength());
    let has_basic = challenges.iter().any(|one| one.scheme == Scheme::Basic);
    match (strongest, answer.as_deref().map(Answer::read)) {
        (Some(challenge), Some(Answer::Digest(fields))) => {
            let said = |name: &str| fields.get(name).cloned();
            for name in ["realm", "nonce"] {
                assert_eq!(said(name).as_deref(), challenge.get(name), "{:?}", shown());
            }
            assert_eq!(
                said("opaque").as_deref(),
                challenge.get("opaque").filter(|o| !o.is_empty())
            );
            assert_eq!(said("qop").is_some(), challenge.get("qop").is_some());
            let algorithm = challenge.algorithm().expect("one that is known");
            assert_eq!(said("algorithm").as_deref().unwrap_or("MD5"), algorithm);
            let is_hashed =
                challenge.get("userhash").is_some_and(|v| v.eq_ignore_ascii_case("true"));
            assert_eq!(said("userhash").is_some(), is_hashed);
            asked.was_computed(&fields);
        }
        (None, Some(Answer::Basic(told))) => assert!(has_basic && told == asked.basic()),
        (None, None) => assert!(!has_basic || asked.user.contains(':'), "{:?}", shown()),
        (_, answer) => panic!("{:?}: {answer:?}", shown()),
    }
});

#[derive(Debug)]
enum Answer {
    /// What was encoded.
    Basic(Vec<u8>),
    Digest(BTreeMap<String, String>),
}

impl Answer {
    /// RFC 9110 §11.4, as a server reads it.
    fn read(text: &str) -> Answer {
        assert!(text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')), "{text:?}");
        if let Some(encoded) = text.strip_prefix("Basic ") {
            return Answer::Basic(BASE64.decode(encoded.as_bytes()).expect("base64"));
        }
        let mut rest = text.strip_prefix("Digest ").expect("one of two schemes");
        let mut fields = BTreeMap::new();
        loop {
            let (name, after) = rest.split_once('=').expect("a parameter");
            assert!(is_token(name.as_bytes()), "{name:?}");
            let (value, after) = value(after);
            assert_eq!(fields.insert(name.to_owned(), value), None, "{name} is there once");
            if after.is_empty() {
                return Answer::Digest(fields);
            }
            rest = after.strip_prefix(", ").expect("a comma between parameters");
        }
    }
}

/// A token or a quoted string, and what is behind it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(", ").unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let (mut value, mut letters) = (String::new(), quoted.chars());
    loop {
        match letters.next().expect("a quote at the end") {
            '"' => return (value, letters.as_str()),
            '\\' => value.extend(letters.next()),
            letter => value.push(letter),
        }
    }
}

/// What goes back to the server came from it.
fn was_said(fields: &BTreeMap<String, String>, lines: &[Vec<u8>]) {
    let without_escapes =
        |text: &[u8]| -> Vec<u8> { text.iter().copied().filter(|byte| *byte != b'\\').collect() };
    for name in ["realm", "nonce", "opaque"] {
        let Some(value) = fields.get(name) else { continue };
        let value = without_escapes(value.as_bytes());
        let is_within = lines.iter().any(|line| {
            let line = without_escapes(line);
            value.is_empty() || line.windows(value.len()).any(|part| part == value)
        });
        assert!(is_within, "{name}: {value:?}");
    }
}

impl Asked {
    fn basic(&self) -> Vec<u8> {
        assert!(!self.user.contains(':'), "a user with a colon cannot be told");
        format!("{}:{}", self.user, self.password).into_bytes()
    }

    /// RFC 7616 §3.4, from what the answer itself says.
    fn was_computed(&self, fields: &BTreeMap<String, String>) {
        let known = ["username", "username*", "userhash", "realm", "uri", "nonce", "algorithm"];
        let known = [&known[..], &["nc", "cnonce", "qop", "response", "opaque"]].concat();
        assert!(fields.keys().all(|name| known.contains(&name.as_str())), "{fields:?}");
        let said = |name: &str| fields.get(name).map(String::as_str);
        let all = |name: &str| said(name).expect("a field that each answer has");
        let algorithm = said("algorithm").unwrap_or("MD5");
        let hash = |parts: &[&str]| hashed(algorithm, &parts.join(":"));
        assert_eq!(all("uri"), self.uri);

        let (realm, nonce) = (all("realm"), all("nonce"));
        let user = match (said("username"), said("username*")) {
            (Some(name), None) if said("userhash") == Some("true") => {
                assert_eq!(name, hash(&[&self.user, realm]));
                &self.user
            }
            (Some(name), None) => name,
            (None, Some(name)) => &percent_decoded(name.strip_prefix("UTF-8''").expect("RFC 8187")),
            names => panic!("{names:?}"),
        };
        assert_eq!(user, self.user);
        let mut a1 = hash(&[user, realm, &self.password]);
        let cnonce = HEXLOWER.encode(&CNONCE);
        if algorithm.ends_with("-sess") {
            a1 = hash(&[&a1, nonce, &cnonce]);
        }
        let a2 = hash(&[self.method, self.uri]);
        let expected = match said("qop") {
            Some(qop) => {
                assert_eq!((qop, all("nc"), all("cnonce")), ("auth", "00000001", cnonce.as_str()));
                hash(&[&a1, nonce, all("nc"), &cnonce, qop, &a2])
            }
            None => {
                assert_eq!((algorithm, said("nc"), said("cnonce")), ("MD5", None, None));
                hash(&[&a1, nonce, &a2])
            }
        };
        assert_eq!(all("response"), expected);
    }
}

fn hashed(algorithm: &str, text: &str) -> String {
    match algorithm.trim_end_matches("-sess") {
        "MD5" => HEXLOWER.encode(&Md5::digest(text)),
        "SHA-256" => HEXLOWER.encode(&Sha256::digest(text)),
        "SHA-512-256" => HEXLOWER.encode(&Sha512_256::digest(text)),
        other => panic!("{other}"),
    }
}

fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next().expect("a digit")).to_digit(16).expect("hex");
        bytes.push(if byte == b'%' { (digit() * 16 + digit()) as u8 } else { byte });
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[derive(Debug, PartialEq)]
enum Scheme {
    Basic,
    Digest,
    Other,
}

#[derive(Debug)]
struct Challenge {
    scheme: Scheme,
    params: Vec<(&'static str, String)>,
    /// All of its line is ASCII.
    is_exact: bool,
}

impl Challenge {
    fn get(&self, wanted: &str) -> Option<&str> {
        let mut found = self.params.iter().filter(|(name, _)| *name == wanted);
        found.next().map(|(_, value)| value.as_str())
    }

    fn algorithm(&self) -> Option<&'static str> {
        let said = self.get("algorithm").unwrap_or("MD5");
        ALGORITHMS.into_iter().find(|known| known.eq_ignore_ascii_case(said))
    }

    /// 0: it is not to be answered as a Digest.
    fn strength(&self) -> u8 {
        let count = |wanted| self.params.iter().filter(|(name, _)| *name == wanted).count();
        let is_once = self.params.iter().all(|(name, _)| count(*name) == 1);
        let is_whole = count("realm") == 1 && count("nonce") == 1 && is_once;
        if self.scheme != Scheme::Digest || !self.is_exact || !is_whole {
            return 0;
        }
        let qop = self.get("qop");
        let mut offered = qop.unwrap_or("auth").split(',').map(|one| one.trim_matches(' '));
        if !offered.any(|one| one.eq_ignore_ascii_case("auth")) {
            return 0;
        }
        match (self.algorithm(), qop) {
            (Some("SHA-512-256" | "SHA-512-256-sess"), Some(_)) => 4,
            (Some("SHA-256" | "SHA-256-sess"), Some(_)) => 3,
            (Some("MD5" | "MD5-sess"), Some(_)) => 2,
            // RFC 2069.
            (Some("MD5"), None) => 1,
            _ => 0,
        }
    }

    fn is_stale(&self) -> bool {
        self.get("stale").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Lines of legal challenges, written in all the ways there are.
fn built(choices: &mut Choices) -> (Vec<Vec<u8>>, Vec<Challenge>) {
    let (mut lines, mut challenges) = (Vec::new(), Vec::new());
    while !choices.is_empty() && lines.len() < 4 {
        let first = challenges.len();
        let mut line = Vec::new();
        for _ in 0..1 + choices.below(3) {
            separate(&mut line, choices);
            challenges.push(one(choices, &mut line));
        }
        let is_exact = line.is_ascii();
        challenges[first..].iter_mut().for_each(|one: &mut Challenge| one.is_exact = is_exact);
        lines.push(line);
    }
    (lines, challenges)
}

/// RFC 9110 §5.6.1.
fn separate(line: &mut Vec<u8>, choices: &mut Choices) {
    if !line.is_empty() {
        let separators: [&[u8]; 5] = [b", ", b",", b" ,\t", b" , , ", b",,"];
        line.extend_from_slice(separators[choices.below(5)]);
    }
}

fn one(choices: &mut Choices, line: &mut Vec<u8>) -> Challenge {
    let kind = choices.byte();
    let (scheme, name) = match kind % 8 {
        0 => (Scheme::Basic, "Basic"),
        1 => (Scheme::Basic, "bASIC"),
        2 => (Scheme::Other, "Negotiate"),
        3 => (Scheme::Other, "Digestive"),
        4 => (Scheme::Digest, "DIGEST"),
        _ => (Scheme::Digest, "Digest"),
    };
    line.extend_from_slice(name.as_bytes());
    let mut params = Vec::new();
    let present = choices.byte() | if kind & 0x80 == 0 { 0b11 } else { 0 };
    let names =
        ["realm", "nonce", "qop", "algorithm", "opaque", "userhash", "stale", "domain", "realm"];
    let turn = usize::from(kind >> 3 & 7);
    for at in (0..9).map(|at| (at + turn) % 9) {
        let is_there = match at {
            // Now and then one is there twice.
            8 => kind == 0xff,
            at => present >> at & 1 == 1,
        };
        if !is_there {
            continue;
        }
        let name = names[at];
        let value = match name {
            "qop" => ["auth", "auth-int", "AUTH", "auth-int, auth", "foo", "foo,auth ", ""]
                [choices.below(7)]
            .to_owned(),
            "algorithm" => match choices.below(9) {
                6 => "md5-SESS".to_owned(),
                7 => "sha-256".to_owned(),
                8 => "SHA-1".to_owned(),
                known => ALGORITHMS[known].to_owned(),
            },
            "userhash" => ["true", "TRUE", "false"][choices.below(3)].to_owned(),
            "stale" => ["true", "True", "false", "truer"][choices.below(4)].to_owned(),
            _ => {
                let len = choices.below(10);
                choices.take(len).iter().map(|byte| char::from(b' ' + byte % 95)).collect()
            }
        };
        if params.is_empty() {
            line.push(b' ');
        } else {
            separate(line, choices);
        }
        write(name, &value, choices, line);
        params.push((name, value));
    }
    Challenge { scheme, params, is_exact: true }
}

fn write(name: &str, value: &str, choices: &mut Choices, line: &mut Vec<u8>) {
    let style = choices.byte();
    let spelled = if style & 1 == 0 { name.to_owned() } else { name.to_uppercase() };
    line.extend_from_slice(spelled.as_bytes());
    line.extend_from_slice([&b"="[..], b"=", b" = ", b"=\t"][usize::from(style >> 1 & 3)]);
    // RFC 7616 §3.3: these two are never quoted by whoever keeps to it.
    let is_bare = name == "stale" || style & 8 == 0;
    if is_bare && is_token(value.as_bytes()) {
        return line.extend_from_slice(value.as_bytes());
    }
    line.push(b'"');
    for (at, byte) in value.bytes().enumerate() {
        if b"\"\\".contains(&byte) || style >> 4 == 1 + at as u8 {
            line.push(b'\\');
        }
        line.push(byte);
    }
    // Latin-1, in what Basic does not look at.
    if name == "domain" && style & 0x80 != 0 {
        line.push(0xe9);
    }
    line.push(b'"');
}
