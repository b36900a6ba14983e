//! Chains that were made to cost: what they take of the processor is bounded. In a process of its
//! own, where nothing else takes any.

use std::process::Command;
use std::time::Duration;

use rcgen::CustomExtension;

use super::*;
use crate::site::Site;
use crate::workshop::Identity;

/// Far more than it takes, and far less than an attacker would like; the server is in it.
const ENOUGH: Duration = Duration::from_secs(1);
const CHILD: &str = "ANYWS_TEST_COSTS";

// Bad servers, row 35.
#[test]
fn no_chain_takes_more_than_a_second() {
    if std::env::var_os(CHILD).is_none() {
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "costs::no_chain_takes_more_than_a_second", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        return assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let root = Authority::new("the root");

    // 120 authorities below one another.
    let mut authorities = vec![root.authority("0", |_| {})];
    for number in 1..120 {
        let next = authorities[number - 1].authority(&number.to_string(), |_| {});
        authorities.push(next);
    }
    let deep = authorities[119].issue(|_| {});
    let all: Vec<&Authority> = authorities.iter().rev().collect();
    judge("deep", &deep.below(&all), &root, 1 << 1 | 1 << 4 | 1 << 13);

    // 120 of one name, none of which has signed.
    let others: Vec<Authority> = (0..120).map(|_| Authority::new("between")).collect();
    let leaf = Authority::new("between").issue(|_| {});
    judge(
        "many",
        &leaf.below(&others.iter().collect::<Vec<_>>()),
        &root,
        1 << 1 | 1 << 4 | 1 << 13,
    );

    // 100 that have all signed one another, as far as names and keys tell.
    let one = root.authority("twin", |_| {});
    let twins: Vec<Authority> = (0..100).map(|_| one.authority("twin", |_| {})).collect();
    let leaf = twins[0].issue(|_| {});
    let shown = leaf.below(&twins.iter().collect::<Vec<_>>());
    judge("twins", &shown, &root, 1 << 1 | 1 << 4 | 1 << 13);

    // A message of 100 KiB.
    let large = root.issue(|params| {
        let extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5; 100 << 10]);
        params.custom_extensions.push(extension);
    });
    judge("large", &large, &root, 0);
}

fn judge(name: &str, identity: &Identity, root: &Authority, errors: u64) {
    let site = Site::of(identity);
    for mask in [0, ALL_IGNORABLE] {
        let mut client = client_of(Mode::Callback, root);
        client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, mask);
        let before = busy();
        let result = connect(&mut client, &site.uri("localhost"));
        let taken = busy() - before;
        assert!(taken <= ENOUGH, "{name}: {taken:?}");
        assert_eq!(result == WS_OK, mask & errors != 0, "{name}: {result:#x}");
        assert_eq!(errors_of(&client), errors, "{name}");
    }
}

/// What this process has taken of the processor.
fn busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    // utime and stime, in hundredths of a second.
    Duration::from_millis((ticks(12) + ticks(13)) * 10)
}
