//! Pinned public keys: of all good chains only those with one of these keys.
//!
//! Owns their spelling, `sha256/` and the base64 of the hash over SubjectPublicKeyInfo (RFC 7469
//! §2.4), and the comparison with a path whose signatures were checked. Refuses to know whether
//! the chain is good.

use std::sync::Arc;

use data_encoding::BASE64;
use rustls::crypto::hash::HashAlgorithm;

use crate::transport::trust::provider;

use super::certificate::key_info;
use super::path::{End, Path};

/// None: every key will do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PinnedKeys(Arc<[[u8; 32]]>);

impl PinnedKeys {
    /// One or more, separated by spaces or commas; an empty text is none. `None`: malformed.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        let pins = words.map(|word| {
            let hash = BASE64.decode(word.strip_prefix("sha256/")?.as_bytes()).ok()?;
            <[u8; 32]>::try_from(hash).ok()
        });
        let pins = pins.collect::<Option<Vec<_>>>()?;
        (!pins.is_empty()).then(|| Self(pins.into()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the path's keys is pinned, the root's too.
    pub(super) fn admit(&self, path: &Path<'_>) -> bool {
        if self.is_empty() {
            return true;
        }
        let root = match &path.end {
            End::Anchor(anchor) => Some(anchor.subject_public_key_info.as_ref()),
            _ => None,
        };
        let mut keys = path.certificates.iter().map(|certificate| certificate.key).chain(root);
        keys.any(|key| sha256(&key_info(key)).is_some_and(|hash| self.0.contains(&hash)))
    }
}

fn sha256(bytes: &[u8]) -> Option<[u8; 32]> {
    let provider = provider();
    let mut hashes =
        provider.cipher_suites.iter().filter_map(|suite| Some(suite.tls13()?.common.hash_provider));
    let hash = hashes.find(|hash| hash.algorithm() == HashAlgorithm::SHA256)?;
    hash.hash(bytes).as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_hashes_in_base64_with_their_name() {
        let hash = BASE64.encode(&[7; 32]);
        let one = format!("sha256/{hash}");
        let two = format!("{one}, sha256/{}", BASE64.encode(&[8; 32]));
        assert_eq!(PinnedKeys::parse(&one).unwrap().0[..], [[7; 32]]);
        assert_eq!(PinnedKeys::parse(&two).unwrap().0[..], [[7; 32], [8; 32]]);
        assert_eq!(PinnedKeys::parse(&format!(" {one} {one}")).unwrap().0.len(), 2);
        assert!(PinnedKeys::parse("").unwrap().is_empty());
        for broken in [
            " ",
            ",",
            "sha256/",
            "sha256",
            &hash,
            &format!("sha1/{hash}"),
            &format!("SHA256/{hash}"),
            &format!("sha256//{hash}"),
            &one[..one.len() - 1],
            &format!("{one}="),
            &format!("{one};{one}"),
            &format!("{one} nonsense"),
            &format!("sha256/{}", BASE64.encode(&[7; 31])),
        ] {
            assert_eq!(PinnedKeys::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn the_hash_is_sha_256() {
        let hash = sha256(b"abc").unwrap();
        assert_eq!(hash[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
