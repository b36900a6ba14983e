//! The judgement itself: everything that is wrong with a chain, not only the first thing.
//!
//! Owns the order: webpki over the trusted roots decides whether a chain is good. When it is not,
//! each property is looked at by itself: the way to a root, times, name, usage, constraints,
//! revocation. A chain that webpki refuses has at least one fault, so that what is overlooked is
//! always named. Refuses to know which faults are overlooked.

use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage};

use crate::transport::tls::{CertificateFault, CertificateFaults};

use super::ServerVerification;
use super::certificate::Certificate;
use super::path::{End, Path, Search};

/// What there is to say about a chain.
#[derive(Clone, Debug)]
pub(super) struct Judgement {
    pub(super) faults: CertificateFaults,
    /// One of the pinned keys is in the path, or none is pinned.
    pub(super) is_pinned: bool,
    /// Until then the same chain is judged the same; seconds since 1970.
    pub(super) holds_until: u64,
}

impl Judgement {
    fn unreadable() -> Self {
        let faults = CertificateFault::BadEncoding.into();
        Self { faults, is_pinned: false, holds_until: 0 }
    }
}

/// The platform's answer to a name and a time, where there is a platform to ask.
type AskPlatform<'a> =
    &'a dyn Fn(&ServerName<'_>, UnixTime) -> Option<Result<(), CertificateFault>>;

impl ServerVerification {
    pub(super) fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Judgement {
        let Some(leaf) = Certificate::parse(end_entity) else { return Judgement::unreadable() };
        let others: Vec<_> =
            intermediates.iter().filter_map(|other| Certificate::parse(other)).collect();
        let ask_platform = |name: &ServerName<'_>, now: UnixTime| {
            self.ask_platform(end_entity, intermediates, name, ocsp_response, now)
        };

        let (path, mut faults) = match self.good_path(&leaf, &others, intermediates, now) {
            Some(path) => (path, CertificateFaults::default()),
            None => {
                let path = self.path(&leaf, &others, now);
                let verdict = match path.end {
                    End::Anchor(_) | End::Itself => None,
                    _ => ask_platform(name, now),
                };
                let faults = match verdict {
                    Some(Ok(())) => CertificateFaults::default(),
                    verdict => {
                        let refusal = verdict.and_then(Result::err);
                        self.faults_of(&path, name, now, refusal, &ask_platform)
                    }
                };
                (path, faults)
            }
        };
        // Also where a platform has judged it: some fall back to the common name, which
        // RFC 9525 §6.3 no longer allows.
        if !is_for(&leaf, name) {
            faults.insert(CertificateFault::WrongName);
        }
        let seconds = now.as_secs();
        faults.extend(self.rules.revocation_lists.judge(&path, seconds, &self.algorithms).iter());
        Judgement {
            faults,
            is_pinned: self.rules.pins.admit(&path),
            holds_until: self.next_change(&path, seconds),
        }
    }

    /// The path that webpki accepts as it is, but for the name.
    fn good_path<'a>(
        &'a self,
        leaf: &'a Certificate<'a>,
        others: &'a [Certificate<'a>],
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Option<Path<'a>> {
        let der = CertificateDer::from(leaf.der);
        let end_entity = EndEntityCert::try_from(&der).ok()?;
        for anchors in self.anchors() {
            let verified = end_entity.verify_for_usage(
                self.algorithms.all,
                anchors,
                intermediates,
                now,
                KeyUsage::server_auth(),
                None,
                None,
            );
            let Ok(verified) = verified else { continue };
            let passed = verified.intermediate_certificates().map(|passed| passed.der());
            let passed =
                passed.filter_map(|passed| others.iter().find(|other| other.der == &*passed));
            let anchor = anchors.iter().find(|anchor| *anchor == verified.anchor())?;
            let certificates = std::iter::once(leaf).chain(passed).collect();
            return Some(Path { certificates, end: End::Anchor(anchor) });
        }
        None
    }

    fn path<'a>(
        &'a self,
        leaf: &'a Certificate<'a>,
        others: &'a [Certificate<'a>],
        now: UnixTime,
    ) -> Path<'a> {
        let search = Search {
            anchors: self.anchors().collect(),
            others,
            algorithms: &self.algorithms,
            now: now.as_secs(),
        };
        let mut path = search.path_from(leaf);
        if self.trusts_itself(leaf.der) {
            path = Path { certificates: vec![leaf], end: End::Itself };
        }
        path
    }

    /// All that is wrong with a path that webpki does not accept, but for name and revocation.
    fn faults_of(
        &self,
        path: &Path<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
        refusal: Option<CertificateFault>,
        ask_platform: AskPlatform<'_>,
    ) -> CertificateFaults {
        let mut faults = CertificateFaults::default();
        let Some(&leaf) = path.certificates.first() else { return faults };
        match path.end {
            End::Anchor(_) | End::Itself => {}
            End::SelfSigned => faults.insert(CertificateFault::UntrustedRoot),
            End::Open => faults.insert(CertificateFault::UnknownIssuer),
            End::Exhausted => {
                faults.extend([CertificateFault::UnknownIssuer, CertificateFault::Other]);
            }
            End::BadSignature => faults.insert(CertificateFault::BadSignature),
        }
        for certificate in &path.certificates {
            if now.as_secs() > certificate.not_after {
                faults.insert(CertificateFault::Expired);
            }
            if now.as_secs() < certificate.not_before {
                faults.insert(CertificateFault::NotYetValid);
            }
            if !certificate.may_serve() {
                faults.insert(CertificateFault::WrongUsage);
            }
            if let Err(error) = EndEntityCert::try_from(&CertificateDer::from(certificate.der)) {
                faults.insert((&error).into());
            }
        }
        faults.extend(misplaced(path));
        let timely = timely(path, now);
        let constraints = self.constraints(path, timely);
        if let Err(fault) = constraints {
            faults.insert(fault);
        }
        // Only a whole run of webpki looks at these.
        let is_thorough =
            timely.is_some() && matches!(constraints, Ok(()) | Err(CertificateFault::WrongName));
        let constrains_names = match path.end {
            End::Anchor(anchor) => anchor.name_constraints.is_some(),
            _ => false,
        };
        if !is_thorough
            && (constrains_names || path.certificates.iter().any(|one| one.constrains_names))
        {
            faults.insert(CertificateFault::Other);
        }
        match refusal {
            None => {
                if faults.is_empty() && !matches!(path.end, End::Itself) {
                    faults.insert(CertificateFault::Other);
                }
            }
            // The platform knows more roots. Where only name or time were in its way, it finds one.
            Some(refusal) => {
                let some_name = leaf.some_name();
                let fitting = some_name.as_ref().unwrap_or(name);
                match ask_platform(fitting, timely.unwrap_or(now)) {
                    Some(Err(CertificateFault::UnknownIssuer)) => {}
                    answer => {
                        faults.remove(CertificateFault::UntrustedRoot);
                        faults.remove(CertificateFault::UnknownIssuer);
                        faults.extend(answer.and_then(Result::err));
                    }
                }
                let is_named = faults.is_empty() || refusal != CertificateFault::Other;
                if is_named && refusal != CertificateFault::UnknownIssuer {
                    faults.insert(refusal);
                }
            }
        }
        faults
    }

    /// What webpki says of a path when trust, time and usage are left aside.
    fn constraints(
        &self,
        path: &Path<'_>,
        timely: Option<UnixTime>,
    ) -> Result<(), CertificateFault> {
        let (Some(now), Some(leaf), Some(last)) =
            (timely, path.certificates.first(), path.certificates.last())
        else {
            return Ok(());
        };
        let (leaf_der, last_der) = (CertificateDer::from(leaf.der), CertificateDer::from(last.der));
        let top;
        let anchor: &TrustAnchor<'_> = match path.end {
            End::BadSignature => return Ok(()),
            End::Anchor(anchor) => anchor,
            _ => {
                top = webpki::anchor_from_trusted_cert(&last_der)
                    .map_err(|error| CertificateFault::from(&error))?;
                &top
            }
        };
        let between: Vec<CertificateDer<'_>> =
            path.certificates.iter().skip(1).map(|one| CertificateDer::from(one.der)).collect();
        let end_entity =
            EndEntityCert::try_from(&leaf_der).map_err(|error| CertificateFault::from(&error))?;
        let verdict = end_entity.verify_for_usage(
            self.algorithms.all,
            std::slice::from_ref(anchor),
            &between,
            now,
            AnyUsage,
            None,
            None,
        );
        let is_anchored = matches!(path.end, End::Anchor(_));
        match verdict {
            Ok(_) => Ok(()),
            // The path has its end for that already.
            Err(webpki::Error::UnknownIssuer) if !is_anchored => Ok(()),
            Err(webpki::Error::CaUsedAsEndEntity) if answers_for_itself(path) => Ok(()),
            Err(error) => Err((&error).into()),
        }
    }

    fn next_change(&self, path: &Path<'_>, now: u64) -> u64 {
        let times = path.certificates.iter().flat_map(|certificate| {
            [certificate.not_before, certificate.not_after.saturating_add(1)]
        });
        let lists = self.rules.revocation_lists.next_change(now);
        times.filter(|time| *time > now).chain(lists).min().unwrap_or(u64::MAX)
    }
}

/// RFC 5280 §4.2.1.9: who may sign whom.
fn misplaced(path: &Path<'_>) -> Option<CertificateFault> {
    let mut certificates = path.certificates.iter().enumerate();
    let is_misplaced = certificates.any(|(at, certificate)| match (at, certificate.authority) {
        (0, None) => false,
        (0, Some(_)) => !answers_for_itself(path),
        (_, None) => true,
        (_, Some(authority)) => authority.path_length.is_some_and(|length| at - 1 > length),
    });
    is_misplaced.then_some(CertificateFault::BasicConstraints)
}

/// A server's certificate that has signed itself calls itself an authority more often than not,
/// as what `openssl req -x509` makes does.
fn answers_for_itself(path: &Path<'_>) -> bool {
    path.certificates.len() == 1
        && (matches!(path.end, End::Itself | End::SelfSigned)
            || path.certificates.first().is_some_and(|leaf| leaf.is_self_issued()))
}

/// The moment nearest to `now` when the whole path is within its times.
fn timely(path: &Path<'_>, now: UnixTime) -> Option<UnixTime> {
    let from = path.certificates.iter().map(|certificate| certificate.not_before).max()?;
    let until = path.certificates.iter().map(|certificate| certificate.not_after).min()?;
    let seconds = (from <= until).then(|| now.as_secs().clamp(from, until))?;
    Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
}

fn is_for(leaf: &Certificate<'_>, name: &ServerName<'_>) -> bool {
    let der = CertificateDer::from(leaf.der);
    match EndEntityCert::try_from(&der) {
        Ok(certificate) => certificate.verify_is_valid_for_subject_name(name).is_ok(),
        Err(_) => leaf.is_for(name),
    }
}

/// The usage is looked at elsewhere.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}
