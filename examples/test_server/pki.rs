//! The certificates of the local server: one authority to trust, one nobody trusts, and a leaf for
//! every way in which a certificate can be right or wrong, and one for a client. All are made anew
//! at each start; no key leaves the process but the client's.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PublicKeyData, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{CipherSuite, ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};

use crate::Failure;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const THIS_HOST: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Authorities and the leaves they sign.
pub struct Pki {
    authority: CertifiedIssuer<'static, KeyPair>,
    stranger: CertifiedIssuer<'static, KeyPair>,
    /// Of every server here, so that one pin is right for all of them.
    server_key: KeyPair,
    /// Seconds since 1970.
    now: Duration,
}

impl Pki {
    pub fn new() -> Result<Self, Failure> {
        Ok(Self {
            authority: new_authority("anyws test authority")?,
            stranger: new_authority("anyws unknown authority")?,
            server_key: KeyPair::generate()?,
            now: SystemTime::now().duration_since(UNIX_EPOCH)?,
        })
    }

    /// The one root a client is meant to trust.
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// A client's certificate and its key, both in PEM: what `mutual` wants to see.
    pub fn client_pem(&self) -> Result<String, Failure> {
        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::default();
        leaf.distinguished_name.push(DnType::CommonName, "anyws test client");
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        leaf.use_authority_key_identifier_extension = true;
        let certificate = leaf.signed_by(&key, &self.authority)?;
        Ok(certificate.pem() + &key.serialize_pem())
    }

    /// The servers' key as a pin has it: `sha256/` and the base64 of the hash of its
    /// SubjectPublicKeyInfo.
    pub fn pin(&self) -> Result<String, Failure> {
        let suites = provider().cipher_suites;
        let suite = suites
            .iter()
            .find(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256)
            .and_then(|suite| suite.tls13())
            .ok_or("every provider has SHA-256")?;
        let hash = suite.common.hash_provider.hash(&self.server_key.subject_public_key_info());
        Ok(format!("sha256/{}", data_encoding::BASE64.encode(hash.as_ref())))
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

    /// The good one, for clients alone that show a certificate of the authority.
    pub fn mutual(&self) -> Result<Arc<ServerConfig>, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone())?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()));
        let builder = builder()?.with_client_cert_verifier(verifier.build()?);
        let certificate = self.server_certificate(
            &THIS_HOST,
            self.now - DAY,
            self.now + 30 * DAY,
            &self.authority,
        )?;
        Ok(Arc::new(builder.with_single_cert(vec![certificate], self.private_key())?))
    }

    fn server_config(
        &self,
        names: &[&str],
        not_before: Duration,
        not_after: Duration,
        issuer: &CertifiedIssuer<'static, KeyPair>,
    ) -> Result<Arc<ServerConfig>, Failure> {
        let certificate = self.server_certificate(names, not_before, not_after, issuer)?;
        let builder = builder()?.with_no_client_auth();
        Ok(Arc::new(builder.with_single_cert(vec![certificate], self.private_key())?))
    }

    fn server_certificate(
        &self,
        names: &[&str],
        not_before: Duration,
        not_after: Duration,
        issuer: &CertifiedIssuer<'static, KeyPair>,
    ) -> Result<CertificateDer<'static>, Failure> {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut leaf = CertificateParams::new(names)?;
        leaf.distinguished_name.push(DnType::CommonName, "anyws test server");
        leaf.not_before = date_time_ymd(1970, 1, 1) + not_before;
        leaf.not_after = date_time_ymd(1970, 1, 1) + not_after;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        Ok(leaf.signed_by(&self.server_key, issuer)?.der().clone())
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.server_key.serialize_der()))
    }
}

fn builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, Failure> {
    Ok(ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?)
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
