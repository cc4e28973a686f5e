//! Each fault does what it says, to the byte.

mod ends;

use dstream_fault_proxy::{Break, Direction, Faults, Plan};
use ends::{Ends, exactly, is_silent, receive, send};
use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

/// Bytes of which no two pieces are alike.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| ((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

fn to_server(direction: Direction) -> Plan {
    Plan::every(Faults::to_server(direction))
}

#[test]
fn without_faults_all_bytes_pass_both_ways_to_their_end() {
    let ends = Ends::new(Plan::pass());
    let (client, mut server) = ends.connect();
    let sent = bytes(3 << 20);
    let sender = send(client, sent.clone());
    assert_eq!(exactly(&mut server, sent.len()), sent);
    let mut client = sender.join().unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(receive(&mut server), (vec![], None));
    // One direction has ended, the other has not.
    let sender = send(server, sent.clone());
    assert_eq!(exactly(&mut client, sent.len()), sent);
    drop(sender.join().unwrap());
    assert_eq!(receive(&mut client), (vec![], None));
    let counters = ends.proxy.counters();
    let count = sent.len() as u64;
    assert_eq!((counters.connections, counters.breaks), (1, 0));
    assert_eq!((counters.to_server, counters.to_client), (count, count));
}

#[test]
fn a_reset_comes_after_exactly_its_bytes() {
    for after in [0, 1, 1000, 65_536, 100_000] {
        let ends = Ends::new(to_server(Direction::default().after(after as u64, Break::Reset)));
        let (client, mut server) = ends.connect();
        let sent = bytes(200_000);
        let sender = send(client, sent.clone());
        assert_eq!(receive(&mut server), (sent[..after].to_vec(), Some(ErrorKind::ConnectionReset)));
        let (received, end) = receive(&mut sender.join().unwrap());
        assert_eq!(received, []);
        // The sender has learnt of it already where it was still writing.
        assert!(matches!(end, None | Some(ErrorKind::ConnectionReset)), "{end:?}");
        assert_eq!(ends.proxy.counters().breaks, 1);
    }
}

#[test]
fn a_cut_is_an_end_for_both_after_exactly_its_bytes() {
    for after in [0, 1, 65_536, 100_000] {
        let ends =
            Ends::new(Plan::every(Faults::to_client(Direction::default().after(after as u64, Break::Cut))));
        let (mut client, server) = ends.connect();
        let sent = bytes(200_000);
        let sender = send(server, sent.clone());
        assert_eq!(receive(&mut client), (sent[..after].to_vec(), None));
        assert_eq!(receive(&mut sender.join().unwrap()), (vec![], None));
    }
}

#[test]
fn a_black_hole_swallows_one_direction_and_keeps_the_sockets_open() {
    let ends = Ends::new(to_server(Direction::default().after(10, Break::BlackHole)));
    let (mut client, mut server) = ends.connect();
    client.write_all(&bytes(30)).unwrap();
    assert_eq!(exactly(&mut server, 10), bytes(10));
    client.shutdown(Shutdown::Write).unwrap();
    assert!(is_silent(&mut server));
    server.write_all(b"answer").unwrap();
    assert_eq!(exactly(&mut client, 6), b"answer");
    assert!(is_silent(&mut client));
    assert_eq!(ends.proxy.counters().to_server, 10);
}

#[test]
fn slices_pass_alone_and_in_order() {
    for (slice, pieces) in [(1, 5000), (7, 715), (5000, 1)] {
        let ends = Ends::new(to_server(Direction::default().slices(slice)));
        let (mut client, mut server) = ends.connect();
        client.write_all(&bytes(5000)).unwrap();
        assert_eq!(exactly(&mut server, 5000), bytes(5000));
        assert!(ends.proxy.counters().pieces >= pieces, "slices of {slice}");
    }
}

#[test]
fn latency_holds_every_piece_back() {
    let ends = Ends::new(Plan::every(Faults::both(Direction::default().latency(Duration::from_millis(30)))));
    let (mut client, mut server) = ends.connect();
    let start = Instant::now();
    for _ in 0..2 {
        client.write_all(b"?").unwrap();
        exactly(&mut server, 1);
        server.write_all(b"!").unwrap();
        exactly(&mut client, 1);
    }
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[test]
fn a_narrow_line_is_no_faster_than_it_says() {
    let rate = NonZeroU64::new(100_000).unwrap();
    let ends = Ends::new(to_server(Direction::default().bandwidth(rate)));
    let (mut client, mut server) = ends.connect();
    let start = Instant::now();
    client.write_all(&bytes(22_000)).unwrap();
    assert_eq!(exactly(&mut server, 22_000), bytes(22_000));
    // The last step of 20 ms is not waited for by the reader.
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_slow_close_holds_the_end_back() {
    let ends = Ends::new(to_server(Direction::default().slow_close(Duration::from_millis(80))));
    let (mut client, mut server) = ends.connect();
    client.write_all(b"all").unwrap();
    assert_eq!(exactly(&mut server, 3), b"all");
    let start = Instant::now();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(receive(&mut server), (vec![], None));
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[test]
fn bytes_are_replaced_in_the_stream() {
    let ends = Ends::new(Plan::every(Faults::to_client(Direction::default().replace("15.18", "09.18"))));
    let (mut client, mut server) = ends.connect();
    server.write_all(b"version 15.").unwrap();
    server.write_all(b"18 of 15.18 and 15.1").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    let (received, end) = receive(&mut client);
    let all = String::from_utf8(received).unwrap();
    assert!(all.ends_with(" of 09.18 and 15.1"), "{all}");
    assert_eq!(end, None);
}

#[test]
fn faults_are_combined() {
    let direction = Direction::default().replace("ab", "xy").slices(1).after(5, Break::Cut);
    let ends = Ends::new(to_server(direction));
    let (mut client, mut server) = ends.connect();
    client.write_all(b"ababababab").unwrap();
    assert_eq!(receive(&mut server), (b"xyxyx".to_vec(), None));
}
