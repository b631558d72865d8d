use super::*;

fn parsed(text: &str) -> Location {
    location(text).unwrap_or_else(|complaint| panic!("{text}: {complaint}"))
}

#[track_caller]
fn refused(text: &str, words: &str) {
    let complaint = location(text).unwrap_err();
    assert!(complaint.contains(words), "{text}: {complaint}");
    assert!(!complaint.contains("canary"), "{text}: {complaint}");
}

fn options(text: &str) -> PgConnectOptions {
    let Location::Postgres(address) = parsed(text) else { panic!("{text}") };
    address.options().clone()
}

#[test]
fn a_file_of_sqlite_is_named_with_or_without_slashes() {
    for (text, expected) in [
        ("sqlite:connect.db", "connect.db"),
        ("sqlite://connect.db", "connect.db"),
        ("sqlite:./data/connect.db", "./data/connect.db"),
        ("sqlite:/var/lib/connect.db", "/var/lib/connect.db"),
        ("sqlite:///var/lib/connect.db", "/var/lib/connect.db"),
        ("SQLite:my files/a%20b.db", "my files/a%20b.db"),
    ] {
        let Location::Sqlite(file) = parsed(text) else { panic!("{text}") };
        assert_eq!(file, Path::new(expected), "{text}");
    }
    assert!(matches!(parsed("memory"), Location::Memory));
}

#[test]
fn what_is_no_store_is_refused_with_the_fix() {
    for text in ["connect.db", "/var/lib/connect.db", "mysql://u:canary@h/d", "memory:", "redis:"] {
        refused(text, "write sqlite:FILE, postgres://USER:PASSWORD@HOST/DATABASE or memory");
    }
    for text in ["sqlite::memory:", "sqlite://:memory:", "sqlite:a.db?mode=memory"] {
        refused(text, "write memory");
    }
    for text in ["sqlite:", "sqlite://", "sqlite:///", "sqlite:data/", "sqlite:..", "sqlite:file:a"]
    {
        refused(text, "names no file");
    }
    refused("sqlite://a.db?mode=rwc", "end it with the file's name");
}

#[test]
fn an_address_of_postgresql_has_a_host_and_a_database() {
    for text in ["postgres:", "postgres://", "postgresql:///d", "postgres:///d?host="] {
        refused(text, "names no host");
    }
    for text in ["postgres://h", "postgres://h/", "postgres://u:canary@h:5432?dbname="] {
        refused(text, "names no database");
    }
    for text in [
        "postgres://u:canary/x@h/d",
        "postgres://u:canary#x@h/d",
        "postgres://u:canary @h/d",
        "postgres://h:port/d",
        "postgres://h/d?port=canary",
    ] {
        refused(text, "write it like postgres://");
    }
    for text in
        ["postgres://h/d?canary=1", "postgres://h/d?pool=canary", "postgres://h/d?SSLMODE=x"]
    {
        refused(text, "has an unknown parameter: take one of sslmode, sslrootcert");
    }
    for text in ["postgres://h/d?sslmode=canary", "postgres://h/d?sslmode=allow"] {
        refused(text, "has an sslmode that is not supported");
    }
}

#[test]
fn an_address_of_postgresql_is_read_as_other_clients_read_it() {
    let full = options("postgresql://u%40x:canary%2F@db.example.com:6432/my%20data");
    assert_eq!((full.get_host(), full.get_port()), ("db.example.com", 6432));
    assert_eq!((full.get_username(), full.get_database()), ("u@x", Some("my data")));
    assert_eq!(full.get_application_name(), Some("novu-connect-bot"));
    let named = options("postgres://h/d?application_name=ours&user=u&dbname=e");
    assert_eq!(named.get_application_name(), Some("ours"));
    assert_eq!((named.get_username(), named.get_database()), ("u", Some("e")));
    for text in ["postgres:///d?host=/run/postgresql", "postgres://%2Frun%2Fpostgresql/d"] {
        let socket = options(text);
        assert_eq!(socket.get_socket().unwrap(), Path::new("/run/postgresql"), "{text}");
    }
    assert_eq!(options("postgres://[::1]:1/d").get_host(), "::1");
}

#[test]
fn another_machine_is_verified_unless_the_address_says_otherwise() {
    // The address, how it is reached, and whether there is a warning.
    for (text, security, warned) in [
        ("postgres://db.example.com/d", "with TLS, verified", false),
        ("postgres://10.0.0.7/d", "with TLS, verified", false),
        ("postgres://h/d?sslmode=verify-full", "with TLS, verified", false),
        ("postgres://h/d?sslmode=verify-ca", "with TLS, verified but for the host's name", false),
        (
            "postgres://h/d?sslmode=require&sslrootcert=ca.pem",
            "with TLS, verified but for the host's name",
            false,
        ),
        ("postgres://h/d?sslmode=require", "with TLS, unverified", true),
        ("postgres://h/d?sslmode=prefer", "with TLS where the server has it, unverified", true),
        ("postgres://h/d?sslmode=DISABLE", "without TLS", true),
        ("postgres://localhost.example/d?sslmode=disable", "without TLS", true),
        ("postgres://127.0.0.1/d", "with TLS where the server has it, unverified", false),
        ("postgres://localhost/d", "with TLS where the server has it, unverified", false),
        ("postgres://[::1]/d", "with TLS where the server has it, unverified", false),
        ("postgres://%2Frun/d", "with TLS where the server has it, unverified", false),
        ("postgres:///d?host=/run", "with TLS where the server has it, unverified", false),
        ("postgres://localhost/d?sslmode=disable", "without TLS", false),
        ("postgres://localhost/d?host=h", "with TLS, verified", false),
        ("postgres://[2001:db8::1]/d", "with TLS, verified", false),
    ] {
        let location = parsed(text);
        assert_eq!(unverified(&location).is_some(), warned, "{text}");
        let Location::Postgres(address) = location else { panic!("{text}") };
        assert_eq!(address.security(), security, "{text}");
    }
}

#[test]
fn what_is_said_of_a_store_has_no_secret() {
    let described = |text: &str, keys: &[&str]| {
        let keys = keys.iter().map(|key| SecretString::from(*key)).collect();
        let settings = Settings { location: parsed(text), keys };
        assert!(!format!("{settings:?}").contains("canary"), "{settings:?}");
        settings.describe()[0].1.clone()
    };
    let address = "postgres://canary:canary@db.example.com/connect?password=canary&options=canary";
    assert_eq!(
        described(address, &["canary-new", "canary-old"]),
        "PostgreSQL at db.example.com:5432, database connect, with TLS, verified, sealed by 2 keys"
    );
    assert_eq!(
        described("postgres:///connect?host=/run/postgresql&sslmode=disable", &["canary"]),
        "PostgreSQL at /run/postgresql:5432, database connect, without TLS, sealed by one key"
    );
    assert_eq!(described("sqlite:a.db", &[]), "SQLite in a.db, sealed by the key file beside it");
}
