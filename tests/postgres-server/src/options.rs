//! What a server can be started with.

/// How a server is set up. [`Options::default`] is a quick one that lets everybody in.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether the server waits for the disk, as one in service does. Off, it survives a kill as well, only not the
    /// loss of power.
    pub fsync: bool,
    /// The password of the user `postgres`, asked for with SCRAM-SHA-256. Without one everybody is let in.
    pub password: Option<String>,
    /// Whether it speaks TLS.
    #[cfg(feature = "tls")]
    pub tls: Tls,
    /// More settings of `postgresql.conf`; they win over those made here.
    pub settings: Vec<(String, String)>,
}

/// Whether a server speaks TLS, with the certificates of [`Server::certificates`](crate::Server::certificates).
#[cfg(feature = "tls")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// It does not.
    #[default]
    Off,
    /// With those who ask for it.
    Offered,
    /// With everybody; others are turned away.
    Required,
}

impl Options {
    /// As they are, with one more setting of `postgresql.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Options {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// All settings, in the order in which they are given to the server.
    pub(crate) fn all_settings(&self) -> Vec<(String, String)> {
        let mut all = vec![
            // A test that asks for too many connections should wait for a lock of ours, not fail here.
            ("max_connections".to_owned(), "200".to_owned()),
            ("timezone".to_owned(), "UTC".to_owned()),
        ];
        if !self.fsync {
            all.push(("fsync".to_owned(), "off".to_owned()));
            all.push(("full_page_writes".to_owned(), "off".to_owned()));
        }
        all.extend(self.settings.iter().cloned());
        all
    }
}
