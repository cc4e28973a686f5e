//! A TCP proxy between a client and a server that breaks connections on request: exactly there, every time.
//!
//! ```
//! use dstream_fault_proxy::{Break, Direction, Faults, Plan, Proxy};
//!
//! # fn main() -> anyhow::Result<()> {
//! # let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
//! # let server = listener.local_addr()?;
//! // The first connection is reset after 64 KiB to the server, later ones are left alone.
//! let faults = Faults::to_server(Direction::default().after(64 << 10, Break::Reset));
//! let proxy = Proxy::start(server, Plan::first(1, faults))?;
//! println!("connect to {}", proxy.address());
//! # Ok(())
//! # }
//! ```

mod link; // one connection: two sockets, and how they end
mod listener; // takes connections, or refuses them
mod plan; // what happens to which connection
mod proxy; // what a test holds
mod pump; // carries the bytes of one direction
mod replace; // other bytes in place of some
mod replies; // finds a reply in what PostgreSQL sends
mod shared; // what all threads of a proxy know

pub use plan::{Break, Direction, Faults, Plan};
pub use proxy::Proxy;
pub use shared::Counters;
