//! What the parts that rustls calls back have to tell the session on whose behalf they run.
//!
//! Owns one note per thread: verifier and key run inside `receive`, and rustls keeps neither a
//! chain that was refused nor what was wrong with one that was accepted. Refuses to outlive the
//! call: the session takes the note as soon as rustls returns.

use std::cell::RefCell;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use super::certificate_fault::CertificateFaults;
use super::fault::TlsFault;

thread_local! {
    static NOTES: RefCell<Notes> = const {
        RefCell::new(Notes { judged: None, request: None })
    };
}

#[derive(Default)]
pub(super) struct Notes {
    pub(super) judged: Option<Judged>,
    pub(super) request: Option<CertificateRequest>,
}

/// The server has asked for a certificate of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) enum CertificateRequest {
    Answered,
    /// There was none, or none that it could use.
    InVain,
}

pub(super) struct Judged {
    pub(super) faults: CertificateFaults,
    pub(super) refusal: Option<TlsFault>,
    /// The chain, when it was refused.
    pub(super) refused: Arc<[CertificateDer<'static>]>,
}

impl Notes {
    pub(super) fn take() -> Notes {
        NOTES.take()
    }
}

/// The verifier has judged this chain.
pub(in crate::transport) fn note_verdict(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    faults: CertificateFaults,
    refusal: Option<TlsFault>,
) {
    let chain = std::iter::once(end_entity).chain(intermediates);
    let refused = match &refusal {
        Some(_) => chain.map(|certificate| certificate.clone().into_owned()).collect(),
        None => Arc::default(),
    };
    let judged = Some(Judged { faults, refusal, refused });
    NOTES.with_borrow_mut(|notes| notes.judged = judged);
}

pub(in crate::transport) fn note_certificate_request(request: CertificateRequest) {
    NOTES.with_borrow_mut(|notes| notes.request = Some(request));
}
