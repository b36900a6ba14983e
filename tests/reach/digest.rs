//! A server's side of Digest (RFC 7616), by other code than the library's.

use crate::site::header;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Md5,
    Sha256,
}

impl Hash {
    pub fn hex(self, text: &str) -> String {
        let digest = match self {
            Hash::Md5 => md5(text.as_bytes()).to_vec(),
            Hash::Sha256 => {
                let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
                let hash = suite.tls13().unwrap().common.hash_provider;
                hash.hash(text.as_bytes()).as_ref().to_vec()
            }
        };
        data_encoding::HEXLOWER.encode(&digest)
    }
}

/// Whether the request's header `name` holds the right answer to a challenge with `nonce`, in which
/// `qop="auth"` stood.
pub fn is_right(
    request: &str,
    name: &str,
    hash: Hash,
    (user, password, nonce): (&str, &str, &str),
) -> bool {
    let Some(answer) = header(request, name).and_then(|value| value.strip_prefix("Digest ")) else {
        return false;
    };
    let field = |wanted: &str| {
        let mut fields = answer.split(',').filter_map(|field| field.trim().split_once('='));
        let found = fields.find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.trim_matches('"').to_owned()).unwrap_or_default()
    };
    let mut line = request.split(' ');
    let (method, target) = (line.next().unwrap(), line.next().unwrap());
    let first = hash.hex(&format!("{user}:{}:{password}", field("realm")));
    let second = hash.hex(&format!("{method}:{target}"));
    let (count, cnonce) = (field("nc"), field("cnonce"));
    // RFC 7616 §3.4: what is not ASCII goes into the extended notation.
    let is_user = match user.is_ascii() {
        true => field("username") == user,
        false => field("username*") == extended(user),
    };
    let expected = hash.hex(&format!("{first}:{nonce}:{count}:{cnonce}:auth:{second}"));
    is_user
        && field("nonce") == nonce
        && field("uri") == target
        && field("qop") == "auth"
        && count == "00000001"
        && cnonce.len() >= 16
        && field("response") == expected
}

/// RFC 8187 §3.2.1.
fn extended(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    format!("UTF-8''{}", encoded.collect::<String>())
}

/// RFC 1321.
fn md5(message: &[u8]) -> [u8; 16] {
    const SHIFTS: [[u32; 4]; 4] =
        [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64 * 8).to_le_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks_exact(64) {
        let words: Vec<u32> = block
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
            .collect();
        let [mut a, mut b, mut c, mut d] = state;
        for step in 0..64 {
            let (mixed, word) = match step / 16 {
                0 => ((b & c) | (!b & d), step),
                1 => ((d & b) | (!d & c), (5 * step + 1) % 16),
                2 => (b ^ c ^ d, (3 * step + 5) % 16),
                _ => (c ^ (b | !d), (7 * step) % 16),
            };
            let constant = (((step + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mixed).wrapping_add(constant).wrapping_add(words[word]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[step / 16][step % 4]));
        }
        for (state, word) in state.iter_mut().zip([a, b, c, d]) {
            *state = state.wrapping_add(word);
        }
    }
    let mut digest = [0; 16];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

#[test]
fn the_digests_are_those_of_the_standards() {
    // RFC 1321 §A.5; FIPS 180-2 §B.1.
    assert_eq!(Hash::Md5.hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
    let long = "1234567890".repeat(8);
    assert_eq!(Hash::Md5.hex(&long), "57edf4a22be3c955ac49da2e2107b67a");
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Hash::Sha256.hex("abc"), sha256);
}
