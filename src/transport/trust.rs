//! Whom a TLS connection trusts and what it shows: the configuration made of a socket's controls.
//!
//! Owns the choice of cryptography and the process-wide table of configurations: sockets with the
//! same controls, origin and proxy share one, and with it their sessions, however many they are;
//! whoever differs in any of these shares nothing. The system's roots are read in the call that
//! needs them first, and again when some minutes have passed: configurations made with other roots
//! are not used any more. Refuses to know how a certificate is judged (`verify`) and how bytes are
//! encrypted (`tls`).

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::sign::SigningKey;
use rustls::{CipherSuite, ClientConfig, KeyLogFile};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::identity::{Answer, ClientCertificate};
use super::tls::{CertificateFault, SetupFault, TlsFault, decrypting_in_place, forget_spares};
use super::verify::{RouteVerification, Rules, ServerVerification, SystemRoots};

/// Configurations kept although no socket holds them, so that sessions survive a reconnect.
const RECENT_CONFIGURATIONS: usize = 64;
/// The system's roots are looked at again after this time.
const ROOTS_LIFETIME: Duration = Duration::from_secs(300);

/// Everything a socket's controls say of TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TrustSettings {
    /// Trusted besides the system's store, or instead of it.
    pub trusted: Arc<[CertificateDer<'static>]>,
    pub trust_system_store: bool,
    pub rules: Rules,
    pub client_certificate: Option<ClientCertificate>,
    /// Later connections take up the session of an earlier one.
    pub resumes_sessions: bool,
    /// Secrets are written to the file that SSLKEYLOGFILE names.
    pub logs_keys: bool,
}

impl TrustSettings {
    /// For a proxy on the way: the same roots and revocations, but what overlooks faults, pins
    /// keys or shows a certificate concerns the origin alone.
    pub fn for_proxy(&self) -> Self {
        let rules = Rules {
            // Lists are those of the origin's authority, perhaps.
            ignorable_errors: CertificateFault::RevocationUnknown.validation_mask(),
            pins: Default::default(),
            ..self.rules.clone()
        };
        Self { rules, client_certificate: None, ..self.clone() }
    }

    /// For an origin that a redirect led to.
    pub fn for_other_origin(&self) -> Self {
        Self { client_certificate: None, ..self.clone() }
    }
}

impl Default for TrustSettings {
    fn default() -> Self {
        Self {
            trusted: Arc::new([]),
            trust_system_store: true,
            rules: Rules::default(),
            client_certificate: None,
            resumes_sessions: true,
            logs_keys: false,
        }
    }
}

/// Where a connection leads, and over what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Route {
    pub host: String,
    pub port: u16,
    /// As its URI; empty for none.
    pub proxy: String,
}

/// What all connections with the same settings on the same route have in common.
pub struct Configuration {
    pub(super) client: Arc<ClientConfig>,
    pub(super) verification: Arc<RouteVerification>,
}

impl fmt::Debug for Configuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Configuration").finish_non_exhaustive()
    }
}

/// The configuration for `settings` on `route`: the one already in use where there is one.
pub fn configuration(
    settings: &TrustSettings,
    route: &Route,
) -> Result<Arc<Configuration>, TlsFault> {
    configurations().find_or_build(settings, route, crate::reactor::now())
}

/// The same without taking any time: `None` where something would have to be read, built or waited
/// for first.
pub fn known(settings: &TrustSettings, route: &Route) -> Option<Arc<Configuration>> {
    let mut configurations = match CONFIGURATIONS.try_lock() {
        Ok(configurations) => configurations,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return None,
    };
    configurations.find(settings, route, crate::reactor::now())
}

/// One copy of these certificates for all sockets that trust the same.
pub fn shared(trusted: Vec<CertificateDer<'static>>) -> Arc<[CertificateDer<'static>]> {
    configurations().share(trusted)
}

/// Lets go of every configuration and of the system's roots; for the library's shutdown.
///
/// Sockets that still hold a configuration keep it. The next `configuration` starts afresh and
/// reads the system's store again.
pub fn forget_configurations() {
    *configurations() = Configurations::default();
    forget_spares();
}

/// RFC 8446 §9.1: the suite that every TLS 1.3 has. No less safe than AES-256 with SHA-384, which
/// cost a handshake a tenth more, and every byte a quarter.
const PREFERRED: CipherSuite = CipherSuite::TLS13_AES_128_GCM_SHA256;

/// The cryptography this build was made with. Never the process-wide default: that belongs to the
/// application, which may use rustls on its own.
pub(super) fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    let mut provider = rustls::crypto::ring::default_provider();
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    compile_error!("one of the features `ring` and `aws-lc-rs` must be on");
    // The others stay behind it in their order.
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != PREFERRED);
    Arc::new(decrypting_in_place(provider))
}

/// A private key in the form that this cryptography signs with. It only borrows the key, other
/// than the provider's own loader.
pub(super) fn signing_key(key: &PrivateKeyDer<'_>) -> Option<Arc<dyn SigningKey>> {
    #[cfg(feature = "aws-lc-rs")]
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(key);
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    let key = rustls::crypto::ring::sign::any_supported_type(key);
    key.ok()
}

static CONFIGURATIONS: LazyLock<Mutex<Configurations>> = LazyLock::new(Mutex::default);

fn configurations() -> MutexGuard<'static, Configurations> {
    // Every change of the table is complete in itself, so a panic elsewhere leaves nothing broken.
    CONFIGURATIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Invariants: `recent.len() <= RECENT_CONFIGURATIONS`; all in `recent` are reachable in `known`.
#[derive(Default)]
struct Configurations {
    known: HashMap<(TrustSettings, Route), Weak<Configuration>>,
    /// The same roots and rules are parsed once, whatever the route.
    verifications: HashMap<TrustSettings, Weak<ServerVerification>>,
    /// What sockets were given, as long as one of them has it.
    trusted: Vec<Weak<[CertificateDer<'static>]>>,
    /// Most recently asked for first.
    recent: VecDeque<Arc<Configuration>>,
    system: Option<LoadedRoots>,
}

struct LoadedRoots {
    roots: SystemRoots,
    at: Instant,
}

impl LoadedRoots {
    /// Whether they need not be looked at again.
    fn is_fresh(&self, now: Instant) -> bool {
        !self.roots.is_copy() || now.saturating_duration_since(self.at) < ROOTS_LIFETIME
    }
}

impl Configurations {
    fn find_or_build(
        &mut self,
        settings: &TrustSettings,
        route: &Route,
        now: Instant,
    ) -> Result<Arc<Configuration>, TlsFault> {
        let system = self.system_roots(settings, now)?;
        let key = (settings.clone(), route.clone());
        let known = self.known.get(&key).and_then(Weak::upgrade);
        let configuration =
            match known.filter(|known| is_up_to_date(known.verification.shared(), &system)) {
                Some(configuration) => configuration,
                None => {
                    let configuration = Arc::new(self.build(settings, system)?);
                    self.known.retain(|_, known| known.strong_count() > 0);
                    self.known.insert(key, Arc::downgrade(&configuration));
                    configuration
                }
            };
        self.note_use(&configuration);
        Ok(configuration)
    }

    /// The one that is there and up to date, as far as can be told without looking at the system.
    fn find(
        &mut self,
        settings: &TrustSettings,
        route: &Route,
        now: Instant,
    ) -> Option<Arc<Configuration>> {
        let system = if settings.trust_system_store {
            let system = self.system.as_ref().filter(|system| system.is_fresh(now))?;
            Some(system.roots.clone())
        } else {
            None
        };
        let known = self.known.get(&(settings.clone(), route.clone()))?.upgrade()?;
        if !is_up_to_date(known.verification.shared(), &system) {
            return None;
        }
        self.note_use(&known);
        Some(known)
    }

    fn note_use(&mut self, configuration: &Arc<Configuration>) {
        if self.recent.front().is_some_and(|latest| Arc::ptr_eq(latest, configuration)) {
            return;
        }
        self.recent.retain(|recent| !Arc::ptr_eq(recent, configuration));
        self.recent.push_front(Arc::clone(configuration));
        self.recent.truncate(RECENT_CONFIGURATIONS);
    }

    fn build(
        &mut self,
        settings: &TrustSettings,
        system: Option<SystemRoots>,
    ) -> Result<Configuration, TlsFault> {
        let provider = provider();
        let known = self.verifications.get(settings).and_then(Weak::upgrade);
        let shared = match known.filter(|known| is_up_to_date(known, &system)) {
            Some(shared) => shared,
            None => {
                let (trusted, rules) = (settings.trusted.clone(), settings.rules.clone());
                let built = Arc::new(ServerVerification::new(trusted, system, rules, &provider)?);
                self.verifications.retain(|_, known| known.strong_count() > 0);
                self.verifications.insert(settings.clone(), Arc::downgrade(&built));
                built
            }
        };
        let verification = Arc::new(RouteVerification::new(shared));
        // As rustls has it: SNI is sent, and no ALPN, of which RFC 6455 §4.1 asks nothing.
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsFault::Setup(SetupFault::Cryptography))?
            .dangerous()
            .with_custom_certificate_verifier(verification.clone())
            .with_client_cert_resolver(Arc::new(Answer(settings.client_certificate.clone())));
        client.resumption = if settings.resumes_sessions {
            Resumption::store(verification.clone())
        } else {
            Resumption::disabled()
        };
        if settings.logs_keys {
            client.key_log = Arc::new(KeyLogFile::new());
        }
        Ok(Configuration { client: Arc::new(client), verification })
    }

    fn share(&mut self, trusted: Vec<CertificateDer<'static>>) -> Arc<[CertificateDer<'static>]> {
        self.trusted.retain(|known| known.strong_count() > 0);
        let known = self.trusted.iter().filter_map(Weak::upgrade);
        known.into_iter().find(|known| **known == *trusted).unwrap_or_else(|| {
            let trusted = Arc::from(trusted);
            self.trusted.push(Arc::downgrade(&trusted));
            trusted
        })
    }

    fn system_roots(
        &mut self,
        settings: &TrustSettings,
        now: Instant,
    ) -> Result<Option<SystemRoots>, TlsFault> {
        if !settings.trust_system_store {
            return Ok(None);
        }
        if let Some(system) = self.system.as_ref().filter(|system| system.is_fresh(now)) {
            return Ok(Some(system.roots.clone()));
        }
        let loaded = match (SystemRoots::load(), &self.system) {
            // Unchanged, so that configurations and their sessions stay.
            (Ok(loaded), Some(system)) if loaded.is_same(&system.roots) => system.roots.clone(),
            (Ok(loaded), _) => loaded,
            // The given roots can do without.
            (Err(_), _) if !settings.trusted.is_empty() => return Ok(None),
            (Err(fault), _) => return Err(fault),
        };
        self.system = Some(LoadedRoots { roots: loaded.clone(), at: now });
        Ok(Some(loaded))
    }
}

fn is_up_to_date(known: &ServerVerification, system: &Option<SystemRoots>) -> bool {
    match (known.system(), system) {
        (Some(known), Some(system)) => known.is_same(system),
        (known, system) => known.is_none() && system.is_none(),
    }
}

#[cfg(test)]
#[path = "trust/tests.rs"]
mod tests;
