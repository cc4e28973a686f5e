//! A private PostgreSQL server for tests, chaos and benches: its own folder, its own port, gone with the process.
//!
//! ```no_run
//! let orders = dstream_postgres_server::Server::shared().database("orders");
//! orders.psql("create table orders (id int8 primary key)").unwrap();
//! println!("{}", orders.url());
//! ```
//!
//! A test that stops or kills the server starts one of its own with [`Server::start`]; every other one makes
//! databases on [`Server::shared`].

mod address; // where a server is, and `psql` against it
#[cfg(feature = "tls")]
mod certificates; // for a server that speaks TLS
mod database; // one database, dropped with its value
mod folder; // initdb, and who may log in
mod options; // what a server can be started with
mod port; // a port that stays free while the server is down
mod postmaster; // the process: started, ready, stopped
mod processor; // the processor time of a server
mod programs; // where PostgreSQL is installed, and as whom it runs
mod server; // all of it together
mod shared; // one server for all tests
mod watcher; // ends the server when this process is gone

pub use address::Address;
#[cfg(feature = "tls")]
pub use certificates::{CERTIFIED, Certificates};
pub use database::Database;
pub use options::Options;
#[cfg(feature = "tls")]
pub use options::Tls;
pub use programs::{Programs, WHAT_TO_INSTALL};
pub use server::Server;
pub use shared::{SHARED_SERVER, Shared};
