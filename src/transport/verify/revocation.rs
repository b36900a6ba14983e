//! Certificate revocation lists that an application gave.
//!
//! Owns what they say about the certificates of a path. A list stands for the certificates whose
//! issuer it names; its signature is checked wherever the path holds the issuer's key. What was
//! revoked stays revoked, also by a list that has expired. The server's own certificate has to be
//! covered by a list (RevocationInformationMissing else); authorities may be left out. A list
//! that has expired, is not valid yet or is not signed by its issuer is a RevocationFailure where
//! no better one covers the same certificate. Refuses to fetch anything.

use std::hash::{Hash, Hasher};

use rustls::crypto::WebPkiSupportedAlgorithms;
use webpki::{CertRevocationList, OwnedCertRevocationList};

use crate::transport::tls::{CertificateFault, CertificateFaults};

use super::certificate::{Certificate, Signed};
use super::der::{self, Reader};
use super::path::{End, Path};

/// Parsed once, compared by their bytes.
#[derive(Debug, Default)]
pub struct RevocationLists(Vec<RevocationList>);

#[derive(Debug)]
struct RevocationList {
    der: Vec<u8>,
    parsed: CertRevocationList<'static>,
    /// Seconds since 1970.
    this_update: u64,
    next_update: u64,
}

impl RevocationLists {
    /// `None`: one of them is none, or of a kind that is not understood (delta, indirect, without
    /// a next update).
    pub(in crate::transport) fn parse(lists: Vec<Vec<u8>>) -> Option<Self> {
        let parsed = lists.into_iter().map(|der| {
            let parsed = OwnedCertRevocationList::from_der(&der).ok()?;
            let (this_update, next_update) = updates(&der)?;
            Some(RevocationList { der, parsed: parsed.into(), this_update, next_update })
        });
        parsed.collect::<Option<Vec<_>>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they say of each certificate of `path`.
    pub(super) fn judge(
        &self,
        path: &Path<'_>,
        now: u64,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> CertificateFaults {
        let mut faults = CertificateFaults::default();
        if self.is_empty() {
            return faults;
        }
        let keys = path.certificates.iter().skip(1).map(|issuer| Some(issuer.key));
        let last_key = match &path.end {
            End::Anchor(anchor) => Some(anchor.subject_public_key_info.as_ref()),
            End::SelfSigned => path.certificates.last().map(|last| last.key),
            End::Itself | End::Open | End::Exhausted | End::BadSignature => None,
        };
        for (at, (certificate, key)) in
            path.certificates.iter().zip(keys.chain([last_key])).enumerate()
        {
            let status = self.status(certificate, key, now, algorithms);
            // A root answers for itself: only whoever signed a certificate revokes it.
            let is_root = certificate.is_self_issued() || matches!(path.end, End::Itself);
            match status {
                Some(CertificateFault::RevocationUnknown) if at > 0 || is_root => {}
                status => faults.extend(status),
            }
        }
        faults
    }

    fn status(
        &self,
        certificate: &Certificate<'_>,
        key: Option<&[u8]>,
        now: u64,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Option<CertificateFault> {
        let mut status = Some(CertificateFault::RevocationUnknown);
        for list in self.0.iter().filter(|list| list.parsed.issuer() == certificate.issuer) {
            let is_genuine = key.is_none_or(|key| list.is_by(key, algorithms));
            if is_genuine && !matches!(list.parsed.find_serial(certificate.serial), Ok(None)) {
                return Some(CertificateFault::Revoked);
            }
            let is_timely = list.this_update <= now && now < list.next_update;
            if is_genuine && is_timely {
                status = None;
            } else if status.is_some() {
                status = Some(CertificateFault::RevocationFailure);
            }
        }
        status
    }

    /// When a list begins or ceases to hold, behind `now`.
    pub(super) fn next_change(&self, now: u64) -> Option<u64> {
        let times = self.0.iter().flat_map(|list| [list.this_update, list.next_update]);
        times.filter(|time| *time > now).min()
    }
}

impl RevocationList {
    fn is_by(&self, key: &[u8], algorithms: &WebPkiSupportedAlgorithms) -> bool {
        Signed::parse(&self.der).is_some_and(|signed| signed.is_by(key, algorithms))
    }
}

fn updates(der: &[u8]) -> Option<(u64, u64)> {
    let signed = Signed::parse(der)?;
    let mut fields = Reader::new(signed.data.content);
    fields.optional(der::INTEGER); // the version
    fields.required(der::SEQUENCE)?; // the algorithm
    fields.required(der::SEQUENCE)?; // the issuer
    Some((fields.time()?, fields.time()?))
}

impl PartialEq for RevocationLists {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(|list| &list.der).eq(other.0.iter().map(|list| &list.der))
    }
}

impl Eq for RevocationLists {}

impl Hash for RevocationLists {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The signature at the end tells lists apart as well as all of their bytes.
        for list in &self.0 {
            let tail = list.der.len().saturating_sub(64);
            list.der.get(tail..).unwrap_or_default().hash(state);
        }
    }
}
