//! The verification of all connections on one route to one origin, and the sessions they share.
//!
//! Owns what was last judged there: a session is handed out only while the verdict on the chain it
//! began with holds; once a certificate or a revocation list on the way has changed its state the
//! chain is judged anew, and what is refused is not resumed. A whole handshake with the same chain
//! spares the same work: it proves anew that the server has the key, which is not what is kept.
//! Refuses to know how chains are judged.

use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{CertificateError, DigitallySignedStruct, NamedGroup, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::base::lock::lock;
use crate::transport::tls::{CertificateFaults, TlsFault, note_verdict};

use super::{ServerVerification, Verdict};

#[derive(Debug)]
pub(in crate::transport) struct RouteVerification {
    shared: Arc<ServerVerification>,
    /// One server name needs one place.
    sessions: ClientSessionMemoryCache,
    /// The chain that was accepted last.
    accepted: Mutex<Option<Accepted>>,
}

#[derive(Debug)]
struct Accepted {
    chain: Arc<[CertificateDer<'static>]>,
    name: ServerName<'static>,
    faults: CertificateFaults,
    /// Seconds since 1970; the verdict is not older and not younger.
    holds_from: u64,
    holds_until: u64,
}

/// Makes one place of the cache: it rounds up to a server and its tickets.
const TICKETS: usize = 8;

impl RouteVerification {
    pub(in crate::transport) fn new(shared: Arc<ServerVerification>) -> Self {
        let sessions = ClientSessionMemoryCache::new(TICKETS);
        Self { shared, sessions, accepted: Mutex::default() }
    }

    pub(in crate::transport) fn shared(&self) -> &Arc<ServerVerification> {
        &self.shared
    }

    /// A copy of the chain that a connection has, the same one for all that have the same.
    pub(in crate::transport) fn keep(
        &self,
        chain: &[CertificateDer<'static>],
    ) -> Arc<[CertificateDer<'static>]> {
        match lock(&self.accepted).as_ref() {
            Some(accepted) if *accepted.chain == *chain => Arc::clone(&accepted.chain),
            _ => chain.into(),
        }
    }

    /// Judges the chain of a session that was resumed. An error: it may not go on.
    pub(in crate::transport) fn judge_resumed(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
    ) -> Result<CertificateFaults, TlsFault> {
        let Some((end_entity, intermediates)) = chain.split_first() else {
            return Err(TlsFault::Internal);
        };
        let now = now();
        if let Some(faults) = self.known(end_entity, intermediates, name, now) {
            return Ok(faults);
        }
        let verdict = self.judge(end_entity, intermediates, name, &[], now);
        match verdict.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(verdict.faults),
        }
    }

    /// What is overlooked of a chain that was accepted last, while that verdict holds.
    fn known(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<CertificateFaults> {
        let accepted = lock(&self.accepted);
        let accepted = accepted.as_ref()?;
        let (first, rest) = accepted.chain.split_first()?;
        let is_same = *first == *end_entity && *rest == *intermediates && accepted.name == *name;
        (is_same && accepted.holds(now)).then_some(accepted.faults)
    }

    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Verdict {
        let verdict = self.shared.verdict(end_entity, intermediates, name, ocsp_response, now);
        let chain = std::iter::once(end_entity).chain(intermediates);
        *lock(&self.accepted) = verdict.refusal.is_none().then(|| Accepted {
            chain: chain.map(|certificate| certificate.clone().into_owned()).collect(),
            name: name.to_owned(),
            faults: verdict.faults,
            holds_from: now.as_secs(),
            holds_until: verdict.holds_until,
        });
        verdict
    }

    /// Whether a session that began with the last chain would still be accepted.
    fn may_resume(&self) -> bool {
        let now = now();
        let stale = {
            let accepted = lock(&self.accepted);
            let Some(accepted) = accepted.as_ref() else { return false };
            if accepted.holds(now) {
                return true;
            }
            (Arc::clone(&accepted.chain), accepted.name.clone())
        };
        self.judge_resumed(&stale.0, &stale.1).is_ok()
    }
}

impl Accepted {
    fn holds(&self, now: UnixTime) -> bool {
        self.holds_from <= now.as_secs() && now.as_secs() < self.holds_until
    }
}

fn now() -> UnixTime {
    DefaultTimeProvider.current_time().unwrap_or(UnixTime::since_unix_epoch(Default::default()))
}

impl ServerCertVerifier for RouteVerification {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // Nothing that webpki is asked with has changed since. A platform may have learned more.
        if !self.shared.asks_platform()
            && let Some(faults) = self.known(end_entity, intermediates, server_name, now)
        {
            note_verdict(end_entity, intermediates, faults, None);
            return Ok(ServerCertVerified::assertion());
        }
        let verdict = self.judge(end_entity, intermediates, server_name, ocsp_response, now);
        let told = match &verdict.refusal {
            None => Ok(ServerCertVerified::assertion()),
            Some(TlsFault::Certificate(refusal)) => Err(refusal.gravest.to_rustls().into()),
            Some(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
        };
        note_verdict(end_entity, intermediates, verdict.faults, verdict.refusal);
        told
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.shared.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.shared.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.shared.supported_verify_schemes()
    }
}

impl ClientSessionStore for RouteVerification {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.sessions.set_kx_hint(name, group);
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.sessions.kx_hint(name)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.sessions.set_tls12_session(name, value);
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.sessions.tls12_session(name).filter(|_| self.may_resume())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.sessions.remove_tls12_session(name);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.sessions.insert_tls13_ticket(name, value);
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.sessions.take_tls13_ticket(name).filter(|_| self.may_resume())
    }
}
