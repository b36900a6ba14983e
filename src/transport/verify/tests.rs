use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa,
    date_time_ymd,
};
use rustls::OtherError;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};

use super::fixture::{Authority, Identity, Pair, trusting};
use super::*;
use crate::transport::trust::{self, Route, TrustSettings, configuration};

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
    Err(TlsFault::Certificate(fault.into()))
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
    // What the certificate says of itself is looked at all the same.
    let found = all(&[CertificateFault::BadSignature, CertificateFault::WrongName]);
    let refusal = Refusal { gravest: CertificateFault::BadSignature, all: found };
    assert_eq!(
        judge(&identity, "localhost", &[&authority.certificate]),
        Err(TlsFault::Certificate(refusal))
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
        fault(CertificateFault::UntrustedRoot)
    );
}

/// How the handshake ends under the system's store, with `trusted` besides.
fn judge_with_system(
    identity: &Identity,
    name: &str,
    trusted: &[&CertificateDer<'static>],
) -> Result<(), TlsFault> {
    let trusted = trusted.iter().map(|certificate| (*certificate).clone()).collect();
    let settings = TrustSettings { trusted, ..TrustSettings::default() };
    let config = configuration(&settings, &Route::default()).unwrap();
    let mut pair = Pair::new(&config, name, identity.serve(rustls::ALL_VERSIONS));
    pair.exchange()
}

#[test]
fn under_the_system_store_all_faults_are_found() {
    let authority = Authority::new("private");
    let good = authority.issue(|_| {});
    let for_clients = authority.issue(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let expired = authority.issue(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let faults = |gravest: CertificateFault, faults: &[CertificateFault]| {
        Err(TlsFault::Certificate(Refusal { gravest, all: all(faults) }))
    };
    use CertificateFault::*;
    for (identity, own) in [(&for_clients, WrongUsage), (&expired, Expired)] {
        assert_eq!(
            judge_with_system(identity, "localhost", &[]),
            faults(UnknownIssuer, &[UnknownIssuer, own])
        );
        let root = [&authority.certificate];
        assert_eq!(judge_with_system(identity, "localhost", &root), fault(own));
    }
    let root = [&authority.certificate];
    assert_eq!(judge_with_system(&good, "localhost", &root), Ok(()));
    assert_eq!(judge_with_system(&good, "example.org", &root), fault(WrongName));
    assert_eq!(judge_with_system(&good, "localhost", &[]), fault(UnknownIssuer));
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

/// A platform that knows one certificate by heart, and judges name and time alone.
#[derive(Debug)]
struct Platform {
    known: CertificateDer<'static>,
    not_after: u64,
    words: Wordless,
}

impl ServerCertVerifier for Platform {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity != self.known {
            return Err(CertificateError::UnknownIssuer.into());
        }
        if now.as_secs() > self.not_after {
            return Err(CertificateError::Expired.into());
        }
        if *name != ServerName::try_from("localhost").unwrap() {
            return Err(CertificateError::NotValidForName.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.words.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.words.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.words.supported_verify_schemes()
    }
}

fn asked(
    platform: impl ServerCertVerifier + 'static,
    identity: &Identity,
    name: &str,
) -> CertificateFaults {
    let system = Some(SystemRoots::Platform(Arc::new(platform)));
    let provider = trust::provider();
    let verification =
        ServerVerification::new(Arc::new([]), system, Rules::default(), &provider).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let verdict = verification.verdict(&identity.chain[0], &[], &name, &[], UnixTime::now());
    assert_eq!(verdict.refusal.is_none(), verdict.faults.is_empty());
    verdict.faults
}

fn all(faults: &[CertificateFault]) -> CertificateFaults {
    let mut set = CertificateFaults::default();
    set.extend(faults.iter().copied());
    set
}

#[test]
fn a_platform_without_words_is_explained_but_never_overruled() {
    let wordless = || Wordless(trust::provider().signature_verification_algorithms);
    let authority = Authority::new("root");
    let expired = authority.issue(|params| params.not_after = date_time_ymd(2020, 1, 1));
    assert_eq!(
        asked(wordless(), &expired, "localhost"),
        all(&[CertificateFault::Expired, CertificateFault::Other])
    );
    let plain = authority.issue(|_| {});
    assert_eq!(asked(wordless(), &plain, "localhost"), all(&[CertificateFault::Other]));
}

#[test]
fn a_platform_is_asked_what_name_and_time_hide() {
    let words = || Wordless(trust::provider().signature_verification_algorithms);
    let authority = Authority::new("root");
    let good = authority.issue(|_| {});
    let expired = authority.issue(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let platform = |known: &Identity, not_after: u64| Platform {
        known: known.chain[0].clone(),
        not_after,
        words: words(),
    };
    let (past, never) = (1_577_836_800, u64::MAX);
    use CertificateFault::*;
    assert_eq!(asked(platform(&good, never), &good, "localhost"), all(&[]));
    assert_eq!(asked(platform(&good, never), &good, "elsewhere"), all(&[WrongName]));
    assert_eq!(asked(platform(&expired, past), &expired, "localhost"), all(&[Expired]));
    assert_eq!(asked(platform(&expired, past), &expired, "elsewhere"), all(&[Expired, WrongName]));
    assert_eq!(
        asked(platform(&good, never), &expired, "elsewhere"),
        all(&[UnknownIssuer, Expired, WrongName])
    );
}

/// What a route says of a chain, one question after the other, each at its own time.
fn answers(
    trusted: &[&CertificateDer<'static>],
    system: Option<SystemRoots>,
    asked: &[(&Identity, &str, u64)],
) -> Vec<bool> {
    let trusted = trusted.iter().map(|certificate| (*certificate).clone()).collect();
    let provider = trust::provider();
    let shared = ServerVerification::new(trusted, system, Rules::default(), &provider).unwrap();
    let route = RouteVerification::new(Arc::new(shared));
    let answers = asked.iter().map(|(identity, name, seconds)| {
        let name = ServerName::try_from((*name).to_owned()).unwrap();
        let (first, rest) = identity.chain.split_first().unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(*seconds));
        route.verify_server_cert(first, rest, &name, &[], now).is_ok()
    });
    answers.collect()
}

#[test]
fn a_chain_that_was_accepted_is_judged_anew_when_anything_else_differs() {
    let root = Authority::new("root");
    let intermediate = root.issue_authority("intermediate");
    let mut whole = intermediate.issue(|params| params.not_after = date_time_ymd(2030, 1, 1));
    let mut broken = intermediate.issue(|_| {});
    broken.chain = vec![whole.chain[0].clone(), Authority::new("intermediate").certificate];
    whole.chain.push(intermediate.certificate.clone());
    let (then, after) = (1_800_000_000, 1_900_000_000);
    let asked = [
        (&whole, "localhost", then),
        (&whole, "localhost", then),
        (&whole, "elsewhere", then),
        (&whole, "localhost", then),
        (&broken, "localhost", then),
        (&whole, "localhost", then + 1),
        (&whole, "localhost", after),
        (&whole, "localhost", then),
    ];
    let answered = [true, true, false, true, false, true, false, true];
    assert_eq!(answers(&[&root.certificate], None, &asked), answered);
}

#[test]
fn a_platform_is_asked_at_each_handshake() {
    let words = Wordless(trust::provider().signature_verification_algorithms);
    let identity = Authority::new("root").issue(|_| {});
    let revoked_at = 1_800_000_000;
    let platform = Platform { known: identity.chain[0].clone(), not_after: revoked_at, words };
    let asked = [revoked_at - 1, revoked_at, revoked_at + 1].map(|at| (&identity, "localhost", at));
    let system = Some(SystemRoots::Platform(Arc::new(platform)));
    assert_eq!(answers(&[], system, &asked), [true, true, false]);
}
