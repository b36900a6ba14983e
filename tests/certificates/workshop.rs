//! Where certificates are made: authorities, what they sign, and what they revoke.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub struct Authority {
    pub pem: String,
    pub der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A chain, the leaf first, and its key.
#[derive(Debug)]
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub serial: SerialNumber,
    key: KeyPair,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        Authority::with(name, |_| {})
    }

    pub fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let (params, key) = authority_params(name, change);
        let certificate = params.self_signed(&key).unwrap();
        Authority::made(certificate, params, key)
    }

    /// An authority below this one.
    pub fn authority(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let (params, key) = authority_params(name, change);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Authority::made(certificate, params, key)
    }

    fn made(certificate: rcgen::Certificate, params: CertificateParams, key: KeyPair) -> Authority {
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Authority { pem, der, issuer: Issuer::new(params, key) }
    }

    /// A certificate for localhost and 127.0.0.1, after `change`.
    pub fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let (params, key, serial) = leaf_params(change);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: vec![certificate.der().clone()], serial, key }
    }

    /// A list in PEM that revokes these, valid in the years given.
    pub fn revoke(&self, serials: &[&SerialNumber], years: (i32, i32)) -> String {
        let revoked_certs = serials.iter().map(|serial| RevokedCertParams {
            serial_number: (*serial).clone(),
            revocation_time: date_time_ymd(2021, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(years.0, 1, 1),
            next_update: date_time_ymd(years.1, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    pub fn key(&self) -> &KeyPair {
        self.issuer.key()
    }
}

impl Identity {
    pub fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let (params, key, serial) = leaf_params(change);
        let certificate = params.self_signed(&key).unwrap();
        Identity { chain: vec![certificate.der().clone()], serial, key }
    }

    /// A key, its certificate and its authority's, made by others.
    pub fn read(pem: &str) -> Identity {
        use rustls::pki_types::pem::PemObject;
        let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect();
        let key = pem.split_inclusive("-----END PRIVATE KEY-----").next().unwrap();
        let key = KeyPair::from_pem(key).unwrap();
        Identity { chain, serial: SerialNumber::from(0), key }
    }

    /// With the certificates of these behind its own.
    pub fn below(mut self, authorities: &[&Authority]) -> Identity {
        self.chain.extend(authorities.iter().map(|authority| authority.der.clone()));
        self
    }

    /// With one bit of its signature changed.
    pub fn forged(mut self) -> Identity {
        let mut der = self.chain[0].to_vec();
        *der.last_mut().unwrap() ^= 1;
        self.chain[0] = der.into();
        self
    }

    pub fn key(&self) -> &KeyPair {
        &self.key
    }

    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.serialize_der().into())
    }

    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|der| pem("CERTIFICATE", der)).collect()
    }

    /// Chain and key, as CLIENT_CERTIFICATE takes them.
    pub fn pem(&self) -> String {
        self.chain_pem() + &self.key.serialize_pem()
    }
}

pub fn pem(label: &str, der: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

pub fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

pub fn here() -> SanType {
    SanType::IpAddress([127, 0, 0, 1].into())
}

fn authority_params(
    name: &str,
    change: impl FnOnce(&mut CertificateParams),
) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    (params, KeyPair::generate().unwrap())
}

fn leaf_params(
    change: impl FnOnce(&mut CertificateParams),
) -> (CertificateParams, KeyPair, SerialNumber) {
    let key = KeyPair::generate().unwrap();
    let serial = SerialNumber::from_slice(&key.public_key_raw()[1..9]);
    let mut serial_bytes = serial.to_bytes();
    serial_bytes[0] = serial_bytes[0] & 0x3f | 0x40; // positive, and of one spelling
    let serial = SerialNumber::from_slice(&serial_bytes);
    let mut params = CertificateParams::default();
    params.serial_number = Some(serial.clone());
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.subject_alt_names = vec![dns("localhost"), here()];
    change(&mut params);
    (params, key, serial)
}
