//! A certificate as far as a judgement of ours needs it.
//!
//! Owns which fields of RFC 5280 are looked at. What webpki judges better (name constraints,
//! critical extensions) is only noticed here. Refuses to trust anything: a field is what the
//! certificate says of itself.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{IpAddr, ServerName, SubjectPublicKeyInfoDer};
use webpki::RawPublicKeyEntity;

use super::der::{self, Reader};

/// Borrows from the DER it was read from.
#[derive(Clone, Debug)]
pub(super) struct Certificate<'d> {
    pub(super) der: &'d [u8],
    pub(super) signed: Signed<'d>,
    pub(super) serial: &'d [u8],
    pub(super) issuer: &'d [u8],
    pub(super) subject: &'d [u8],
    /// The content of SubjectPublicKeyInfo.
    pub(super) key: &'d [u8],
    /// Seconds since 1970, both inclusive.
    pub(super) not_before: u64,
    pub(super) not_after: u64,
    /// It may sign certificates, with so many authorities below it.
    pub(super) authority: Option<Authority>,
    pub(super) constrains_names: bool,
    usages: Option<Vec<&'d [u8]>>,
    alternative_names: Vec<der::Element<'d>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) path_length: Option<usize>,
}

/// What certificates and revocation lists have in common: something is signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'d> {
    pub(super) data: der::Element<'d>,
    algorithm: &'d [u8],
    signature: &'d [u8],
}

impl<'d> Signed<'d> {
    pub(super) fn parse(whole: &'d [u8]) -> Option<Self> {
        let mut outer = Reader::new(whole);
        let mut parts = Reader::new(outer.required(der::SEQUENCE)?.content);
        if outer.element().is_some() {
            return None;
        }
        let data = parts.required(der::SEQUENCE)?;
        let algorithm = parts.required(der::SEQUENCE)?.content;
        // The first byte tells how many bits at the end are unused: none.
        let signature = parts.required(der::BIT_STRING)?.content.strip_prefix(&[0])?;
        Some(Self { data, algorithm, signature })
    }

    /// Whether the owner of `key` has signed it, with an algorithm that is still accepted.
    pub(super) fn is_by(&self, key: &[u8], algorithms: &WebPkiSupportedAlgorithms) -> bool {
        let key = key_info(key);
        let Ok(key) = RawPublicKeyEntity::try_from(&key) else { return false };
        let fitting = |id: &[u8]| id == self.algorithm;
        let known = algorithms.all.iter().filter(|known| fitting(&known.signature_alg_id()));
        let mut known = known.copied();
        known.any(|known| key.verify_signature(known, self.data.whole, self.signature).is_ok())
    }
}

/// SubjectPublicKeyInfo whole, made of its content.
pub(super) fn key_info(content: &[u8]) -> SubjectPublicKeyInfoDer<'static> {
    SubjectPublicKeyInfoDer::from(der::wrapped(der::SEQUENCE, content))
}

// RFC 5280 §4.2.1: the extensions are 2.5.29.n.
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
/// RFC 5280 §4.2.1.12: 1.3.6.1.5.5.7.3.1.
const SERVER_AUTHENTICATION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];

const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

impl<'d> Certificate<'d> {
    pub(super) fn parse(der: &'d [u8]) -> Option<Self> {
        let signed = Signed::parse(der)?;
        let mut fields = Reader::new(signed.data.content);
        fields.optional(0xa0); // the version
        let serial = fields.required(der::INTEGER)?.content;
        fields.required(der::SEQUENCE)?; // the algorithm once more
        let issuer = fields.required(der::SEQUENCE)?.content;
        let mut validity = Reader::new(fields.required(der::SEQUENCE)?.content);
        let subject = fields.required(der::SEQUENCE)?.content;
        let key = fields.required(der::SEQUENCE)?.content;
        let mut certificate = Self {
            der,
            signed,
            serial,
            issuer,
            subject,
            key,
            not_before: validity.time()?,
            not_after: validity.time()?,
            authority: None,
            constrains_names: false,
            usages: None,
            alternative_names: Vec::new(),
        };
        if let Some(extensions) = fields.find(|field| field.tag == 0xa3) {
            let extensions = Reader::new(extensions.content).required(der::SEQUENCE)?;
            for extension in Reader::new(extensions.content) {
                certificate.extend(Reader::new(extension.content))?;
            }
        }
        Some(certificate)
    }

    fn extend(&mut self, mut extension: Reader<'d>) -> Option<()> {
        let id = extension.required(der::OBJECT_IDENTIFIER)?.content;
        extension.optional(der::BOOLEAN);
        let mut value = Reader::new(extension.required(der::OCTET_STRING)?.content);
        match id {
            BASIC_CONSTRAINTS => {
                let mut value = Reader::new(value.required(der::SEQUENCE)?.content);
                let is_authority = value.optional(der::BOOLEAN).is_some_and(|is| is.content != [0]);
                let path_length = value.optional(der::INTEGER).map(|number| {
                    let digits = number.content.iter();
                    digits.fold(0, |length: usize, byte| {
                        length.saturating_mul(256).saturating_add(usize::from(*byte))
                    })
                });
                self.authority = is_authority.then_some(Authority { path_length });
            }
            EXTENDED_KEY_USAGE => {
                let usages = Reader::new(value.required(der::SEQUENCE)?.content);
                self.usages = Some(usages.map(|usage| usage.content).collect());
            }
            SUBJECT_ALTERNATIVE_NAME => {
                let names = Reader::new(value.required(der::SEQUENCE)?.content);
                self.alternative_names = names.collect();
            }
            NAME_CONSTRAINTS => self.constrains_names = true,
            _ => {}
        }
        Some(())
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Usages may be unrestricted; where they are listed, this one has to be among them.
    pub(super) fn may_serve(&self) -> bool {
        let usages = self.usages.as_ref();
        usages.is_none_or(|usages| usages.contains(&SERVER_AUTHENTICATION))
    }

    /// A name that it is for, so that nothing but the name is judged.
    pub(super) fn some_name(&self) -> Option<ServerName<'static>> {
        let names = self.alternative_names.iter().filter(|name| name.tag == DNS_NAME);
        let texts = names.filter_map(|name| std::str::from_utf8(name.content).ok());
        let mut names = texts
            .map(|text| text.replace('*', "a"))
            .filter_map(|text| ServerName::try_from(text).ok());
        names.next()
    }

    /// Whether it is for `name`. For certificates that webpki does not read: all others it judges.
    pub(super) fn is_for(&self, name: &ServerName<'_>) -> bool {
        let mut names = self.alternative_names.iter();
        match name {
            ServerName::DnsName(name) => names.any(|presented| {
                presented.tag == DNS_NAME
                    && matches(presented.content, name.as_ref().trim_end_matches('.'))
            }),
            ServerName::IpAddress(address) => names.any(|presented| {
                presented.tag == IP_ADDRESS
                    && match address {
                        IpAddr::V4(address) => presented.content == address.as_ref(),
                        IpAddr::V6(address) => presented.content == address.as_ref(),
                    }
            }),
            _ => false,
        }
    }
}

/// RFC 6125 §6.4.3: a wildcard is the whole first label and stands for exactly one.
fn matches(presented: &[u8], name: &str) -> bool {
    match presented.strip_prefix(b"*.") {
        Some(parent) => name.split_once('.').is_some_and(|(label, rest)| {
            !label.is_empty()
                && parent.contains(&b'.')
                && parent.eq_ignore_ascii_case(rest.as_bytes())
        }),
        None => presented.eq_ignore_ascii_case(name.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Authority as Issuer, Identity};
    use super::*;
    use crate::transport::trust::provider;

    #[test]
    fn fields_are_what_the_certificate_says() {
        let root = Issuer::new("root");
        let algorithms = provider().signature_verification_algorithms;
        let authority = Certificate::parse(&root.certificate).unwrap();
        assert!(authority.is_self_issued() && authority.authority.is_some());
        assert!(authority.signed.is_by(authority.key, &algorithms));

        let identity = root.issue(|params| {
            params.not_before = rcgen::date_time_ymd(2001, 2, 3);
            params.not_after = rcgen::date_time_ymd(2061, 1, 1);
        });
        let leaf = Certificate::parse(&identity.chain[0]).unwrap();
        assert_eq!((leaf.not_before, leaf.not_after), (981_158_400, 2_871_763_200));
        assert_eq!((leaf.issuer, leaf.authority), (authority.subject, None));
        assert!(leaf.signed.is_by(authority.key, &algorithms));
        assert!(!leaf.signed.is_by(leaf.key, &algorithms));
        assert!(leaf.may_serve() && !leaf.constrains_names);
    }

    #[test]
    fn cut_off_anywhere_it_is_none() {
        let identity = Identity::self_signed(|_| {});
        let der = &identity.chain[0];
        assert!(Certificate::parse(der).is_some());
        for len in 0..der.len() {
            assert!(Certificate::parse(&der[..len]).is_none(), "{len}");
        }
    }

    #[test]
    fn names_match_as_rfc_6125_has_it() {
        let identity = Identity::self_signed(|params| {
            params.subject_alt_names = ["Here.test", "*.wild.test", "*.test"]
                .map(|name| rcgen::SanType::DnsName(name.try_into().unwrap()))
                .into_iter()
                .chain([rcgen::SanType::IpAddress([127, 0, 0, 1].into())])
                .collect();
        });
        let leaf = Certificate::parse(&identity.chain[0]).unwrap();
        let is_for = |name: &str| leaf.is_for(&ServerName::try_from(name.to_owned()).unwrap());
        for good in ["here.test", "HERE.test", "a.wild.test", "127.0.0.1"] {
            assert!(is_for(good), "{good}");
        }
        for bad in ["wild.test", "a.b.wild.test", "other.test", "127.0.0.2", "::1", "test"] {
            assert!(!is_for(bad), "{bad}");
        }
    }
}
