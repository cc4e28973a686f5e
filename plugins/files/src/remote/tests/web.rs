//! Files of a web server.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::csv::Csv;
use crate::parquet::{Parquet, ParquetEncoding};
use crate::tap::Format;
use crate::testing::{encoded, encoding, read, row, try_tap_with};
use arrow::array::{Int64Array, RecordBatch};
use dstream_sdk::{ErrorKind, Result};

/// A server of one file; it ends with the test's process.
struct Web {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Web {
    fn of(content: Vec<u8>, knows_ranges: bool) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (content, noted) = (content.clone(), noted.clone());
                std::thread::spawn(move || answer(stream.unwrap(), &content, knows_ranges, &noted));
            }
        });
        Web { address, requests }
    }

    fn tap<F: Format>(&self, path: &str, auth: Value) -> Result<crate::tap::FilesTap<F>> {
        let connection = json!({"url": format!("{}/{path}", self.address), "allow_http": true});
        let config = json!({"name": "n", "type": "csv", "connection": connection, "auth": auth});
        try_tap_with(serde_json::from_value(config).unwrap())
    }
}

fn answer(stream: TcpStream, content: &[u8], knows_ranges: bool, noted: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        noted.lock().unwrap().push(head.clone());
        let range = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
        let length = content.len();
        let is_there = head.contains(" /a%20b/");
        let (status, part, more) = match range.filter(|_| knows_ranges) {
            _ if !is_there => ("404 Not Found", 0..0, String::new()),
            Some(range) => {
                let (from, to) = range.split_once('-').unwrap();
                let (from, to) =
                    (from.parse::<usize>().unwrap(), to.parse::<usize>().unwrap().min(length - 1));
                (
                    "206 Partial Content",
                    from..to + 1,
                    format!("content-range: bytes {from}-{to}/{length}\r\n"),
                )
            }
            None => ("200 OK", 0..length, String::new()),
        };
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: \"e1\"\r\n{more}\r\n", part.len());
        let body = if head.starts_with("HEAD") { &[][..] } else { &content[part] };
        if stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(body)).is_err() {
            return;
        }
    }
}

#[test]
fn a_file_of_a_web_server_is_a_stream() {
    let web = Web::of(b"a,b\n1,x\n2,y\n".to_vec(), true);
    let auth = json!({"type": "bearer", "token": "canary"});
    let tap = web.tap::<Csv>("a%20b/orders.csv?sig=canary-signature-1", auth).unwrap();
    let found = read(&tap, None).unwrap();
    assert_eq!(found.rows(), [row(&["1", "x"]), row(&["2", "y"])]);
    let requests = web.requests.lock().unwrap();
    assert!(requests.iter().all(|head| head.contains("?sig=canary-signature-1")), "{requests:?}");
    assert!(requests.iter().all(|head| head.to_lowercase().contains("authorization: bearer canary")));
}

#[test]
fn of_parquet_only_what_is_needed_is_fetched() {
    let columns = (0..4).map(|column| -> (String, arrow::array::ArrayRef) {
        let scattered = (0..400_000_i64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) ^ column);
        (format!("c{column}"), Arc::new(Int64Array::from_iter_values(scattered)))
    });
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let encoding: ParquetEncoding = encoding(json!({"row_group_rows": 200_000})).unwrap();
    let content = encoded(&encoding, &batch).unwrap();
    let length = content.len();
    let web = Web::of(content, true);
    let tap = web.tap::<Parquet>("a%20b/numbers.parquet", json!({"type": "none"})).unwrap();
    assert_eq!(read(&tap, None).unwrap().batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 400_000);
    let requests = web.requests.lock().unwrap();
    assert!(length > 8 << 20, "{length}");
    assert!(requests.len() < 16, "{}: {requests:?}", requests.len());
}

#[test]
fn of_a_large_row_group_few_blocks_are_in_memory() {
    let columns = (0..4).map(|column| -> (String, arrow::array::ArrayRef) {
        let scattered = (0..2_300_000_i64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) ^ column);
        (format!("c{column}"), Arc::new(Int64Array::from_iter_values(scattered)))
    });
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let files: ParquetEncoding = encoding(json!({"row_group_rows": 4_000_000})).unwrap();
    let content = encoded(&files, &batch).unwrap();
    assert!(content.len() > 64 << 20, "{}", content.len());
    let web = Web::of(content, true);
    let tap = web.tap::<Parquet>("a%20b/numbers.parquet", json!({"type": "none"})).unwrap();
    let found = read(&tap, None).unwrap().batches;
    let mut at = 0;
    for some in &found {
        assert!(some.columns() == batch.slice(at, some.num_rows()).columns(), "from row {at} on");
        at += some.num_rows();
    }
    assert_eq!(at, batch.num_rows());
    let requests = web.requests.lock().unwrap();
    let bytes = |head: &String| {
        let (from, to) = head.lines().find_map(|line| line.strip_prefix("range: bytes="))?.split_once('-')?;
        Some(to.trim().parse::<u64>().ok()? + 1 - from.parse::<u64>().ok()?)
    };
    let blocks: Vec<u64> = requests.iter().filter_map(bytes).collect();
    assert!(blocks.iter().all(|bytes| *bytes <= 8 << 20), "{blocks:?}");
    assert!(blocks.len() > 8 && blocks.len() < 60, "{blocks:?}");
}

#[test]
fn a_server_that_gives_no_parts_or_has_no_such_file_is_named() {
    let none = || json!({"type": "none"});
    let error =
        |web: &Web, path: &str| web.tap::<Csv>(path, none()).and_then(|tap| read(&tap, None)).err().unwrap();
    let whole = Web::of(b"a\n1\n".to_vec(), false);
    let unsupported = error(&whole, "a%20b/x.csv?sig=canary-signature-1");
    assert_eq!(unsupported.kind(), ErrorKind::Unsupported, "{unsupported}");
    let missing = error(&whole, "none/x.csv?sig=canary-signature-1");
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    for error in [unsupported, missing] {
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}
