//! The library's end while lookups hang, in a process of its own: which is this program again.

use std::time::{Duration, Instant};

use anyws::ffi::library::ws_shutdown;

use super::*;
use crate::resolver::{Answer, Name};
use crate::support::client::{Mode, Told};
use crate::support::server::{Tls, eventually};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn shutdown_answers_in_time_and_is_done_when_the_lookup_has_returned() {
    const NAME: &str =
        "shutdown::shutdown_answers_in_time_and_is_done_when_the_lookup_has_returned";
    if !is_alone(NAME) {
        return;
    }
    let server = Server::echo(Tls::No);
    let before = threads();
    for round in 0..3 {
        // Ten that hang on their threads, and some that wait for one of them.
        let names: Vec<Name> =
            (0..10).map(|_| Name::hanging(Answer::Code(libc::EAI_AGAIN))).collect();
        let mut clients = Vec::new();
        for name in names.iter().cycle().take(100) {
            let mut client = Client::trusting(Mode::Callback);
            client.connect(&name.uri(80));
            clients.push(client);
        }
        names.iter().for_each(|name| name.until_waiting(1));
        for timeout_ms in [0, 1, 1000] {
            let since = Instant::now();
            assert_eq!(ws_shutdown(timeout_ms), WS_E_TIMEOUT, "round {round}");
            let took = since.elapsed();
            assert!(took >= Duration::from_millis(timeout_ms.into()), "{took:?}");
            assert!(took < Duration::from_secs(10), "{took:?}");
        }
        let asked: usize = names.iter().map(Name::asked).sum();
        names.iter().for_each(Name::let_go);
        assert_eq!(ws_shutdown(30_000), WS_OK);
        assert_eq!(names.iter().map(Name::asked).sum::<usize>(), asked, "nothing new was begun");
        for client in clients {
            assert_eq!(client.told_until_released(), Vec::<Told>::new());
        }
        assert!(eventually(|| threads() <= before + 1), "{} threads", threads());
        // And afresh.
        let mut client = Client::trusting(Mode::Callback);
        client.connect(&Name::of(&[server.address.ip()]).uri(port_of(&server)));
        assert_connects(&client);
        assert_eq!(client.free(), []);
        assert_eq!(ws_shutdown(30_000), WS_OK);
    }
}
