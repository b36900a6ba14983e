//! What one socket has been told before it connects: the values of its controls, request headers and
//! credentials. Which controls there are, and what each takes, is the table's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use crate::base::lock::lock;
use crate::base::rare::Rare;
use crate::handshake::{DeflateOffer, protocols};
use crate::http::{Credential, CredentialFault};
use crate::transport::identity::ClientCertificate;
use crate::transport::pem::{self, PemFault};
use crate::transport::proxy::{Proxy, ProxyUriFault};
use crate::transport::tls::CertificateFault;
use crate::transport::trust;
use crate::transport::verify::{PinnedKeys, RevocationLists, Rules};

pub use super::control_table::{Control, ControlInfo, ControlType, NO_LIMIT, TABLE, info};
use super::control_table::{DEFAULTS, INTEGERS, place_in_table};
use super::error::Misuse;

/// The values of one socket, as far as they are its own: most sockets leave most of them alone.
/// Integers can be read from any thread without a lock.
#[derive(Debug, Default)]
pub struct Controls {
    own: Rare<Own>,
}

/// Of a socket of which anything has been set.
#[derive(Debug)]
struct Own {
    integers: [AtomicU64; INTEGERS],
    others: Mutex<Others>,
}

#[derive(Clone, Default)]
struct Others {
    protocols_text: String,
    protocols: Vec<String>,
    trusted: Arc<[CertificateDer<'static>]>,
    client_certificate: Option<ClientCertificate>,
    revocation_lists: Arc<RevocationLists>,
    pins_text: String,
    pins: PinnedKeys,
    headers: Vec<(String, String)>,
    /// May hold a password.
    proxy: Zeroizing<String>,
    server_credential: Option<Credential>,
    proxy_credential: Option<Credential>,
}

/// Of sockets of which none of it has been set.
static NOTHING: LazyLock<Others> = LazyLock::new(Others::default);

impl std::fmt::Debug for Others {
    /// The rest may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Others").field("protocols", &self.protocols).finish_non_exhaustive()
    }
}

/// Who asks for a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    Server,
    Proxy,
}

impl Default for Own {
    fn default() -> Own {
        Own { integers: DEFAULTS.map(AtomicU64::new), others: Mutex::default() }
    }
}

const WRONG_TYPE: Misuse = Misuse::Invalid("this control has a value of another type");
/// Comes before what is wrong with the moment.
pub const READ_ONLY: Misuse = Misuse::Invalid("this control can be read, but not set");

impl Controls {
    #[inline]
    pub fn integer(&self, control: Control) -> u64 {
        let place = place_in_table(control);
        let value = match self.own.made() {
            Some(own) => own.integers.get(place).map(|value| value.load(Ordering::Relaxed)),
            None => DEFAULTS.get(place).copied(),
        };
        value.unwrap_or(0)
    }

    pub fn duration(&self, control: Control) -> std::time::Duration {
        std::time::Duration::from_millis(self.integer(control))
    }

    pub fn set_integer(&self, row: &ControlInfo, value: u64) -> Result<(), Misuse> {
        let ControlType::Integer { min, max, .. } = row.value else { return Err(WRONG_TYPE) };
        if row.is_read_only {
            return Err(READ_ONLY);
        }
        if value < min || value > max {
            return Err(Misuse::Invalid("value is outside the range of this control"));
        }
        if row.control == Control::IgnorableServerCertificateErrors
            && value & u64::from(CertificateFault::FATAL_MASK) != 0
        {
            return Err(Misuse::Invalid(
                "value has the bit of Revoked or InvalidSignature, which can never be ignored",
            ));
        }
        if value == self.integer(row.control) {
            return Ok(());
        }
        if let Some(place) = self.own.integers.get(place_in_table(row.control)) {
            place.store(value, Ordering::Relaxed);
        }
        Ok(())
    }

    pub fn get_integer(&self, row: &ControlInfo) -> Result<u64, Misuse> {
        match (row.value, row.control) {
            // What is asked for is what is done.
            (_, Control::ActualUnsolicitedPongIntervalMs) => {
                Ok(self.integer(Control::DesiredUnsolicitedPongIntervalMs))
            }
            (ControlType::Integer { .. }, control) => Ok(self.integer(control)),
            _ => Err(WRONG_TYPE),
        }
    }

    pub fn set_text(&self, row: &ControlInfo, text: &str) -> Result<(), Misuse> {
        match row.control {
            Control::SupportedProtocols => {
                let protocols = protocols::parse_list(text).map_err(|_| {
                    Misuse::Invalid(
                        "value is not a list of distinct subprotocol names (RFC 7230 tokens)",
                    )
                })?;
                let mut others = lock(&self.own.others);
                others.protocols = protocols;
                others.protocols_text = text.to_owned();
                Ok(())
            }
            Control::PinnedPublicKeys => {
                let pins = PinnedKeys::parse(text).ok_or(Misuse::Invalid(
                    "value is not a list of sha256/ and the base64 of a hash each",
                ))?;
                let mut others = lock(&self.own.others);
                others.pins = pins;
                others.pins_text = text.to_owned();
                Ok(())
            }
            Control::Proxy => {
                Proxy::parse(text).map_err(bad_proxy)?;
                lock(&self.own.others).proxy = Zeroizing::new(text.to_owned());
                Ok(())
            }
            _ => Err(WRONG_TYPE),
        }
    }

    pub fn get_text(&self, row: &ControlInfo) -> Result<String, Misuse> {
        match row.control {
            Control::SupportedProtocols => Ok(self.other(|others| others.protocols_text.clone())),
            Control::PinnedPublicKeys => Ok(self.other(|others| others.pins_text.clone())),
            Control::Proxy => Ok(self.other(|others| others.proxy.to_string())),
            _ => Err(WRONG_TYPE),
        }
    }

    pub fn set_bytes(&self, row: &ControlInfo, bytes: &[u8]) -> Result<(), Misuse> {
        let invalid = |fault: PemFault| Misuse::Invalid(fault.sentence());
        let is_set = !bytes.is_empty();
        match row.control {
            Control::TrustedCertificates => {
                let trusted = is_set.then(|| pem::parse_certificates(bytes)).transpose();
                let trusted = trusted.map_err(invalid)?.map(trust::shared);
                lock(&self.own.others).trusted = trusted.unwrap_or_default();
            }
            Control::ClientCertificate => {
                let certificate = is_set.then(|| ClientCertificate::parse(bytes)).transpose();
                let certificate = certificate.map_err(invalid)?;
                lock(&self.own.others).client_certificate = certificate;
            }
            Control::CertificateRevocationLists => {
                let lists = is_set.then(|| pem::parse_revocation_lists(bytes)).transpose();
                let lists = Arc::new(lists.map_err(invalid)?.unwrap_or_default());
                lock(&self.own.others).revocation_lists = lists;
            }
            _ => return Err(WRONG_TYPE),
        }
        Ok(())
    }

    /// Adds a header to the upgrade request; the same name again replaces.
    pub fn set_header(&self, name: &str, value: &str) -> Result<(), Misuse> {
        crate::handshake::request::check_header(name, value)
            .map_err(|_| Misuse::Invalid("name or value is not allowed in the upgrade request"))?;
        let mut others = lock(&self.own.others);
        let replaced = others.headers.iter().position(|(old, _)| old.eq_ignore_ascii_case(name));
        let used: usize = others
            .headers
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != replaced)
            .map(|(_, (name, value))| name.len() + value.len() + 4)
            .sum();
        if used + name.len() + value.len() + 4 > MAX_HEADERS_BYTES
            || (replaced.is_none() && others.headers.len() >= MAX_HEADERS)
        {
            return Err(Misuse::Invalid("more request headers than 100, or than 32 KiB in all"));
        }
        let header = (name.to_owned(), value.to_owned());
        match replaced.and_then(|at| others.headers.get_mut(at)) {
            Some(old) => *old = header,
            None => others.headers.push(header),
        }
        Ok(())
    }

    /// Stores a user and a password for whoever asks, or with `None` forgets them.
    pub fn set_credential(&self, asker: Asker, login: Option<(&str, &str)>) -> Result<(), Misuse> {
        let credential = login
            .map(|(user, password)| Credential::new(user, password))
            .transpose()
            .map_err(|fault| {
                Misuse::Invalid(match fault {
                    CredentialFault::TooLong => "user or password is longer than 8192 bytes",
                    CredentialFault::ControlCharacter => {
                        "user or password holds a line end or another control character"
                    }
                })
            })?;
        let mut others = lock(&self.own.others);
        match asker {
            Asker::Server => others.server_credential = credential,
            Asker::Proxy => others.proxy_credential = credential,
        }
        Ok(())
    }

    pub fn credential(&self, asker: Asker) -> Option<Credential> {
        self.other(|others| match asker {
            Asker::Server => others.server_credential.clone(),
            Asker::Proxy => others.proxy_credential.clone(),
        })
    }

    /// What `PROXY` names; empty: the environment does.
    pub fn proxy(&self) -> Zeroizing<String> {
        self.other(|others| others.proxy.clone())
    }

    pub fn protocols(&self) -> Vec<String> {
        self.other(|others| others.protocols.clone())
    }

    pub fn headers(&self) -> Vec<(String, String)> {
        self.other(|others| others.headers.clone())
    }

    /// What is offered of permessage-deflate.
    pub fn compression(&self) -> Option<DeflateOffer> {
        (self.integer(Control::Compression) == 1).then(|| DeflateOffer {
            client_max_window_bits: self.integer(Control::CompressionClientMaxWindowBits) as u8,
            server_max_window_bits: self.integer(Control::CompressionServerMaxWindowBits) as u8,
            client_no_context_takeover: self.integer(Control::CompressionClientNoContextTakeover)
                == 1,
            server_no_context_takeover: self.integer(Control::CompressionServerNoContextTakeover)
                == 1,
        })
    }

    pub fn trust(&self) -> trust::TrustSettings {
        let ignorable = self.integer(Control::IgnorableServerCertificateErrors);
        let own = self.own.made().map(|own| lock(&own.others));
        let others = own.as_deref().unwrap_or(&NOTHING);
        trust::TrustSettings {
            trusted: Arc::clone(&others.trusted),
            trust_system_store: self.integer(Control::TrustSystemStore) == 1,
            rules: Rules {
                ignorable_errors: ignorable as u32,
                revocation_lists: Arc::clone(&others.revocation_lists),
                pins: others.pins.clone(),
            },
            client_certificate: others.client_certificate.clone(),
            resumes_sessions: self.integer(Control::TlsSessionResumption) == 1,
            logs_keys: self.integer(Control::TlsKeyLog) == 1,
        }
    }

    /// Something of what is no integer, as long as any of it has been set.
    fn other<T: Default>(&self, pick: impl FnOnce(&Others) -> T) -> T {
        self.own.made().map(|own| pick(&lock(&own.others))).unwrap_or_default()
    }
}

fn bad_proxy(fault: ProxyUriFault) -> Misuse {
    Misuse::Invalid(match fault {
        ProxyUriFault::TooLong => "value is longer than 8192 bytes",
        ProxyUriFault::UnsupportedScheme => {
            "value has a scheme that is none of http, https, socks5, socks5h and direct"
        }
        ProxyUriFault::Place(_) => "value has no valid host and port of a proxy",
        ProxyUriFault::Login => {
            "value has a user or password that is not percent-encoded UTF-8 of at most 8 KiB"
        }
    })
}

const MAX_HEADERS: usize = 100;
const MAX_HEADERS_BYTES: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_stand_first_in_the_table_and_keep_their_ranges() {
        let controls = Controls::default();
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(place_in_table(row.control), at);
            let ControlType::Integer { default, min, max } = row.value else {
                assert!(at >= INTEGERS);
                assert_eq!(controls.set_integer(row, 1), Err(WRONG_TYPE));
                continue;
            };
            assert!(at < INTEGERS);
            assert_eq!(controls.get_integer(row), Ok(default));
            if row.is_read_only {
                assert_eq!(controls.set_integer(row, default), Err(READ_ONLY));
                continue;
            }
            for value in [min, max, default] {
                assert_eq!(controls.set_integer(row, value), Ok(()));
                assert_eq!(controls.get_integer(row), Ok(value));
            }
            for value in [min.checked_sub(1), max.checked_add(1)].into_iter().flatten() {
                assert!(controls.set_integer(row, value).is_err());
            }
            assert_eq!(controls.get_integer(row), Ok(default));
        }
    }

    #[test]
    fn numbers_and_names_are_unique() {
        for (at, row) in TABLE.iter().enumerate() {
            for later in &TABLE[at + 1..] {
                assert!(row.control != later.control && row.name != later.name);
            }
        }
    }

    #[test]
    fn the_actual_pong_interval_is_the_desired_one() {
        let controls = Controls::default();
        let row = |control: Control| info(control as u32).unwrap();
        let desired = row(Control::DesiredUnsolicitedPongIntervalMs);
        let actual = row(Control::ActualUnsolicitedPongIntervalMs);
        controls.set_integer(desired, 1234).unwrap();
        assert_eq!(controls.get_integer(actual), Ok(1234));
    }

    #[test]
    fn credentials_are_kept_apart_replaced_and_forgotten() {
        let controls = Controls::default();
        let kept = |asker| controls.credential(asker).map(|c| c.user().to_owned());
        assert_eq!((kept(Asker::Server), kept(Asker::Proxy)), (None, None));
        controls.set_credential(Asker::Server, Some(("one", ""))).unwrap();
        controls.set_credential(Asker::Proxy, Some(("two", ""))).unwrap();
        controls.set_credential(Asker::Server, Some(("three", ""))).unwrap();
        assert!(controls.set_credential(Asker::Server, Some(("a\n", ""))).is_err());
        assert_eq!(kept(Asker::Server).as_deref(), Some("three"));
        controls.set_credential(Asker::Server, None).unwrap();
        assert_eq!(kept(Asker::Server), None);
        assert_eq!(kept(Asker::Proxy).as_deref(), Some("two"));
    }

    #[test]
    fn a_refused_proxy_leaves_the_old_one() {
        let controls = Controls::default();
        let row = info(Control::Proxy as u32).unwrap();
        controls.set_text(row, "socks5h://user:hunter2@proxy").unwrap();
        assert!(controls.set_text(row, "socks4://proxy").is_err());
        assert_eq!(*controls.proxy(), "socks5h://user:hunter2@proxy");
        controls.set_header("Authorization", "hunter2").unwrap();
        controls.set_credential(Asker::Server, Some(("hunter2", "hunter2"))).unwrap();
        assert!(!format!("{controls:?}").contains("hunter2"));
        controls.set_text(row, "").unwrap();
        assert_eq!(controls.get_text(row).as_deref(), Ok(""));
    }

    #[test]
    fn what_is_fatal_is_never_ignorable() {
        let controls = Controls::default();
        let row = info(Control::IgnorableServerCertificateErrors as u32).unwrap();
        for bit in 0..64 {
            let is_good = bit < 14 && bit != 2 && bit != 5;
            assert_eq!(controls.set_integer(row, 1 << bit).is_ok(), is_good, "{bit}");
        }
        assert!(controls.set_integer(row, 0x3fff).is_err());
        controls.set_integer(row, 0x3fff & !0b10_0100).unwrap();
        assert_eq!(controls.trust().rules.ignorable_errors, 0x3fdb);
    }

    #[test]
    fn the_same_header_again_replaces() {
        let controls = Controls::default();
        controls.set_header("X-One", "1").unwrap();
        controls.set_header("x-one", "2").unwrap();
        assert_eq!(controls.headers(), [("x-one".to_owned(), "2".to_owned())]);
        assert!(controls.set_header("Upgrade", "x").is_err());
        for number in 1..100 {
            controls.set_header(&format!("X-{number}"), "").unwrap();
        }
        assert!(controls.set_header("X-100", "").is_err());
        controls.set_header("X-99", "still replaces").unwrap();
    }
}
