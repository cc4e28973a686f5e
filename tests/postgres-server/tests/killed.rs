//! A process that is killed leaves no server behind.
#![cfg(unix)]

use dstream_postgres_server::{Options, Server};
use std::env;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_killed_process_leaves_no_server_behind() {
    let mut victim = Command::new(env::current_exe().unwrap());
    victim.args(["--exact", "the_process_that_is_killed", "--ignored", "--nocapture"]);
    let mut victim = victim.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(victim.stdout.take().unwrap()).lines();
    let server = said.find_map(|line| Some(line.unwrap().split_once("server ")?.1.to_owned())).unwrap();
    let (port, folder) = server.split_once(' ').unwrap();
    let (port, folder): (u16, _) = (port.parse().unwrap(), PathBuf::from(folder));
    assert!(folder.exists());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());

    victim.kill().unwrap();
    victim.wait().unwrap();

    let until = Instant::now() + Duration::from_secs(60);
    while folder.exists() {
        assert!(Instant::now() < until, "`{}` is still there", folder.display());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
#[ignore = "it is started by the test above"]
fn the_process_that_is_killed() {
    let server = Server::start(&Options::default()).unwrap();
    println!("server {} {}", server.address().port, server.folder().display());
    // Ends with the one that kills this, should it fail to.
    let _ = std::io::stdin().read(&mut [0]);
}
