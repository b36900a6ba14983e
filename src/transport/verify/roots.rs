//! The system's own trust: its root certificates where they are files, its judgement elsewhere.
//!
//! Owns where roots come from. On Linux and the BSDs: the file and the directories that
//! SSL_CERT_FILE and SSL_CERT_DIR name, else those the system is known to have, else (a container
//! without `ca-certificates`) the roots bundled with the library. Reading them takes some
//! milliseconds, so it is done rarely, by whoever connects. Everywhere else the platform is asked
//! about each chain and keeps its store itself.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::danger::ServerCertVerifier;

use crate::transport::tls::{SetupFault, TlsFault};

#[derive(Clone, Debug)]
pub(in crate::transport) enum SystemRoots {
    Anchors(Arc<RootCertStore>),
    #[cfg_attr(
        not(any(test, windows, target_vendor = "apple", target_os = "android")),
        expect(dead_code)
    )]
    Platform(Arc<dyn ServerCertVerifier>),
}

impl SystemRoots {
    #[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
    pub(in crate::transport) fn load() -> Result<Self, TlsFault> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            // Who names a store of his own does not want another one instead.
            if ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some())
            {
                return Err(TlsFault::Setup(SetupFault::SystemStore));
            }
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Ok(Self::Anchors(Arc::new(roots)))
    }

    #[cfg(any(windows, target_vendor = "apple", target_os = "android"))]
    pub(in crate::transport) fn load() -> Result<Self, TlsFault> {
        match rustls_platform_verifier::Verifier::new(crate::transport::trust::provider()) {
            Ok(verifier) => Ok(Self::Platform(Arc::new(verifier))),
            Err(_) => Err(TlsFault::Setup(SetupFault::SystemStore)),
        }
    }

    /// Whether what was loaded may change behind our back.
    pub(in crate::transport) fn is_copy(&self) -> bool {
        matches!(self, Self::Anchors(_))
    }

    /// Whether both lead to the same judgements.
    pub(in crate::transport) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anchors(one), Self::Anchors(other)) => {
                Arc::ptr_eq(one, other) || one.roots == other.roots
            }
            (Self::Platform(one), Self::Platform(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}
