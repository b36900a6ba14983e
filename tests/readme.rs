//! The README's program compiles as printed, without a warning, and does what it says.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::path::Path;
use std::process::Command;

use support::server::{Server, Tls};

fn program() -> String {
    let readme = include_str!("../README.md");
    let begin = readme.find("```c\n").expect("a C program") + "```c\n".len();
    let end = readme[begin..].find("```").expect("its end");
    readme[begin..begin + end].to_owned()
}

#[test]
fn the_program_compiles_as_printed_and_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let libraries = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let scratch = std::env::temp_dir().join(format!("anyws-readme-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let (source, binary) = (scratch.join("program.c"), scratch.join("program"));
    std::fs::write(&source, program()).unwrap();
    let compiler = std::env::var_os("CC").unwrap_or("cc".into());
    let compiled = Command::new(compiler)
        .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"])
        .arg(format!("-I{}", root.join("include").display()))
        .arg(&source)
        .arg(format!("-L{}", libraries.display()))
        .args(["-lanyws", "-o"])
        .arg(&binary)
        .output()
        .expect("a C compiler");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));

    let server = Server::echo(Tls::No);
    // The library in the folder of the tests has its versioned name only in an installation.
    let soname = scratch.join("libanyws.so.0");
    let _ = std::fs::copy(libraries.join("libanyws.so"), soname);
    let ran = Command::new(&binary)
        .arg(server.uri())
        .env("LD_LIBRARY_PATH", &scratch)
        .output()
        .expect("the program");
    let _ = std::fs::remove_dir_all(&scratch);
    assert_eq!(
        String::from_utf8_lossy(&ran.stdout),
        "connect: WS_OK\nmessage: hello\nclosed: 1000 thanks\n",
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(ran.status.success());
}
