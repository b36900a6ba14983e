//! The way from a server's certificate up to a root, by names and signatures alone.
//!
//! Owns the search among what the server sent and what is trusted: bounded in depth and in
//! signatures, so that no chain costs more than some milliseconds. Times only choose between ways
//! that lead equally far. Refuses to judge: usages, times, names and revocations come afterwards.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::TrustAnchor;

use super::certificate::Certificate;

/// As webpki: a certificate, an authority and six below it.
const MAX_CERTIFICATES: usize = 8;
const MAX_SIGNATURES: u32 = 64;
/// Steps of the search; certificates of one name and key can be tried in many orders.
const MAX_STEPS: u32 = 1_000;

/// Certificates from the server's own upwards; each is signed by the next.
#[derive(Clone, Debug)]
pub(super) struct Path<'a> {
    pub(super) certificates: Vec<&'a Certificate<'a>>,
    pub(super) end: End<'a>,
}

/// What the last certificate of a path hangs on. The better, the earlier.
#[derive(Clone, Copy, Debug)]
pub(super) enum End<'a> {
    /// This root has signed it.
    Anchor(&'a TrustAnchor<'a>),
    /// It is the server's own and itself trusted.
    Itself,
    /// It has signed itself, and nobody trusts it.
    SelfSigned,
    /// Its issuer is not known.
    Open,
    /// There would be more, but the search has an end.
    Exhausted,
    /// Its issuer is known, but has not signed it.
    BadSignature,
}

impl End<'_> {
    fn rank(&self) -> u8 {
        match self {
            End::Anchor(_) => 0,
            End::Itself => 1,
            End::SelfSigned => 2,
            End::Open => 3,
            End::Exhausted => 4,
            End::BadSignature => 5,
        }
    }
}

/// Where a path may lead, and over what.
pub(super) struct Search<'a> {
    pub(super) anchors: Vec<&'a [TrustAnchor<'static>]>,
    pub(super) others: &'a [Certificate<'a>],
    pub(super) algorithms: &'a WebPkiSupportedAlgorithms,
    /// Seconds since 1970.
    pub(super) now: u64,
}

impl<'a> Search<'a> {
    pub(super) fn path_from(&self, leaf: &'a Certificate<'a>) -> Path<'a> {
        let mut walk = Walk { search: self, signatures: 0, steps: 0, best: None };
        walk.extend(&mut vec![leaf]);
        let nothing = Path { certificates: vec![leaf], end: End::Exhausted };
        walk.best.map_or(nothing, |(_, path)| path)
    }
}

struct Walk<'s, 'a> {
    search: &'s Search<'a>,
    signatures: u32,
    steps: u32,
    /// With its rank: the end, and how many certificates are out of their time.
    best: Option<((u8, usize), Path<'a>)>,
}

impl<'a> Walk<'_, 'a> {
    fn extend(&mut self, path: &mut Vec<&'a Certificate<'a>>) {
        let Some(&last) = path.last() else { return };
        self.steps += 1;
        let (mut is_known, mut is_signed, mut is_cut) = (false, false, false);
        let anchors = self.search.anchors.iter().flat_map(|anchors| anchors.iter());
        for anchor in anchors.filter(|anchor| anchor.subject.as_ref() == last.issuer) {
            is_known = true;
            if self.verifies(last, &anchor.subject_public_key_info) {
                return self.reached(path, End::Anchor(anchor));
            }
        }
        for other in self.search.others.iter().filter(|other| other.subject == last.issuer) {
            if path.iter().any(|passed| passed.key == other.key && passed.subject == other.subject)
            {
                continue;
            }
            is_known = true;
            if path.len() >= MAX_CERTIFICATES || self.steps >= MAX_STEPS {
                is_cut = true;
                break;
            }
            if self.verifies(last, other.key) {
                is_signed = true;
                path.push(other);
                self.extend(path);
                path.pop();
            }
        }
        if last.is_self_issued() {
            is_known = true;
            if self.verifies(last, last.key) {
                return self.reached(path, End::SelfSigned);
            }
        }
        if is_cut || self.signatures >= MAX_SIGNATURES {
            self.reached(path, End::Exhausted);
        } else if !is_known {
            self.reached(path, End::Open);
        } else if !is_signed {
            self.reached(path, End::BadSignature);
        }
    }

    fn verifies(&mut self, certificate: &Certificate<'_>, key: &[u8]) -> bool {
        if self.signatures >= MAX_SIGNATURES {
            return false;
        }
        self.signatures += 1;
        certificate.signed.is_by(key, self.search.algorithms)
    }

    fn reached(&mut self, path: &[&'a Certificate<'a>], end: End<'a>) {
        let now = self.search.now;
        let is_timely = |one: &&&Certificate<'_>| one.not_before <= now && now <= one.not_after;
        let rank = (end.rank(), path.len() - path.iter().filter(is_timely).count());
        if self.best.as_ref().is_none_or(|(best, _)| rank < *best) {
            self.best = Some((rank, Path { certificates: path.to_vec(), end }));
        }
    }
}
