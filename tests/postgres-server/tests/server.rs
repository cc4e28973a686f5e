//! What a private server promises to the tests that stand on it.

use dstream_postgres_server::{Options, Server};
use std::net::TcpStream;

#[test]
fn a_server_starts_and_answers() {
    let server = Server::start(&Options::default()).unwrap();
    let database = server.database("answers").unwrap();
    assert_eq!(database.psql("select 1, 'ä'; select 2").unwrap(), "1|ä\n2");
    assert!(database.psql("select 1 from nowhere; select 2").unwrap_err().to_string().contains("nowhere"));
    assert!(TcpStream::connect(("::1", database.port())).is_err());
}

#[test]
fn committed_rows_outlive_every_way_to_end_a_server() {
    let server = Server::start(&Options { fsync: true, ..Options::default() }).unwrap();
    let database = server.database("survives").unwrap();
    assert_eq!(database.psql("show fsync").unwrap(), "on");
    database.psql("create table rows (id int8)").unwrap();
    let ends: [fn(&Server) -> anyhow::Result<()>; 4] =
        [Server::stop_immediate, Server::kill9, Server::stop_fast, |_| Ok(())];
    for (ended, end) in ends.into_iter().enumerate() {
        database.psql(&format!("insert into rows values ({ended})")).unwrap();
        end(&server).unwrap();
        server.restart().unwrap();
        let ids: Vec<String> = (0..=ended).map(|id| id.to_string()).collect();
        assert_eq!(database.psql("select id from rows order by id").unwrap(), ids.join("\n"));
    }
}

#[test]
fn a_server_that_was_stopped_says_so() {
    let server = Server::start(&Options::default()).unwrap();
    assert!(server.is_running());
    server.stop_immediate().unwrap();
    assert!(!server.is_running());
    assert!(server.database("stopped").is_err());
    server.stop_immediate().unwrap();
    server.kill9().unwrap();
}

#[test]
fn two_servers_run_beside_each_other() {
    let one = Server::start(&Options::default()).unwrap();
    let other = Server::start(&Options::default()).unwrap();
    let id = |server: &Server| {
        server.address().psql("postgres", "select system_identifier from pg_control_system()").unwrap()
    };
    assert_ne!(id(&one), id(&other));
    drop(one);
    id(&other);
}

#[test]
fn a_database_goes_with_its_value_sessions_or_not() {
    let server = Server::start(&Options::default()).unwrap();
    let database = server.database("Goes \"away\"").unwrap();
    let mut session = database.command("psql");
    let mut session = session.args(["-c", "select pg_sleep(600)"]).spawn().unwrap();
    while database.psql("select count(*) from pg_stat_activity where query like '%sleep(6%'").unwrap() != "2"
    {
    }
    drop(database);
    assert!(!session.wait().unwrap().success());
    let left =
        server.address().psql("postgres", "select count(*) from pg_database where datname like 'Goes%'");
    assert_eq!(left.unwrap(), "0");
}

#[test]
fn a_password_is_asked_for_where_there_is_one() {
    let password = Some("it's a secret: 100%/@".to_owned());
    let server = Server::start(&Options { password, ..Options::default() }).unwrap();
    let database = server.database("secret").unwrap();
    let mut by_url = database.command("psql");
    let output = by_url.env_remove("PGPASSWORD").args(["-XAtw", "-c", "select 1", &database.url()]).output();
    assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), "1\n");
    let wrong = database.command("psql").env("PGPASSWORD", "wrong").args(["-Xw", "-c", "select 1"]).output();
    assert!(String::from_utf8(wrong.unwrap().stderr).unwrap().contains("password authentication failed"));
}

#[test]
fn settings_of_the_user_win() {
    let options = Options::default().setting("max_connections", "17").setting("timezone", "Asia/Tokyo");
    let server = Server::start(&options).unwrap();
    let said = server.address().psql("postgres", "show max_connections; show timezone; show fsync").unwrap();
    assert_eq!(said, "17\nAsia/Tokyo\noff");
}

#[cfg(target_os = "linux")]
#[test]
fn processor_time_counts_what_sessions_use() {
    let server = Server::start(&Options::default()).unwrap();
    let before = server.cpu_seconds().unwrap();
    server.address().psql("postgres", "select count(*) from generate_series(1, 3000000)").unwrap();
    let after = server.cpu_seconds().unwrap();
    assert!(after > before + 0.05, "{before} to {after}");
}
