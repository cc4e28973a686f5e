//! Faults in the protocol of PostgreSQL, between psql and a server.

use dstream_fault_proxy::{Break, Direction, Faults, Plan, Proxy};
use dstream_postgres_server::{Database, Server};
use std::process::Output;

/// Two transactions, each in a message of its own.
const TRANSACTIONS: [&str; 2] =
    ["begin; insert into rows values (1); commit", "begin; insert into rows values (2); commit"];

/// A database with a table, and a proxy before its server.
fn behind(plan: Plan) -> (Database, Proxy) {
    let database = Server::shared().database("proxy");
    database.psql("create table rows (id int8)").expect("a table can be made");
    let upstream =
        format!("{}:{}", database.host(), database.port()).parse().expect("the server has an address");
    let proxy = Proxy::start(upstream, plan).expect("the proxy starts");
    (database, proxy)
}

fn psql(database: &Database, proxy: &Proxy, messages: &[&str]) -> Output {
    let mut psql = database.command("psql");
    psql.env("PGHOST", "127.0.0.1").env("PGPORT", proxy.address().port().to_string());
    psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1"]);
    psql.args(messages.iter().flat_map(|message| ["-c", message])).output().expect("psql starts")
}

#[test]
fn a_commit_whose_reply_is_cut_is_a_commit_that_looks_lost() {
    for how in [Break::Reset, Break::Cut] {
        for (nth, rows) in [(1, "1"), (2, "1\n2")] {
            let plan = Plan::every(Faults::to_client(Direction::default().before_reply("COMMIT", nth, how)));
            let (database, proxy) = behind(plan);
            let said = psql(&database, &proxy, &TRANSACTIONS);
            assert_eq!(said.status.code(), Some(2), "{said:?}");
            let complaint = String::from_utf8_lossy(&said.stderr).into_owned();
            assert!(complaint.contains("connection to server was lost"), "{complaint}");
            assert_eq!(proxy.counters().breaks, 1);
            assert_eq!(database.psql("select id from rows order by id").unwrap(), rows);
        }
    }
}

#[test]
fn a_tag_that_does_not_come_breaks_nothing() {
    let plan = Plan::every(Faults::to_client(Direction::default().before_reply("COMMIT", 3, Break::Reset)));
    let (database, proxy) = behind(plan);
    assert!(psql(&database, &proxy, &TRANSACTIONS).status.success());
    assert_eq!(database.psql("select count(*) from rows").unwrap(), "2");
}

#[test]
fn a_session_in_slices_of_one_byte_works() {
    let (database, proxy) = behind(Plan::every(Faults::both(Direction::default().slices(1))));
    let said = psql(&database, &proxy, &["select repeat('x', 20000)"]);
    assert_eq!(String::from_utf8(said.stdout).unwrap(), format!("{}\n", "x".repeat(20_000)));
}

#[test]
fn a_server_can_be_made_to_look_older() {
    let (database, proxy) = behind(Plan::pass());
    let version = database.psql("show server_version").unwrap();
    let (find, with) = (format!("server_version\0{}", &version[..2]), "server_version\x0009");
    proxy.set_plan(Plan::every(Faults::to_client(Direction::default().replace(find, with))));
    let shown = psql(&database, &proxy, &[r"\echo :SERVER_VERSION_NAME"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown.trim_end(), format!("09{}", &version[2..]));
}
