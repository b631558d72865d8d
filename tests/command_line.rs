//! The binary from outside: what its commands print and how they exit.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::net::TcpListener;
use std::process::{Command, Output};

const GOOD: [(&str, &str); 3] = [
    ("CONNECT_NOVU__API_KEY", "s3cret-novu"),
    ("CONNECT_SLACK__SIGNING_SECRETS", "s3cret-slack"),
    ("CONNECT_SLACK__INTEGRATION", "slack"),
];

fn run(arguments: &[&str], env: &[(&str, &str)]) -> Output {
    // A service that starts makes its store where it is.
    let folder = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_novu-connect-bot"))
        .args(arguments)
        .current_dir(&folder)
        .env_clear()
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn check_is_fine_with_a_good_configuration() {
    let output = run(&["check"], &GOOD);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).ends_with("configuration is fine\n"), "{output:?}");
    assert!(!text(&output.stdout).contains("s3cret"), "{output:?}");
}

#[test]
fn a_warning_is_shown_by_check_and_logged_by_serve_and_stops_neither() {
    // The address is taken, so the service ends once it has read its configuration.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let mut env = GOOD.to_vec();
    env.push(("CONNECT_NOVU__API_URL", "http://novu.example:3000"));
    env.push(("CONNECT_SERVER__LISTEN", &listen));
    let warning = "novu.api_url (CONNECT_NOVU__API_URL) is plain http to another machine";

    let check = run(&["check"], &env);
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    assert!(text(&check.stdout).contains(&format!("\nwarning: {warning}")), "{check:?}");

    let serve = run(&["serve"], &env);
    assert_eq!(serve.status.code(), Some(1), "{serve:?}");
    let mut lines = text(&serve.stderr).lines();
    let logged = lines.any(|line| line.contains("\"WARN\"") && line.contains(warning));
    assert!(logged, "{serve:?}");
}

#[test]
fn a_bad_configuration_stops_every_command_that_needs_it() {
    let told = |output: &Output| [text(&output.stdout), text(&output.stderr)].concat();
    for command in ["check", "serve"] {
        let output = run(&[command], &[("CONNECT_SLACK__INTEGRATION", "slack")]);
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        let told = told(&output);
        assert!(told.contains("CONNECT_NOVU__API_KEY"), "{output:?}");
        assert!(told.contains("CONNECT_SLACK__SIGNING_SECRETS"), "{output:?}");
    }
}

#[test]
fn the_file_comes_by_argument_or_variable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connect.toml");
    std::fs::write(&path, "[server]\nlisten = '127.0.0.1:4242'\n").unwrap();
    let path = path.to_str().unwrap();
    let by_argument = run(&["check", "--config", path], &GOOD);
    let mut env = GOOD.to_vec();
    env.push(("CONNECT_CONFIG", path));
    let by_variable = run(&["check"], &env);
    for output in [by_argument, by_variable] {
        assert!(text(&output.stdout).contains("127.0.0.1:4242"), "{output:?}");
    }
    let missing = run(&["check", "--config", "/does/not/exist.toml"], &GOOD);
    assert_eq!(missing.status.code(), Some(64));
    assert!(text(&missing.stdout).contains("cannot be read"), "{missing:?}");
}

#[test]
fn a_file_is_blamed_for_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let head = "platform,workspace,user,subscriber";
    let table = |name: &str| format!("[identity]\nchain = ['table']\ntable = '{name}'\n");
    let in_folder = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, content: &[u8]| {
        std::fs::write(in_folder(name), content).unwrap();
        table(&in_folder(name)).into_bytes()
    };
    let cases: Vec<(Vec<u8>, String)> = vec![
        (
            [b"\xff\xfe".to_vec(), utf16("[novu]")].concat(),
            "The configuration file is encoded as UTF-16: save it as UTF-8.".to_owned(),
        ),
        (
            b"[novu]\n# caf\xe9\n".to_vec(),
            "The configuration file is not UTF-8, in line 2: save it as UTF-8.".to_owned(),
        ),
        (
            b"[novu]\n\n[server\n".to_vec(),
            "The configuration file is not TOML: correct line 3.".to_owned(),
        ),
        (
            b"[Novu]\ntimeout = '1s'\n".to_vec(),
            "There is no section [Novu]: remove it or correct it to [novu].".to_owned(),
        ),
        (
            write("a.csv", format!("{}\nslack;T1;U1;a\n", head.replace(',', ";")).as_bytes()),
            format!(
                "identity.table ({}) cannot be used: line 1 separates the columns by semicolons: use \
                 commas",
                in_folder("a.csv")
            ),
        ),
        (
            write("b.csv", &utf16(head)),
            format!(
                "identity.table ({}) cannot be used: the file is encoded as UTF-16: save it as UTF-8",
                in_folder("b.csv")
            ),
        ),
        (
            table(&in_folder("c.csv")).into_bytes(),
            format!(
                "identity.table ({}) cannot be used: the file cannot be read: No such file or \
                 directory (os error 2)",
                in_folder("c.csv")
            ),
        ),
    ];
    let path = in_folder("connect.toml");
    for (content, words) in cases {
        std::fs::write(&path, content).unwrap();
        let output = run(&["check", "--config", &path], &GOOD);
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        let problems: Vec<_> =
            text(&output.stdout).lines().filter(|line| line.starts_with("- ")).collect();
        assert_eq!(problems, [format!("- {words}")]);
    }
    std::fs::write(&path, b"\xef\xbb\xbf[novu]\ntimeout = '1s'\n").unwrap();
    let marked = run(&["check", "--config", &path], &GOOD);
    assert_eq!(marked.status.code(), Some(0), "{marked:?}");
}

#[test]
fn a_secrets_file_is_blamed_for_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    for (content, words) in [
        (&b"\xff\xfek\0"[..], "names a file that is encoded as UTF-16: save it as UTF-8"),
        (b"k\xff", "names a file that is not UTF-8, in line 1"),
        (b"\"key\"\n", "stands in quotation marks"),
    ] {
        std::fs::write(&path, content).unwrap();
        let mut env = GOOD.to_vec();
        env[0] = ("CONNECT_NOVU__API_KEY_FILE", path.to_str().unwrap());
        let output = run(&["check"], &env);
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        assert!(text(&output.stdout).contains(words), "{output:?}");
        assert!(text(&output.stdout).ends_with("\n1 problem to solve\n"), "{output:?}");
    }
}

#[test]
fn what_is_pasted_into_the_wrong_place_stops_check_and_serve_alike() {
    for (name, value, words) in [
        ("CONNECT_NOVU__API_KEY", "\"s3cret\"", "stands in quotation marks"),
        ("CONNECT_NOVU__API_URL", "https://api.novu.co/v1/", "ends with a version"),
        ("CONNECT_NOVU__API_URL", "https://dashboard.novu.co", "is not Novu's API"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "xoxb-s3cret", "is a token"),
        ("CONNECT_SLACK__LINK_HOSTS", "com", "is no host"),
        ("CONNECT_LOG", "inof", "CONNECT_LOG has a word that is no level"),
    ] {
        let mut env = GOOD.to_vec();
        env.retain(|(known, _)| *known != name);
        env.push((name, value));
        for command in ["check", "serve"] {
            let output = run(&[command], &env);
            let told = [text(&output.stdout), text(&output.stderr)].concat();
            assert_eq!(output.status.code(), Some(64), "{output:?}");
            assert!(told.contains(words) && !told.contains("s3cret"), "{output:?}");
        }
    }
}

#[test]
fn wrong_arguments_are_told_apart_from_help() {
    assert_eq!(run(&["--help"], &[]).status.code(), Some(0));
    assert_eq!(run(&["--version"], &[]).status.code(), Some(0));
    for arguments in [&[][..], &["dance"], &["serve", "--loudly"]] {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn nobody_listening_is_unhealthy() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut env = GOOD.to_vec();
    env.push(("CONNECT_SERVER__LISTEN", &free));
    let output = run(&["healthcheck"], &env);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("nobody answers"), "{output:?}");
}

#[test]
fn a_health_check_needs_no_more_than_the_address() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connect.toml");
    std::fs::write(&path, format!("[server]\nlisten = '{free}'\n")).unwrap();
    let path = path.to_str().unwrap();
    // The service may have been started with a file that the check is not told of.
    for (arguments, env) in [
        (&["healthcheck"][..], &[("CONNECT_SERVER__LISTEN", &*free)][..]),
        (&["healthcheck", "--config", path], &[]),
        (&["healthcheck"], &[("CONNECT_CONFIG", path)]),
        (&["healthcheck", "--address", &free], &[("CONNECT_CONFIG", path)]),
        (&["healthcheck", "--address", &free], &[]),
    ] {
        let output = run(arguments, env);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output.stderr).contains(&free), "{output:?}");
    }
    let wrong = run(&["healthcheck"], &[("CONNECT_SERVER__LISTEN", "here")]);
    assert_eq!(wrong.status.code(), Some(64), "{wrong:?}");
    assert!(text(&wrong.stderr).contains("server.listen"), "{wrong:?}");
}

#[test]
fn an_operators_address_that_is_taken_stops_the_start_with_the_fix() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).unwrap();
    let mut env = GOOD.to_vec();
    env.extend([
        ("CONNECT_SERVER__LISTEN", "127.0.0.1:0"),
        ("CONNECT_SERVER__OPS_LISTEN", &*taken.1),
    ]);
    let output = run(&["serve"], &env);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = [text(&output.stdout), text(&output.stderr)].concat();
    assert!(told.contains(&taken.1) && told.contains("set server.ops_listen"), "{output:?}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_unicode_is_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let output = Command::new(env!("CARGO_BIN_EXE_novu-connect-bot"))
        .arg("check")
        .env_clear()
        .envs(GOOD)
        .env("CONNECT_NOVU__API_KEY", OsStr::from_bytes(b"key\xff"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stdout).contains("not valid UTF-8"), "{output:?}");
}
