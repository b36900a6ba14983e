//! What a connect is to achieve, and where it goes next: through which proxy, after which redirect,
//! with which answer to a challenge. What was said to one origin never travels to another.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::base::random;
use crate::handshake::{Offer, RedirectFault, redirect};
use crate::http::auth::{self, Credential};
use crate::http::uri::Host;
use crate::http::{Response, Uri};
use crate::transport::proxy::{self, Proxy};
use crate::transport::tcp::TcpOptions;
use crate::transport::trust::{Route, TrustSettings};

use super::error::{Cause, Error, Phase};
use super::lookup::Question;

/// What the application asked for, fixed when it called connect; of the offer and the trust what is
/// left for the origin that is asked now.
pub struct Request {
    pub offer: Offer,
    pub options: TcpOptions,
    pub connect_timeout: Duration,
    pub max_addresses: usize,
    pub total_timeout: Option<Duration>,
    /// The application wants to judge the certificate itself.
    pub validates: bool,
    pub trust: TrustSettings,
    pub credential: Option<Credential>,
    pub proxy_credential: Option<Credential>,
    pub max_redirects: usize,
    /// What the control says, and the variables that count when it says nothing.
    pub proxy: Zeroizing<String>,
    pub environment: Vec<(&'static str, String)>,
    pub progress: Rounds,
}

/// What has happened since the application asked.
#[derive(Default)]
pub struct Rounds {
    /// The proxy of this round.
    pub proxy: Option<Proxy>,
    visited: Vec<String>,
    has_answered: bool,
}

/// The variables that speak of proxies. Read once, by the thread that connects.
pub fn environment() -> Vec<(&'static str, String)> {
    let names = [
        "https_proxy",
        "HTTPS_PROXY",
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
        "REQUEST_METHOD",
    ];
    let value = |name: &'static str| Some((name, std::env::var(name).ok()?));
    names.into_iter().filter_map(value).collect()
}

fn route(host: &Host, port: u16, proxy: String) -> Route {
    Route { host: host.server_name().to_owned(), port, proxy }
}

impl Request {
    /// What has to be known before this round can begin.
    pub fn plan(&mut self) -> Result<Question, Error> {
        let uri = &self.offer.uri;
        let variable = |wanted: &str| {
            let found = self.environment.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.clone())
        };
        let proxy = proxy::for_target(&self.proxy, uri, variable)
            .map_err(|fault| Error::new(Phase::Proxy, Cause::ProxyChoice(fault)))?;
        let server = (uri.host().clone(), uri.port());
        let looks_up = matches!(proxy, Some(Proxy::Socks5 { remote_names: false, .. }));
        let question = Question {
            peer: match &proxy {
                Some(proxy) => (proxy.host().clone(), proxy.port()),
                None => server.clone(),
            },
            peer_phase: if proxy.is_some() { Phase::Proxy } else { Phase::Name },
            target: looks_up.then_some(server),
            trust: uri.is_secure().then(|| {
                let proxy = proxy.as_ref().map(Proxy::to_string).unwrap_or_default();
                (self.trust.clone(), route(uri.host(), uri.port(), proxy))
            }),
            proxy_trust: proxy.as_ref().filter(|proxy| proxy.is_secure()).map(|proxy| {
                (self.trust.for_proxy(), route(proxy.host(), proxy.port(), String::new()))
            }),
        };
        self.progress.proxy = proxy;
        Ok(question)
    }

    /// The server has answered with something else than an upgrade. `true`: there is a next round
    /// to be made, `false`: that was the answer.
    pub fn goes_on_after(&mut self, response: &Response) -> Result<bool, Error> {
        if redirect::is_redirect(response.status) && self.max_redirects > 0 {
            let failed = |fault| Error::new(Phase::Http, Cause::Redirect(fault));
            let next = redirect::follow(&self.offer.uri, response).map_err(failed)?;
            self.redirect_to(next).map_err(failed)?;
            return Ok(true);
        }
        Ok(response.status == 401 && self.answer(response))
    }

    fn redirect_to(&mut self, next: Uri) -> Result<(), RedirectFault> {
        let here = self.offer.uri.as_str().to_owned();
        self.progress.visited.push(here);
        let is_loop = self.progress.visited.iter().any(|visited| visited == next.as_str());
        if is_loop || self.progress.visited.len() > self.max_redirects {
            return Err(RedirectFault::TooMany);
        }
        if !self.offer.uri.same_origin(&next) {
            // A list of names that must not travel is never complete: none of them does.
            self.offer.headers.clear();
            self.credential = None;
            self.trust = self.trust.for_other_origin();
        }
        if std::mem::take(&mut self.progress.has_answered) {
            // RFC 7616 §3.4.6: a Digest answer is for one target; and nobody has asked there.
            self.forget_answer();
        }
        self.offer.uri = next;
        Ok(())
    }

    /// Answers a challenge, once for each address.
    fn answer(&mut self, response: &Response) -> bool {
        let Some(credential) = &self.credential else { return false };
        if std::mem::replace(&mut self.progress.has_answered, true) {
            return false;
        }
        let challenges = response.headers.values("WWW-Authenticate");
        let target = self.offer.uri.target();
        let answer = auth::answer(challenges, credential, "GET", target, random::nonce());
        let Some(answer) = answer else { return false };
        self.forget_answer();
        self.offer.headers.push(("Authorization".to_owned(), answer));
        true
    }

    /// Also of an answer that the application has given by itself: it was not enough.
    fn forget_answer(&mut self) {
        self.offer.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Authorization"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Headers, Version};

    fn request(uri: &str) -> Request {
        Request {
            offer: Offer {
                uri: Uri::parse(uri).unwrap(),
                protocols: vec![],
                headers: vec![("Cookie".to_owned(), "a=b".to_owned())],
                compression: None,
                follows_redirects: true,
            },
            options: TcpOptions { no_delay: true, send_buffer_bytes: 0 },
            connect_timeout: Duration::from_secs(1),
            max_addresses: 1,
            total_timeout: None,
            validates: false,
            trust: TrustSettings::default(),
            credential: Some(Credential::new("user", "pass").unwrap()),
            proxy_credential: None,
            max_redirects: 3,
            proxy: Zeroizing::default(),
            environment: vec![],
            progress: Rounds::default(),
        }
    }

    fn response(status: u16, name: &str, value: &str) -> Response {
        let mut headers = Headers::default();
        headers.append(name, value);
        Response { version: Version::Http11, status, reason: String::new(), headers }
    }

    #[test]
    fn an_answer_goes_where_it_was_asked_for_and_not_with_a_redirect() {
        let challenge = response(401, "WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\"");
        let redirect = response(302, "Location", "/new");
        let mut request = request("ws://h/old");
        let names = |request: &Request| {
            request.offer.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        assert!(request.goes_on_after(&challenge).unwrap());
        assert_eq!(names(&request), ["Cookie", "Authorization"]);
        assert!(request.goes_on_after(&redirect).unwrap());
        assert_eq!(names(&request), ["Cookie"]);
        assert!(request.goes_on_after(&challenge).unwrap(), "another target asks again");
        assert!(request.offer.headers[1].1.contains("uri=\"/new\""));
    }

    #[test]
    fn a_header_of_the_applications_own_travels_within_its_origin() {
        let mut request = request("ws://h/old");
        let own = ("Authorization".to_owned(), "Bearer by-hand".to_owned());
        request.offer.headers.push(own.clone());
        assert!(request.goes_on_after(&response(302, "Location", "/new")).unwrap());
        assert_eq!(request.offer.headers[1], own);
        assert!(request.goes_on_after(&response(302, "Location", "//i/new")).unwrap());
        assert!(request.offer.headers.is_empty() && request.credential.is_none());
    }
}
