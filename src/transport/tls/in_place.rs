//! Plaintext where it was decrypted.
//!
//! rustls decrypts a record in the caller's buffer, and then copies it into memory of its own to hand
//! it out. The cipher suites made here are the provider's, except that while somebody looks for it
//! they remember where the plaintext of a large record lies, and show rustls its first byte alone.
//! Owns one such place per thread. Refuses to know keys, and what becomes of the bytes.

use std::cell::Cell;
use std::ops::Range;
use std::sync::OnceLock;

use rustls::crypto::CryptoProvider;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::{
    CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, SupportedCipherSuite,
    Tls12CipherSuite, Tls13CipherSuite,
};

/// To copy less is cheaper than to look where it lies.
const LARGE_BYTES: usize = 1024;
/// rustls takes many empty records for an attack.
const SHOWN_BYTES: usize = 1;

#[derive(Clone, Copy)]
enum Search {
    None,
    /// In the buffer between these addresses.
    Within(usize, usize),
    Found(usize, usize),
}

thread_local! {
    static SEARCH: Cell<Search> = const { Cell::new(Search::None) };
}

/// Lets rustls `run` over `buffer`, and where in it the plaintext lies of the one record whose first
/// byte alone it will hand out; `None`: it hands out everything.
pub(super) fn look_for_plaintext<'b, T>(
    buffer: &'b mut [u8],
    run: impl FnOnce(&'b mut [u8]) -> T,
) -> (T, Option<Range<usize>>) {
    let all = buffer.as_ptr_range();
    let (from, to) = (all.start.addr(), all.end.addr());
    SEARCH.set(Search::Within(from, to));
    let end_of_search = EndOfSearch;
    let ran = run(buffer);
    let found = match SEARCH.get() {
        Search::Found(start, end) => Some(start - from..end - from),
        Search::None | Search::Within(..) => None,
    };
    drop(end_of_search);
    (ran, found)
}

/// Also when rustls panics: nobody would know of what is found later.
struct EndOfSearch;

impl Drop for EndOfSearch {
    fn drop(&mut self) {
        SEARCH.set(Search::None);
    }
}

/// Whether somebody looks for it, and will take it from there.
fn is_sought(plaintext: &[u8]) -> bool {
    let Search::Within(from, to) = SEARCH.get() else { return false };
    let place = plaintext.as_ptr_range();
    let (start, end) = (place.start.addr(), place.end.addr());
    let is_inside = from <= start && end <= to;
    if is_inside {
        SEARCH.set(Search::Found(start, end));
    }
    is_inside
}

/// The same cryptography, but for where plaintext is found. It is always the same that is asked for.
pub(in crate::transport) fn decrypting_in_place(provider: CryptoProvider) -> CryptoProvider {
    static SUITES: OnceLock<Vec<SupportedCipherSuite>> = OnceLock::new();
    let suites = SUITES.get_or_init(|| provider.cipher_suites.iter().map(suite).collect());
    CryptoProvider { cipher_suites: suites.clone(), ..provider }
}

/// It lives as long as the process, like the provider's own.
fn suite(suite: &SupportedCipherSuite) -> SupportedCipherSuite {
    match suite {
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: Box::leak(Box::new(InPlace(suite.aead_alg))),
                quic: suite.quic,
            })))
        }
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: Box::leak(Box::new(InPlace(suite.aead_alg))),
            })))
        }
    }
}

fn common(suite: &CipherSuiteCommon) -> CipherSuiteCommon {
    let CipherSuiteCommon { suite, hash_provider, confidentiality_limit } = *suite;
    CipherSuiteCommon { suite, hash_provider, confidentiality_limit }
}

/// What it is about, with decrypters that tell where plaintext is.
struct InPlace<T>(T);

impl MessageDecrypter for InPlace<Box<dyn MessageDecrypter>> {
    fn decrypt<'a>(
        &mut self,
        message: InboundOpaqueMessage<'a>,
        number: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let mut plain = self.0.decrypt(message, number)?;
        if plain.typ == ContentType::ApplicationData
            && plain.payload.len() >= LARGE_BYTES
            && is_sought(plain.payload)
        {
            plain.payload = plain.payload.get(..SHOWN_BYTES).unwrap_or_default();
        }
        Ok(plain)
    }
}

impl Tls13AeadAlgorithm for InPlace<&'static dyn Tls13AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        self.0.encrypter(key, iv)
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(InPlace(self.0.decrypter(key, iv)))
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

impl Tls12AeadAlgorithm for InPlace<&'static dyn Tls12AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        self.0.encrypter(key, iv, extra)
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        Box::new(InPlace(self.0.decrypter(key, iv)))
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        self.0.key_block_shape()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: &[u8],
        explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv, explicit)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}
