//! Gives the shared library the name under which programs look for it at run time:
//! `libanyws.so.0`, or `libanyws.0.dylib`. The number is the major version of Cargo.toml.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let major = env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    let system = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let name = match system.as_str() {
        "linux" | "freebsd" | "netbsd" | "openbsd" | "dragonfly" => {
            format!("-Wl,-soname,libanyws.so.{major}")
        }
        // Application packages there carry unversioned names alone.
        "android" => "-Wl,-soname,libanyws.so".to_owned(),
        "macos" | "ios" | "tvos" | "watchos" | "visionos" => {
            format!("-Wl,-install_name,@rpath/libanyws.{major}.dylib")
        }
        _ => return,
    };
    println!("cargo:rustc-cdylib-link-arg={name}");
}
