use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa,
    date_time_ymd,
};
use rustls::OtherError;

use super::fixture::{Authority, Identity, Pair, trusting};
use super::*;
use crate::transport::trust::{self, TrustSettings, client_config};

/// How the handshake with `identity` under `name` ends when `trusted` is all there is.
fn judge(
    identity: &Identity,
    name: &str,
    trusted: &[&CertificateDer<'static>],
) -> Result<(), TlsFault> {
    let mut pair = Pair::new(&trusting(trusted), name, identity.serve(rustls::ALL_VERSIONS));
    pair.exchange()?;
    assert!(!pair.client.is_handshaking());
    Ok(())
}

fn fault_of(change: impl FnOnce(&mut CertificateParams)) -> Result<(), TlsFault> {
    let authority = Authority::new("root");
    judge(&authority.issue(change), "localhost", &[&authority.certificate])
}

fn fault(fault: CertificateFault) -> Result<(), TlsFault> {
    Err(TlsFault::Certificate(fault))
}

#[test]
fn a_chain_to_a_given_root_is_accepted_for_names_and_addresses() {
    let authority = Authority::new("root");
    let identity = authority.issue(|_| {});
    for name in ["localhost", "LOCALHOST", "127.0.0.1", "::1"] {
        assert_eq!(judge(&identity, name, &[&authority.certificate]), Ok(()), "{name}");
    }
}

#[test]
fn an_intermediate_is_followed_and_its_absence_is_an_unknown_issuer() {
    let root = Authority::new("root");
    let intermediate = root.issue_authority("intermediate");
    let mut identity = intermediate.issue(|_| {});
    assert_eq!(
        judge(&identity, "localhost", &[&root.certificate]),
        fault(CertificateFault::UnknownIssuer)
    );
    identity.chain.push(intermediate.certificate.clone());
    assert_eq!(judge(&identity, "localhost", &[&root.certificate]), Ok(()));
}

#[test]
fn times_outside_the_validity_are_told_apart() {
    let expired = fault_of(|params| params.not_after = date_time_ymd(2020, 1, 1));
    assert_eq!(expired, fault(CertificateFault::Expired));
    let early = fault_of(|params| params.not_before = date_time_ymd(4000, 1, 1));
    assert_eq!(early, fault(CertificateFault::NotYetValid));
}

#[test]
fn another_name_or_address_is_the_wrong_name() {
    let authority = Authority::new("root");
    let identity = authority.issue(|_| {});
    for name in ["example.org", "sub.localhost", "127.0.0.2", "::2"] {
        assert_eq!(
            judge(&identity, name, &[&authority.certificate]),
            fault(CertificateFault::WrongName),
            "{name}"
        );
    }
    let nameless = fault_of(|params| params.subject_alt_names.clear());
    assert_eq!(nameless, fault(CertificateFault::WrongName));
}

#[test]
fn an_untrusted_authority_is_an_unknown_issuer() {
    let (trusted, other) = (Authority::new("root"), Authority::new("other"));
    let identity = other.issue(|_| {});
    assert_eq!(
        judge(&identity, "localhost", &[&trusted.certificate]),
        fault(CertificateFault::UnknownIssuer)
    );
}

#[test]
fn without_any_root_every_certificate_is_of_an_unknown_issuer() {
    let identity = Authority::new("root").issue(|_| {});
    assert_eq!(judge(&identity, "localhost", &[]), fault(CertificateFault::UnknownIssuer));
}

#[test]
fn a_certificate_for_clients_is_wrong_usage() {
    let verdict = fault_of(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(verdict, fault(CertificateFault::WrongUsage));
}

#[test]
fn a_flipped_bit_in_the_certificate_is_a_bad_signature() {
    let authority = Authority::new("root");
    let mut identity = authority.issue(|_| {});
    let mut bytes = identity.chain[0].to_vec();
    let localhost = bytes.windows(9).position(|window| window == b"localhost").unwrap();
    bytes[localhost] ^= 1;
    identity.chain[0] = bytes.into();
    assert_eq!(
        judge(&identity, "localhost", &[&authority.certificate]),
        fault(CertificateFault::BadSignature)
    );
}

#[test]
fn an_authority_of_the_same_name_with_another_key_is_a_bad_signature() {
    let (real, impostor) = (Authority::new("root"), Authority::new("root"));
    assert_eq!(
        judge(&impostor.issue(|_| {}), "localhost", &[&real.certificate]),
        fault(CertificateFault::BadSignature)
    );
}

#[test]
fn bytes_that_are_no_certificate_are_bad_encoding() {
    let authority = Authority::new("root");
    let mut identity = authority.issue(|_| {});
    identity.chain[0] = b"no certificate".to_vec().into();
    assert_eq!(
        judge(&identity, "localhost", &[&authority.certificate]),
        fault(CertificateFault::BadEncoding)
    );
}

#[test]
fn an_unknown_critical_extension_is_named() {
    let verdict = fault_of(|params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    assert_eq!(verdict, fault(CertificateFault::UnhandledCriticalExtension));
}

#[test]
fn an_authority_as_a_server_breaks_basic_constraints() {
    let verdict = fault_of(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(verdict, fault(CertificateFault::BasicConstraints));
}

#[test]
fn a_self_signed_certificate_given_as_trusted_is_accepted() {
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let identity = Identity::self_signed(|params| params.is_ca = is_ca);
        assert_eq!(judge(&identity, "localhost", &[&identity.chain[0]]), Ok(()), "{is_ca:?}");
        assert_eq!(judge(&identity, "127.0.0.1", &[&identity.chain[0]]), Ok(()), "{is_ca:?}");
    }
}

#[test]
fn an_issued_certificate_given_as_trusted_needs_no_issuer() {
    let identity = Authority::new("unknown").issue(|_| {});
    assert_eq!(judge(&identity, "localhost", &[&identity.chain[0]]), Ok(()));
}

#[test]
fn trust_in_the_certificate_itself_excuses_neither_name_nor_time() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let identity = Identity::self_signed(|params| params.is_ca = is_ca);
        assert_eq!(
            judge(&identity, "example.org", &[&identity.chain[0]]),
            fault(CertificateFault::WrongName)
        );
        let expired = Identity::self_signed(|params| {
            params.is_ca = is_ca;
            params.not_after = date_time_ymd(2020, 1, 1);
        });
        assert_eq!(
            judge(&expired, "localhost", &[&expired.chain[0]]),
            fault(CertificateFault::Expired)
        );
    }
}

#[test]
fn a_self_signed_certificate_does_not_vouch_for_another_of_the_same_key_name() {
    let trusted = Identity::self_signed(|_| {});
    let shown = Identity::self_signed(|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    assert_eq!(
        judge(&shown, "localhost", &[&trusted.chain[0]]),
        fault(CertificateFault::BasicConstraints)
    );
}

/// How the handshake ends under the system's store, with `trusted` besides.
fn judge_with_system(
    identity: &Identity,
    name: &str,
    trusted: &[&CertificateDer<'static>],
) -> Result<(), TlsFault> {
    let trusted = trusted.iter().map(|certificate| (*certificate).clone()).collect();
    let config = client_config(&TrustSettings { trusted, trust_system_store: true }).unwrap();
    let mut pair = Pair::new(&config, name, identity.serve(rustls::ALL_VERSIONS));
    pair.exchange()
}

#[test]
fn under_the_system_store_faults_keep_their_names() {
    let authority = Authority::new("private");
    let good = authority.issue(|_| {});
    let for_clients = authority.issue(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let expired = authority.issue(|params| params.not_after = date_time_ymd(2020, 1, 1));
    for trusted in [&[][..], &[&authority.certificate][..]] {
        assert_eq!(
            judge_with_system(&for_clients, "localhost", trusted),
            fault(CertificateFault::WrongUsage)
        );
        assert_eq!(
            judge_with_system(&expired, "localhost", trusted),
            fault(CertificateFault::Expired)
        );
    }
    let root = [&authority.certificate];
    assert_eq!(judge_with_system(&good, "localhost", &root), Ok(()));
    assert_eq!(judge_with_system(&good, "example.org", &root), fault(CertificateFault::WrongName));
    assert_eq!(judge_with_system(&good, "localhost", &[]), fault(CertificateFault::UnknownIssuer));
}

/// A platform that refuses everything in words of its own.
#[derive(Debug)]
struct Wordless(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Wordless {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let words = std::io::Error::other("refused");
        Err(CertificateError::Other(OtherError(Arc::new(words))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[test]
fn a_platform_without_words_is_explained_by_webpki_and_never_overruled() {
    let provider = trust::provider();
    let wordless = Arc::new(Wordless(provider.signature_verification_algorithms));
    let verification = ServerVerification::new(Arc::new([]), Some(wordless), &provider).unwrap();
    let verdict = |identity: &Identity| {
        let name = ServerName::try_from("localhost").unwrap();
        let now = UnixTime::now();
        match verification.verify_server_cert(&identity.chain[0], &[], &name, &[], now) {
            Err(error) => TlsFault::from(error),
            Ok(_) => panic!("accepted"),
        }
    };
    let authority = Authority::new("root");
    let expired = authority.issue(|params| params.not_after = date_time_ymd(2020, 1, 1));
    assert_eq!(verdict(&expired), TlsFault::Certificate(CertificateFault::Expired));
    let plain = authority.issue(|_| {});
    assert_eq!(verdict(&plain), TlsFault::Certificate(CertificateFault::Other));
}
