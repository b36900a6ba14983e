//! Proxies as others wrote them, where this machine has them on its path: squid, tinyproxy, dante
//! and microsocks. What is missing is said out loud and not installed.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::digest::Hash;
use crate::proxy::behind;
use crate::support::client::{MODES, Mode};
use crate::support::server::{BOTH, Nobody, Server, Tls, eventually};

/// A proxy's process and its folder, which end with it.
struct Installed {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Installed {
    /// `{port}` and `{folder}` are filled in, in arguments and files.
    fn start(program: &str, arguments: &[&str], files: &[(&str, String)]) -> Option<Installed> {
        let program_path = find(program)?;
        let address = {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap()
        };
        let name = format!("anyws-{program}-{}-{}", std::process::id(), address.port());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        // They give up root, and write here all the same.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let everybody = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(&folder, everybody).unwrap();
        }
        let fill = |text: &str| {
            text.replace("{port}", &address.port().to_string())
                .replace("{folder}", folder.to_str().unwrap())
        };
        for (name, text) in files {
            std::fs::write(folder.join(name), fill(text)).unwrap();
        }
        let child = Command::new(program_path)
            .args(arguments.iter().map(|argument| fill(argument)))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut proxy = Installed { child, folder, address };
        let listens = eventually(|| {
            assert_eq!(proxy.child.try_wait().unwrap(), None, "{program} has ended");
            TcpStream::connect(address).is_ok()
        });
        assert!(listens, "{program} does not listen");
        Some(proxy)
    }

    fn uri(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        #[cfg(unix)]
        unsafe {
            // SIGTERM: it ends its own children, which KILL would leave behind.
            libc::kill(self.child.id().cast_signed(), libc::SIGTERM);
        }
        let ended = eventually(|| matches!(self.child.try_wait(), Ok(Some(_))));
        if !ended {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders.map(|folder| folder.join(program)).find(|place| place.is_file());
    if found.is_none() {
        eprintln!("NOT TESTED: there is no {program} (Debian: dante-server has danted)");
    }
    found
}

/// Through it to ws and wss, and to a port where nobody listens.
fn passes(proxy: &Installed, schemes: &[&str], login: Option<&str>, refused: &[ws_result]) {
    for scheme in schemes {
        let client = |mode| {
            let client = behind(&proxy.uri(scheme), mode);
            if let Some(password) = login {
                set_credential(&client, WS_CREDENTIAL_PROXY, "user", password);
            }
            client
        };
        for tls in BOTH {
            let origin = Server::echo(tls);
            for mode in MODES {
                let mut client = client(mode);
                client.connect(&origin.uri());
                assert_echoes(client);
            }
        }
        let mut client = client(Mode::Callback);
        let nobody = Nobody::new();
        client.connect(&nobody.uri());
        let result = client.connect_result();
        assert!(refused.contains(&result), "{result:#x}");
        assert_eq!(client.error().phase, WS_ERROR_PHASE_PROXY);
    }
}

fn refuses(proxy: &Installed, scheme: &str, password: Option<&str>, result: ws_result) {
    let origin = Server::echo(Tls::No);
    let mut client = behind(&proxy.uri(scheme), Mode::Callback);
    if let Some(password) = password {
        set_credential(&client, WS_CREDENTIAL_PROXY, "user", password);
    }
    client.connect(&origin.uri());
    assert_fails(&client, result, WS_ERROR_PHASE_PROXY);
}

fn squid(lines: &str, files: &[(&str, String)]) -> Option<Installed> {
    let configuration = format!(
        "http_port 127.0.0.1:{{port}}\npid_filename none\ncache deny all\ncache_mem 8 MB\n\
         access_log none\ncache_log {{folder}}/cache.log\nnetdb_filename none\n\
         coredump_dir {{folder}}\nshutdown_lifetime 1 seconds\n{lines}"
    );
    let mut all = vec![("squid.conf", configuration)];
    all.extend(files.iter().cloned());
    Installed::start("squid", &["-N", "-n", "anyws{port}", "-f", "{folder}/squid.conf"], &all)
}

const AUTHENTICATED: &str =
    "acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\n";

fn squid_program(name: &str) -> Option<String> {
    let folders = ["/usr/lib/squid", "/usr/lib64/squid", "/usr/libexec/squid"];
    let mut places = folders.iter().map(|folder| format!("{folder}/{name}"));
    places.find(|place| std::fs::metadata(place).is_ok())
}

#[test]
fn squid_lets_messages_pass() {
    let Some(proxy) = squid("http_access allow all\n", &[]) else { return };
    passes(&proxy, &["http"], None, &[http_status(503)]);
}

#[test]
fn squid_is_answered_with_basic() {
    let Some(program) = squid_program("basic_ncsa_auth") else {
        return eprintln!("NOT TESTED: there is no squid with basic_ncsa_auth");
    };
    // The login `user`, `pass`, as `openssl passwd -1` writes it.
    let lines = format!(
        "auth_param basic program {program} {{folder}}/passwords\nauth_param basic realm p\n\
         auth_param basic children 1\n{AUTHENTICATED}"
    );
    let passwords = "user:$1$anyws$rlWqRB5T09klEmDVpDdT50\n".to_owned();
    let Some(proxy) = squid(&lines, &[("passwords", passwords)]) else { return };
    passes(&proxy, &["http"], Some("pass"), &[http_status(503)]);
    refuses(&proxy, "http", Some("wrong"), WS_E_HTTP_STATUS_PROXY_AUTH_REQ);
    refuses(&proxy, "http", None, WS_E_HTTP_STATUS_PROXY_AUTH_REQ);
}

#[test]
fn squid_is_answered_with_digest() {
    let Some(program) = squid_program("digest_file_auth") else {
        return eprintln!("NOT TESTED: there is no squid with digest_file_auth");
    };
    let lines = format!(
        "auth_param digest program {program} -c {{folder}}/passwords\nauth_param digest realm p\n\
         auth_param digest children 1\n{AUTHENTICATED}"
    );
    let passwords = format!("user:p:{}\n", Hash::Md5.hex("user:p:pass"));
    let Some(proxy) = squid(&lines, &[("passwords", passwords)]) else { return };
    passes(&proxy, &["http"], Some("pass"), &[http_status(503)]);
    refuses(&proxy, "http", Some("wrong"), WS_E_HTTP_STATUS_PROXY_AUTH_REQ);
    refuses(&proxy, "http", None, WS_E_HTTP_STATUS_PROXY_AUTH_REQ);
}

#[test]
fn tinyproxy_lets_messages_pass_with_a_login_and_without() {
    for with_login in [false, true] {
        let login = if with_login { "BasicAuth user pass\n" } else { "" };
        let configuration =
            format!("Port {{port}}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\n{login}");
        let files = [("tinyproxy.conf", configuration)];
        let arguments = ["-d", "-c", "{folder}/tinyproxy.conf"];
        let Some(proxy) = Installed::start("tinyproxy", &arguments, &files) else { return };
        let password = with_login.then_some("pass");
        passes(
            &proxy,
            &["http"],
            password,
            &[http_status(500), http_status(502), http_status(503)],
        );
        if with_login {
            // It answers a wrong login with 401.
            refuses(&proxy, "http", Some("wrong"), http_status(401));
            refuses(&proxy, "http", None, WS_E_HTTP_STATUS_PROXY_AUTH_REQ);
        }
    }
}

#[test]
fn microsocks_lets_messages_pass_with_a_login_and_without() {
    let listening = ["-i", "127.0.0.1", "-p", "{port}"];
    let Some(proxy) = Installed::start("microsocks", &listening, &[]) else { return };
    passes(&proxy, &["socks5", "socks5h"], None, &[WS_E_CANNOT_CONNECT]);
    let guarded = [&listening[..], &["-u", "user", "-P", "pass"]].concat();
    let Some(proxy) = Installed::start("microsocks", &guarded, &[]) else { return };
    passes(&proxy, &["socks5", "socks5h"], Some("pass"), &[WS_E_CANNOT_CONNECT]);
    refuses(&proxy, "socks5h", Some("wrong"), WS_E_HTTP_STATUS_PROXY_AUTH_REQ);
    refuses(&proxy, "socks5h", None, WS_E_HTTP_STATUS_PROXY_AUTH_REQ);
}

#[test]
fn dante_lets_messages_pass() {
    let configuration = "logoutput: {folder}/log\ninternal: 127.0.0.1 port = {port}\n\
         external: lo\nsocksmethod: none\nclientmethod: none\n\
         client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\n\
         socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\n";
    let files = [("danted.conf", configuration.to_owned())];
    let arguments = ["-N", "1", "-p", "{folder}/pid", "-f", "{folder}/danted.conf"];
    let Some(proxy) = Installed::start("danted", &arguments, &files) else { return };
    passes(&proxy, &["socks5", "socks5h"], None, &[WS_E_CANNOT_CONNECT]);
}
