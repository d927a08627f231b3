//! Where the database is, and how to get in: from the settings' URL to what a connection needs.

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::net::IpAddr;
use std::path::Path;

/// How the connection is protected on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Verified, but for a server on this machine.
    Auto,
    /// Verified: the server's name and who signed its certificate.
    Verify,
    /// Not at all: what the network does is up to the site.
    Off,
}

/// A database on a server, and the role that connects.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Name or address of the server, or the folder of its Unix socket.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// Role.
    pub role: &'a str,
    /// Database.
    pub database: &'a str,
}

/// A database and the role that connects. Its text forms hold no password.
#[derive(Debug, Clone)]
pub struct Address {
    options: PgConnectOptions,
    shown: String,
}

impl Address {
    /// Reads `postgres://role@host:port/database`. A folder with a Unix socket is given as `?host=/run/postgresql`.
    ///
    /// # Errors
    /// What is wrong with the URL, and what to do. A password in it is refused without being repeated.
    pub fn new(
        url: &url::Url,
        password: Option<&SecretString>,
        tls: Tls,
        ca: Option<&Path>,
    ) -> Result<Self, String> {
        if url.password().is_some() {
            return Err("store.url holds a password, which would be shown with it: put it into a file and name \
                        that in store.password_file, or into PILOTHOUSE_STORE_PASSWORD"
                .into());
        }
        let role = plain(url.username(), "role")?;
        let database = plain(url.path().trim_start_matches('/'), "database")?;
        let mut host = url.host_str().unwrap_or_default().to_string();
        for (name, value) in url.query_pairs() {
            if name != "host" || !value.starts_with('/') {
                return Err(format!(
                    "store.url: `{name}` is not understood; only ?host=/FOLDER is"
                ));
            }
            host = value.into_owned();
        }
        if host.is_empty() {
            return Err("store.url names no host: write postgres://role@host/database".into());
        }
        let port = url.port().unwrap_or(5432);
        let place = Place { host: &host, port, role: &role, database: &database };
        Ok(Self::at(&place, password, tls, ca))
    }

    /// A database whose parts are known; none of them is empty.
    #[must_use]
    pub fn at(
        place: &Place<'_>,
        password: Option<&SecretString>,
        tls: Tls,
        ca: Option<&Path>,
    ) -> Self {
        let Place { host, port, role, database } = *place;
        let mut options = PgConnectOptions::new_without_pgpass()
            .username(role)
            .database(database)
            .port(port)
            .application_name("pilothouse")
            // What was acknowledged must be on the disk, whatever the server's own default is; and a session that
            // nobody reads from any more must not hold the lease's row for ever.
            .options([
                ("synchronous_commit", "on"),
                ("lock_timeout", "5s"),
                ("statement_timeout", "30s"),
                ("idle_in_transaction_session_timeout", "30s"),
            ]);
        let socket = host.starts_with('/');
        let (local, place) = if socket {
            (true, host.to_string())
        } else {
            (is_here(host), format!("{host}:{port}"))
        };
        options = if socket { options.socket(host) } else { options.host(host) };
        let verify = match tls {
            Tls::Off => false,
            Tls::Verify => true,
            Tls::Auto => !local,
        };
        options = options.ssl_mode(if verify { PgSslMode::VerifyFull } else { PgSslMode::Disable });
        if let Some(ca) = ca.filter(|_| verify) {
            options = options.ssl_root_cert(ca);
        }
        if let Some(password) = password {
            options = options.password(password.expose_secret());
        }
        Self { options, shown: format!("{role}@{place}/{database}") }
    }

    pub(in crate::adapters) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// `role@host:port/database`.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// A part of the URL, decoded.
fn plain(part: &str, what: &str) -> Result<String, String> {
    let text = url::form_urlencoded::parse(format!("x={}", part.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    if text.is_empty() {
        return Err(format!("store.url names no {what}: write postgres://role@host:5432/database"));
    }
    Ok(text)
}

fn is_here(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str, tls: Tls) -> Result<Address, String> {
        Address::new(&url::Url::parse(url).unwrap(), None, tls, None)
    }

    fn mode(url: &str, tls: Tls) -> String {
        format!("{:?}", address(url, tls).unwrap().options.get_ssl_mode())
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        let why = address("postgres://mira:hunter2@db/ops", Tls::Auto).unwrap_err();
        assert!(why.contains("store.password_file") && !why.contains("hunter2"), "{why}");
    }

    #[test]
    fn the_way_is_verified_unless_the_server_is_on_this_machine_or_a_person_says_otherwise() {
        assert_eq!(mode("postgres://mira@db.corp/ops", Tls::Auto), "VerifyFull");
        assert_eq!(mode("postgres://mira@127.0.0.1/ops", Tls::Auto), "Disable");
        assert_eq!(mode("postgres://mira@[::1]/ops", Tls::Auto), "Disable");
        assert_eq!(mode("postgres://mira@x/ops?host=/run/postgresql", Tls::Auto), "Disable");
        assert_eq!(mode("postgres://mira@127.0.0.1/ops", Tls::Verify), "VerifyFull");
        assert_eq!(mode("postgres://mira@db.corp/ops", Tls::Off), "Disable");
    }

    #[test]
    fn what_is_missing_or_not_understood_is_named() {
        for (url, what) in [
            ("postgres://db/ops", "role"),
            ("postgres://mira@db", "database"),
            ("postgres://mira@db/ops?sslmode=disable", "sslmode"),
        ] {
            let why = address(url, Tls::Auto).unwrap_err();
            assert!(why.contains(what), "{url}: {why}");
        }
    }

    #[test]
    fn no_text_of_an_address_holds_the_password() {
        let url = url::Url::parse("postgres://mira@db:5433/ops").unwrap();
        let secret = SecretString::from("hunter2");
        let address = Address::new(&url, Some(&secret), Tls::Auto, None).unwrap();
        assert_eq!(address.shown(), "mira@db:5433/ops");
    }
}
