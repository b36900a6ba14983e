//! Whom a TLS connection trusts: certificates out of PEM, and the configuration made of them.
//!
//! Owns the choice of cryptography and the process-wide table of configurations: equal settings
//! share one `ClientConfig`, and with it one session store, however many sockets use it. Loading
//! the system's roots reads and parses their files, some milliseconds on Linux: it happens once per
//! process (until `forget_configurations`), never per socket, in the call that needs them first.
//! Refuses to know how a certificate is judged (`verify`) and how bytes are encrypted (`tls`).

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{SectionKind, SliceIter};

use super::tls::{SetupFault, TlsFault};
use super::verify::{ServerVerification, system_verifier};

/// Configurations kept although no socket holds them, so that sessions survive a reconnect.
const RECENT_CONFIGURATIONS: usize = 8;

/// Whose signature makes a server's certificate believable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TrustSettings {
    /// Trusted besides the system's store, or instead of it.
    pub trusted: Arc<[CertificateDer<'static>]>,
    pub trust_system_store: bool,
}

impl TrustSettings {
    /// For a proxy on the way: the same roots.
    pub fn for_proxy(&self) -> Self {
        self.clone()
    }

    /// For an origin that a redirect led to.
    pub fn for_other_origin(&self) -> Self {
        self.clone()
    }
}

impl Default for TrustSettings {
    fn default() -> Self {
        Self { trusted: Arc::new([]), trust_system_store: true }
    }
}

/// Why bytes given as PEM certificates were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PemFault {
    /// No PEM section at all: nothing, other text, or DER.
    NotPem,
    /// A section that does not end, or whose content is not base64.
    BrokenSection,
    /// Sections, but none of them a certificate: keys, for example.
    NoCertificate,
    /// A section called a certificate whose content is none.
    UnusableCertificate,
}

impl fmt::Display for PemFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NotPem => "there is no PEM section; DER is not accepted",
            Self::BrokenSection => "a PEM section is cut short or is not base64",
            Self::NoCertificate => "the PEM sections hold no certificate",
            Self::UnusableCertificate => "a PEM section holds a certificate that cannot be read",
        })
    }
}

impl std::error::Error for PemFault {}

/// Reads every certificate of `pem`; other sections and text between them are passed over.
///
/// There is at least one certificate in what is returned, and each can serve as a root. Nothing at
/// all is `NotPem`: a caller for whom empty input means "none" asks before.
pub fn parse_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemFault> {
    let mut certificates = Vec::new();
    let mut sections = SliceIter::<(SectionKind, Vec<u8>)>::new(pem).peekable();
    if sections.peek().is_none() {
        return Err(PemFault::NotPem);
    }
    let mut readable = RootCertStore::empty();
    for section in sections {
        let (kind, content) = section.map_err(|_| PemFault::BrokenSection)?;
        if kind == SectionKind::Certificate {
            let certificate = CertificateDer::from(content);
            readable.add(certificate.clone()).map_err(|_| PemFault::UnusableCertificate)?;
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() { Err(PemFault::NoCertificate) } else { Ok(certificates) }
}

/// The configuration for `settings`: the one already in use where there is one.
pub fn client_config(settings: &TrustSettings) -> Result<Arc<ClientConfig>, TlsFault> {
    configurations().find_or_build(settings)
}

/// Lets go of every configuration and of the system's roots; for the library's shutdown.
///
/// Sockets that still hold a configuration keep it. The next `client_config` starts afresh and
/// reads the system's store again.
pub fn forget_configurations() {
    *configurations() = Configurations::default();
}

/// The cryptography this build was made with. Never the process-wide default: that belongs to the
/// application, which may use rustls on its own.
pub(super) fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    let provider = rustls::crypto::ring::default_provider();
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    compile_error!("one of the features `ring` and `aws-lc-rs` must be on");
    Arc::new(provider)
}

fn configurations() -> MutexGuard<'static, Configurations> {
    static CONFIGURATIONS: LazyLock<Mutex<Configurations>> = LazyLock::new(Mutex::default);
    // Every change of the table is complete in itself, so a panic elsewhere leaves nothing broken.
    CONFIGURATIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Invariants: `recent.len() <= RECENT_CONFIGURATIONS`; all in `recent` are reachable in `known`.
#[derive(Default)]
struct Configurations {
    known: HashMap<TrustSettings, Weak<ClientConfig>>,
    /// Most recently asked for first.
    recent: VecDeque<Arc<ClientConfig>>,
    system: Option<Arc<dyn ServerCertVerifier>>,
}

impl Configurations {
    fn find_or_build(&mut self, settings: &TrustSettings) -> Result<Arc<ClientConfig>, TlsFault> {
        let configuration = match self.known.get(settings).and_then(Weak::upgrade) {
            Some(configuration) => configuration,
            None => {
                let configuration = Arc::new(self.build(settings)?);
                self.known.retain(|_, known| known.strong_count() > 0);
                self.known.insert(settings.clone(), Arc::downgrade(&configuration));
                configuration
            }
        };
        self.recent.retain(|recent| !Arc::ptr_eq(recent, &configuration));
        self.recent.push_front(configuration.clone());
        self.recent.truncate(RECENT_CONFIGURATIONS);
        Ok(configuration)
    }

    fn build(&mut self, settings: &TrustSettings) -> Result<ClientConfig, TlsFault> {
        let provider = provider();
        let system = match (settings.trust_system_store, &self.system) {
            (false, _) => None,
            (true, Some(system)) => Some(system.clone()),
            (true, None) => {
                let system = system_verifier(&provider)?;
                self.system = Some(system.clone());
                Some(system)
            }
        };
        let verification = ServerVerification::new(settings.trusted.clone(), system, &provider)?;
        // As rustls has it: sessions are resumed by ticket or identifier, SNI is sent, and no
        // ALPN, of which RFC 6455 §4.1 asks nothing.
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsFault::Setup(SetupFault::Cryptography))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verification))
            .with_no_client_auth())
    }
}

#[cfg(test)]
mod tests {
    use super::super::verify::fixture::{Authority, Pair};
    use super::*;

    fn settings(authorities: &[&Authority], trust_system_store: bool) -> TrustSettings {
        let trusted = authorities.iter().map(|authority| authority.certificate.clone()).collect();
        TrustSettings { trusted, trust_system_store }
    }

    #[test]
    fn certificates_are_read_in_order_among_text_and_keys() {
        let (first, second) = (Authority::new("first"), Authority::new("second"));
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let pem = format!("# roots\r\n{}\n{key}\ntext\n{}", first.pem(), second.pem());
        assert_eq!(
            parse_certificates(pem.as_bytes()),
            Ok(vec![first.certificate.clone(), second.certificate.clone()])
        );
    }

    #[test]
    fn what_is_not_pem_is_named_so() {
        let der = Authority::new("root").certificate;
        for bytes in [b"".as_slice(), b"garbage", b"\0\xFF\n-----", &der] {
            assert_eq!(parse_certificates(bytes), Err(PemFault::NotPem));
        }
    }

    #[test]
    fn keys_alone_hold_no_certificate() {
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(parse_certificates(key.as_bytes()), Err(PemFault::NoCertificate));
    }

    #[test]
    fn broken_sections_are_refused_even_behind_a_good_certificate() {
        let good = Authority::new("root").pem();
        let cut = format!("{good}\n-----BEGIN CERTIFICATE-----\nMIIB");
        assert_eq!(parse_certificates(cut.as_bytes()), Err(PemFault::BrokenSection));
        let text = format!("{good}\n-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----");
        assert_eq!(parse_certificates(text.as_bytes()), Err(PemFault::BrokenSection));
    }

    #[test]
    fn a_certificate_section_without_a_certificate_is_refused() {
        let pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(parse_certificates(pem), Err(PemFault::UnusableCertificate));
    }

    #[test]
    fn equal_settings_share_one_configuration() {
        let authority = Authority::new("shared");
        let first = client_config(&settings(&[&authority], false)).unwrap();
        let second = client_config(&settings(&[&authority], false)).unwrap();
        assert!(Arc::ptr_eq(&first, &second));

        forget_configurations();
        let third = client_config(&settings(&[&authority], false)).unwrap();
        assert!(!Arc::ptr_eq(&first, &third));
    }

    #[test]
    fn a_session_is_resumed_although_no_socket_kept_the_configuration() {
        let authority = Authority::new("root");
        let mut server = authority.issue(|_| {}).serve(rustls::ALL_VERSIONS);
        server.session_storage = rustls::server::ServerSessionMemoryCache::new(16);
        let server = Arc::new(server);
        let mut table = Configurations::default();
        let mut connect = || {
            let config = table.find_or_build(&settings(&[&authority], false)).unwrap();
            let mut pair = Pair::with_server(&config, "localhost", &server);
            pair.exchange().unwrap();
            pair.client.is_resumed()
        };
        assert_eq!([connect(), connect(), connect()], [false, true, true]);
    }

    #[test]
    fn different_settings_never_share() {
        let (first, second) = (Authority::new("first"), Authority::new("second"));
        let mut table = Configurations::default();
        let built: Vec<_> = [
            settings(&[], false),
            settings(&[], true),
            settings(&[&first], false),
            settings(&[&first], true),
            settings(&[&second], false),
            settings(&[&first, &second], false),
        ]
        .iter()
        .map(|settings| table.find_or_build(settings).unwrap())
        .collect();
        for (index, configuration) in built.iter().enumerate() {
            assert!(built[..index].iter().all(|other| !Arc::ptr_eq(configuration, other)));
        }
    }

    #[test]
    fn the_system_store_is_loaded_once_for_all_settings() {
        let authority = Authority::new("extra");
        let mut table = Configurations::default();
        let _plain = table.find_or_build(&TrustSettings::default()).unwrap();
        let loaded = table.system.clone().unwrap();
        let _extra = table.find_or_build(&settings(&[&authority], true)).unwrap();
        assert!(Arc::ptr_eq(&loaded, table.system.as_ref().unwrap()));
    }

    #[test]
    fn without_sockets_only_the_last_few_configurations_live() {
        let mut table = Configurations::default();
        let all: Vec<_> = (0..RECENT_CONFIGURATIONS + 2)
            .map(|number| settings(&[&Authority::new(&format!("root {number}"))], false))
            .collect();
        let held = table.find_or_build(&all[0]).unwrap();
        let dropped = Arc::downgrade(&table.find_or_build(&all[1]).unwrap());
        for settings in &all[2..] {
            table.find_or_build(settings).unwrap();
        }
        assert!(dropped.upgrade().is_none());
        assert!(Arc::ptr_eq(&held, &table.find_or_build(&all[0]).unwrap()));
        assert_eq!(table.recent.len(), RECENT_CONFIGURATIONS);
        table.find_or_build(&all[1]).unwrap();
        assert!(table.known.len() <= RECENT_CONFIGURATIONS + 1);
    }
}
