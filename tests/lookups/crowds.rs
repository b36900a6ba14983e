//! Many lookups that hang at the same time: everybody else goes on connecting.

use std::time::{Duration, Instant};

use super::*;
use crate::resolver::{Answer, Name};
use crate::support::client::Mode;
use crate::support::server::{BOTH, Tls, eventually};

/// Far below what hangs, and enough for a machine that is busy.
const SOON: Duration = Duration::from_secs(10);

fn waiting(mode: Mode, name: &Name) -> Client {
    let mut client = Client::trusting(mode);
    client.connect(&name.uri(80));
    client
}

fn assert_others_connect(servers: &[Server; 2]) {
    for server in servers {
        let (port, ip) = (port_of(server), server.address.ip());
        let name = Name::of(&[ip]);
        let literal = server.uri();
        let local = literal.replace("127.0.0.1", "localhost");
        let mut uris = vec![literal, local];
        if server.tls == Tls::No {
            uris.push(name.uri(port));
        }
        for uri in uris {
            let since = Instant::now();
            let mut client = Client::trusting(Mode::Callback);
            client.connect(&uri);
            assert_connects(&client);
            assert!(since.elapsed() < SOON, "{uri}");
        }
    }
}

#[test]
fn others_connect_while_lookups_hang() {
    // The threads for lookups are the whole process's.
    if !is_alone("crowds::others_connect_while_lookups_hang") {
        return;
    }
    let servers = BOTH.map(Server::echo);
    ten_dead_names(&servers);
    one_dead_name_that_a_hundred_sockets_ask_for(&servers);
    more_dead_names_than_threads(&servers);
}

fn ten_dead_names(servers: &[Server; 2]) {
    let names: Vec<Name> = (0..10).map(|_| Name::hanging(Answer::Code(libc::EAI_AGAIN))).collect();
    let clients: Vec<Client> = names.iter().map(|name| waiting(Mode::Callback, name)).collect();
    names.iter().for_each(|name| name.until_waiting(1));
    assert_others_connect(servers);
    names.iter().for_each(Name::let_go);
    for client in &clients {
        assert_fails(client, WS_E_NAME_NOT_RESOLVED, WS_ERROR_PHASE_NAME);
    }
}

/// It has few threads, and when it answers at last it answers all.
fn one_dead_name_that_a_hundred_sockets_ask_for(servers: &[Server; 2]) {
    let ip = servers[0].address.ip();
    let name = Name::hanging(Answer::Addresses(vec![ip]));
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut client = Client::trusting(Mode::Callback);
        client.connect(&name.uri(port_of(&servers[0])));
        clients.push(client);
    }
    // Whoever gives up is not asked for any more.
    let given_up = clients.split_off(50);
    name.until_waiting(4);
    for client in given_up {
        assert_eq!(client.free(), []);
    }
    assert_others_connect(servers);
    assert_eq!(name.asked(), 4);
    name.let_go();
    clients.iter().for_each(assert_connects);
    assert!(name.asked() <= 54, "{} lookups for 50 sockets", name.asked());
}

/// The others have to wait, each until its own deadline; addresses are not looked up.
fn more_dead_names_than_threads(servers: &[Server; 2]) {
    let names: Vec<Name> = (0..70).map(|_| Name::hanging(Answer::Code(libc::EAI_AGAIN))).collect();
    let clients: Vec<Client> = names.iter().map(|name| waiting(Mode::Callback, name)).collect();
    let hanging = || names.iter().map(Name::waiting).sum::<usize>();
    assert!(eventually(|| hanging() >= 60), "{}", hanging());
    let name = Name::of(&[servers[0].address.ip()]);
    let mut late = Client::trusting(Mode::Callback);
    late.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 300);
    let since = Instant::now();
    late.connect(&name.uri(port_of(&servers[0])));
    assert_fails(&late, WS_E_TIMEOUT, WS_ERROR_PHASE_NAME);
    assert!(since.elapsed() >= Duration::from_millis(300) && since.elapsed() < SOON);
    for server in servers {
        let mut client = Client::trusting(Mode::Callback);
        client.connect(&server.uri());
        assert_connects(&client);
    }
    assert_eq!((hanging(), name.asked()), (60, 0));
    names.iter().for_each(Name::let_go);
    for client in &clients {
        assert_fails(client, WS_E_NAME_NOT_RESOLVED, WS_ERROR_PHASE_NAME);
    }
    late.connect(&name.uri(port_of(&servers[0])));
    assert_connects(&late);
}
