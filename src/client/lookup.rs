//! What a connect has to know before it can open a socket: addresses, and whom TLS trusts. Both may
//! block for as long as the system likes, so they are found out on a worker, unless they are known
//! at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::http::uri::Host;
use crate::transport::resolve::{self, ResolveFault};
use crate::transport::trust;

use super::error::{Cause, Error, Phase};
use super::link::Home;

/// Where to, and with which trust.
#[derive(Debug)]
pub struct Question {
    /// Whose port is connected to: the server, or the proxy.
    pub peer: (Host, u16),
    /// What fails when it has no address: the way to the proxy, or that to the server.
    pub peer_phase: Phase,
    /// The server behind a proxy that wants its address instead of its name.
    pub target: Option<(Host, u16)>,
    /// Of the server, when it is reached with TLS.
    pub trust: Option<(trust::TrustSettings, trust::Route)>,
    /// Of the proxy, likewise.
    pub proxy_trust: Option<(trust::TrustSettings, trust::Route)>,
}

impl Question {
    /// What the system is asked about.
    fn names(&self) -> Vec<String> {
        let hosts = [Some(&self.peer), self.target.as_ref()].into_iter().flatten();
        let name = |(host, _): &(Host, u16)| match host {
            Host::Name(name) if !is_localhost(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        };
        hosts.filter_map(name).collect()
    }
}

/// The answers.
#[derive(Debug, Default)]
pub struct Lookup {
    pub addresses: Vec<SocketAddr>,
    pub target: Vec<SocketAddr>,
    pub tls: Option<Arc<trust::Configuration>>,
    pub proxy_tls: Option<Arc<trust::Configuration>>,
}

/// Finds the answers and hands them to the link as those of `attempt`.
pub fn begin(link: &Home, attempt: u32, question: Question) {
    let names = question.names();
    if names.is_empty()
        && let Some(known) = Known::of(&question)
    {
        return link.looked_up(attempt, answer(&question, Some(known)));
    }
    let weak = link.downgrade();
    let job = move || {
        // It may have waited for its turn for longer than anybody waits for it.
        if !weak.upgrade().is_some_and(|home| home.link().awaits(attempt)) {
            return;
        }
        let lookup = answer(&question, None);
        if let Some(home) = weak.upgrade() {
            home.link().looked_up(attempt, lookup);
        }
    };
    if let Err(error) = link.runtime.reactor.run_blocking(names, Box::new(job)) {
        let mut failure = Error::from_system(Phase::Name, &error);
        failure.cause = Cause::NoResources;
        link.looked_up(attempt, Err(failure));
    }
}

type Trusted = Option<Arc<trust::Configuration>>;

/// Whom TLS trusts on each way on which it is spoken, where all of that is known from an earlier
/// connect.
struct Known {
    server: Trusted,
    proxy: Trusted,
}

impl Known {
    fn of(question: &Question) -> Option<Known> {
        let known = |wanted: &Option<(trust::TrustSettings, trust::Route)>| match wanted {
            Some((settings, route)) => trust::known(settings, route).map(Some),
            None => Some(None),
        };
        Some(Known { proxy: known(&question.proxy_trust)?, server: known(&question.trust)? })
    }
}

fn answer(question: &Question, known: Option<Known>) -> Result<Lookup, Error> {
    let found = |wanted: &Option<(trust::TrustSettings, trust::Route)>| {
        let found = wanted.as_ref().map(|(settings, route)| trust::configuration(settings, route));
        found.transpose().map_err(|fault| Error::new(Phase::Tls, Cause::Tls(fault)))
    };
    let (tls, tls_of_proxy) = match known {
        Some(Known { server, proxy }) => (Some(server), Ok(proxy)),
        None => (None, found(&question.proxy_trust)),
    };
    Ok(Lookup {
        addresses: addresses(&question.peer)
            .map_err(|error| Error { phase: question.peer_phase, ..error })?,
        target: question.target.as_ref().map(addresses).transpose()?.unwrap_or_default(),
        proxy_tls: tls_of_proxy?,
        tls: tls.map_or_else(|| found(&question.trust), Ok)?,
    })
}

/// RFC 6761 §6.3: such names are this machine's, whatever a name server would say.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

fn addresses((host, port): &(Host, u16)) -> Result<Vec<SocketAddr>, Error> {
    let found = match host {
        Host::Name(name) if is_localhost(name) => Ok(vec![
            SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), *port),
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), *port),
        ]),
        Host::Name(name) => resolve::blocking(name, *port),
        literal => resolve::literal(literal, *port).map(|address| vec![address]),
    };
    match found {
        Ok(addresses) if addresses.is_empty() => {
            Err(Error::new(Phase::Name, Cause::NameNotResolved))
        }
        Ok(addresses) => Ok(addresses),
        Err(fault) => Err(unresolved(&fault)),
    }
}

fn unresolved(fault: &ResolveFault) -> Error {
    let cause = match fault {
        ResolveFault::System(error) => match Error::from_system(Phase::Name, error).cause {
            cause @ (Cause::OutOfMemory | Cause::NoResources) => cause,
            _ => Cause::NameNotResolved,
        },
        ResolveFault::OutOfMemory { .. } => Cause::OutOfMemory,
        _ => Cause::NameNotResolved,
    };
    let system_error = fault.code();
    Error { system_error, ..Error::new(Phase::Name, cause) }.with_detail(fault.to_string())
}
