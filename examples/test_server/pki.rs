//! The certificates of the local server: one authority to trust, one nobody trusts, and a leaf for
//! every way in which a certificate can be right or wrong. All are made anew at each start; the
//! keys never leave the process.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::Failure;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const THIS_HOST: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Authorities and the leaves they sign.
pub struct Pki {
    authority: CertifiedIssuer<'static, KeyPair>,
    stranger: CertifiedIssuer<'static, KeyPair>,
    /// Seconds since 1970.
    now: Duration,
}

impl Pki {
    pub fn new() -> Result<Self, Failure> {
        Ok(Self {
            authority: new_authority("anyws test authority")?,
            stranger: new_authority("anyws unknown authority")?,
            now: SystemTime::now().duration_since(UNIX_EPOCH)?,
        })
    }

    /// The one root a client is meant to trust.
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    pub fn good(&self) -> Result<Arc<ServerConfig>, Failure> {
        self.server_config(&THIS_HOST, self.now - DAY, self.now + 30 * DAY, &self.authority)
    }

    pub fn expired(&self) -> Result<Arc<ServerConfig>, Failure> {
        self.server_config(&THIS_HOST, self.now - 60 * DAY, self.now - 30 * DAY, &self.authority)
    }

    pub fn wrong_name(&self) -> Result<Arc<ServerConfig>, Failure> {
        let elsewhere = ["elsewhere.invalid"];
        self.server_config(&elsewhere, self.now - DAY, self.now + 30 * DAY, &self.authority)
    }

    pub fn untrusted(&self) -> Result<Arc<ServerConfig>, Failure> {
        self.server_config(&THIS_HOST, self.now - DAY, self.now + 30 * DAY, &self.stranger)
    }

    fn server_config(
        &self,
        names: &[&str],
        not_before: Duration,
        not_after: Duration,
        issuer: &CertifiedIssuer<'static, KeyPair>,
    ) -> Result<Arc<ServerConfig>, Failure> {
        let key = KeyPair::generate()?;
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut leaf = CertificateParams::new(names)?;
        leaf.distinguished_name.push(DnType::CommonName, "anyws test server");
        leaf.not_before = date_time_ymd(1970, 1, 1) + not_before;
        leaf.not_after = date_time_ymd(1970, 1, 1) + not_after;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let certificate = leaf.signed_by(&key, issuer)?;

        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Arc::new(config))
    }
}

fn new_authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, Failure> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?)
}

#[cfg(feature = "ring")]
fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

#[cfg(not(feature = "ring"))]
fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}
