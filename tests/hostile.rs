//! Servers that break TLS, or RFC 6455 after the handshake, flood, or fall silent: each run ends as
//! named, and costs no more than it may. `attack` is a row, `stage` what runs tables of them.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "hostile/accounts.rs"]
mod accounts;
#[path = "hostile/attack.rs"]
mod attack;
#[path = "hostile/bystander.rs"]
mod bystander;
#[path = "hostile/compressed.rs"]
mod compressed;
#[path = "hostile/floods.rs"]
mod floods;
#[path = "hostile/frames.rs"]
mod frames;
#[path = "hostile/heads.rs"]
mod heads;
#[path = "hostile/losses.rs"]
mod losses;
#[path = "hostile/messages.rs"]
mod messages;
#[path = "hostile/oddities.rs"]
mod oddities;
#[path = "hostile/records.rs"]
mod records;
#[path = "certificates/site.rs"]
#[allow(dead_code)]
mod site;
#[path = "hostile/stage.rs"]
mod stage;
#[path = "hostile/stalls.rs"]
mod stalls;
mod support;
#[path = "certificates/workshop.rs"]
#[allow(dead_code)]
mod workshop;
