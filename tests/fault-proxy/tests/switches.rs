//! What a test changes while connections are open, and what is left when it is done.

mod ends;

use dstream_fault_proxy::{Break, Direction, Faults, Plan, Proxy};
use ends::{Ends, LIMIT, exactly, is_silent, receive, send};
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

#[test]
fn a_proxy_that_is_down_refuses_and_keeps_what_is_open() {
    let ends = Ends::new(Plan::pass());
    let (mut client, mut server) = ends.connect();
    let address = ends.proxy.address();
    for _ in 0..3 {
        ends.proxy.down();
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        client.write_all(b"still").unwrap();
        assert_eq!(exactly(&mut server, 5), b"still");
        ends.proxy.up();
        let (mut client, mut server) = ends.connect();
        client.write_all(b"again").unwrap();
        assert_eq!(exactly(&mut server, 5), b"again");
    }
    assert_eq!(ends.proxy.counters().connections, 4);
}

#[test]
fn a_frozen_proxy_passes_everything_on_once_it_thaws() {
    let ends = Ends::new(Plan::pass());
    let (mut client, mut server) = ends.connect();
    client.write_all(b"before").unwrap();
    assert_eq!(exactly(&mut server, 6), b"before");
    ends.proxy.freeze();
    client.write_all(b"after").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(is_silent(&mut server));
    ends.proxy.thaw();
    assert_eq!(receive(&mut server), (b"after".to_vec(), None));
}

#[test]
fn all_connections_are_reset_at_once() {
    let ends = Ends::new(Plan::pass());
    let mut open: Vec<_> = (0..5).map(|_| ends.connect()).collect();
    for (client, server) in &mut open {
        client.write_all(b"?").unwrap();
        exactly(server, 1);
    }
    ends.proxy.reset_all();
    for (client, server) in &mut open {
        assert_eq!(receive(client), (vec![], Some(ErrorKind::ConnectionReset)));
        assert_eq!(receive(server), (vec![], Some(ErrorKind::ConnectionReset)));
    }
    let (mut client, mut server) = ends.connect();
    client.write_all(b"new").unwrap();
    assert_eq!(exactly(&mut server, 3), b"new");
}

#[test]
fn a_plan_counts_connections_from_the_moment_it_is_set() {
    let faults = || Faults::to_server(Direction::default().after(1, Break::Cut));
    let ends = Ends::new(Plan::pass());
    let lengths = |count: usize| -> Vec<usize> {
        let length = |_| {
            let (mut client, mut server) = ends.connect();
            client.write_all(b"four").unwrap();
            drop(client);
            receive(&mut server).0.len()
        };
        (0..count).map(length).collect()
    };
    assert_eq!(lengths(2), [4, 4]);
    ends.proxy.set_plan(Plan::only(1, faults()));
    assert_eq!(lengths(3), [4, 1, 4]);
    ends.proxy.set_plan(Plan::first(2, faults()));
    assert_eq!(lengths(3), [1, 1, 4]);
    ends.proxy.set_plan(Plan::with(move |number| if number % 2 == 0 { faults() } else { Faults::default() }));
    assert_eq!(lengths(4), [1, 4, 1, 4]);
}

#[test]
fn a_client_of_a_server_that_is_gone_is_reset() {
    let gone = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let proxy = Proxy::start(gone, Plan::pass()).unwrap();
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(receive(&mut client), (vec![], Some(ErrorKind::ConnectionReset)));
}

#[test]
fn a_side_that_goes_by_a_reset_takes_the_other_with_it() {
    let ends = Ends::new(Plan::pass());
    let (mut client, server) = ends.connect();
    client.write_all(b"never read").unwrap();
    assert!(ends.proxy.wait_for(LIMIT, |counters| counters.to_server == 10));
    // A socket that is closed with unread bytes sends a reset.
    drop(server);
    assert_eq!(receive(&mut client), (vec![], Some(ErrorKind::ConnectionReset)));
}

#[test]
fn a_dropped_proxy_ends_whatever_it_was_doing() {
    let hole = Direction::default().after(0, Break::BlackHole);
    let slow = Direction::default().latency(Duration::from_secs(3600));
    let plan = Plan::with(move |number| match number {
        0 => Faults::both(hole.clone()),
        1 => Faults::both(slow.clone()),
        _ => Faults::default(),
    });
    let ends = Ends::new(plan);
    let mut open: Vec<_> = (0..3).map(|_| ends.connect()).collect();
    // Nobody reads these: the proxy hangs in a write.
    let senders: Vec<_> =
        open.iter().map(|(client, _)| send(client.try_clone().unwrap(), vec![0; 64 << 20])).collect();
    assert!(ends.proxy.wait_for(LIMIT, |counters| counters.to_server > 0));
    let address = ends.proxy.address();
    drop(ends);
    for sender in senders {
        sender.join().unwrap();
    }
    for (_, server) in &mut open {
        assert_eq!(receive(server).1, Some(ErrorKind::ConnectionReset));
    }
    assert!(TcpStream::connect(address).is_err());
}
