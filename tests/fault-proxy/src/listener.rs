//! Takes connections, or refuses them.

use anyhow::{Context, Result};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::link::Link;
use crate::pump::{self, Way};
use crate::shared::{POLL, Shared};

/// How long a connection may wait to be taken.
const ACCEPT_POLL: Duration = Duration::from_millis(2);

/// A listener on a free port below those that systems give to outgoing connections: one of them could take the port
/// while the proxy is down, or reach itself there.
pub(crate) fn bind() -> Result<TcpListener> {
    let start = RandomState::new().hash_one(0) % 17_000;
    (0..17_000)
        .filter_map(|step| u16::try_from(15_000 + (start + step) % 17_000).ok())
        .find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .context("there is no free port")
}

/// Takes connections until the proxy ends; without a listener, so that they are refused, while it is down.
pub(crate) fn run(shared: &Arc<Shared>, address: SocketAddr, listener: TcpListener) {
    let mut listener = Some(listener);
    let mut connections: Vec<JoinHandle<()>> = Vec::new();
    loop {
        let wish = shared.wish();
        if wish.ended {
            break;
        }
        if wish.down != listener.is_none() {
            let down = wish.down;
            drop(wish);
            // A port that somebody has taken meanwhile is waited for.
            listener = if down { None } else { TcpListener::bind(address).ok() };
            let listens = listener.is_some();
            shared.change(|wish| wish.listens = listens);
            if !down && !listens {
                drop(shared.wait(shared.wish(), POLL));
            }
            continue;
        }
        let Some(open) = &listener else {
            drop(shared.wait(wish, POLL));
            continue;
        };
        drop(wish);
        match open.set_nonblocking(true).and_then(|()| open.accept()) {
            Ok((client, _)) => {
                connections.retain(|connection| !connection.is_finished());
                let shared = Arc::clone(shared);
                let faults = shared.next_faults();
                connections.push(thread::spawn(move || carry(&shared, client, faults)));
            }
            Err(_) => drop(shared.wait(shared.wish(), ACCEPT_POLL)),
        }
    }
    drop(listener);
    shared.reset_all();
    for connection in connections {
        let _ = connection.join();
    }
}

/// Carries one connection, a thread for each direction.
fn carry(shared: &Shared, client: TcpStream, faults: crate::plan::Faults) {
    let Ok(link) = Link::connect(client, shared.upstream) else { return };
    let link = Arc::new(link);
    shared.remember(&link);
    thread::scope(|scope| {
        scope.spawn(|| pump::run(shared, &link, Way::ToServer, faults.to_server));
        pump::run(shared, &link, Way::ToClient, faults.to_client);
    });
    if shared.wish().ended {
        link.reset();
    }
}
