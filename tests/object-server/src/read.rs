//! What is in a bucket, asked as any client of S3 asks: by a listing, and object by object.

use anyhow::{Context, Result, bail, ensure};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::{BUCKET, S3Server};

/// The server looks whether there is one, not what it says.
const SIGNED: &str = "authorization: AWS4-HMAC-SHA256 Credential=key/20240229/us-east-1/s3/aws4_request, \
                      SignedHeaders=host, Signature=0";

/// A request is made again so often.
const ATTEMPTS: u32 = 20;

/// An object of a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedObject {
    /// Its name.
    pub key: String,
    /// Another one where the bytes are others.
    pub tag: String,
}

impl S3Server {
    /// All objects of the bucket whose keys begin with `prefix`, in the order of their keys.
    ///
    /// # Errors
    /// The server does not answer, or says something else.
    pub fn objects(&self, prefix: &str) -> Result<Vec<ListedObject>> {
        let mut all: Vec<ListedObject> = Vec::new();
        loop {
            let after = all.last().map(|last| format!("&start-after={}", escaped(&last.key)));
            let query = format!("list-type=2&prefix={}{}", escaped(prefix), after.unwrap_or_default());
            let (status, body) = self.get(&format!("/{BUCKET}?{query}"))?;
            let text = String::from_utf8(body)?;
            ensure!(status == 200, "the listing of `{prefix}`: {status}: {text}");
            for listed in text.split("<Contents>").skip(1) {
                let element = |name: &str| -> Result<String> {
                    let rest =
                        listed.split_once(&format!("<{name}>")).context("a listing has keys and tags")?.1;
                    Ok(unescaped(rest.split('<').next().unwrap_or_default()))
                };
                all.push(ListedObject { key: element("Key")?, tag: element("ETag")? });
            }
            if text.contains("<IsTruncated>false<") {
                return Ok(all);
            }
        }
    }

    /// The bytes of an object; `None` where there is none.
    ///
    /// # Errors
    /// The server does not answer, or says something else.
    pub fn object(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self.get(&format!("/{BUCKET}/{}", escaped(key)))? {
            (200, body) => Ok(Some(body)),
            (404, _) => Ok(None),
            (status, body) => bail!("`{key}`: {status}: {}", String::from_utf8_lossy(&body)),
        }
    }

    /// Asks again where the server says that it failed, as it does of a listing amid which a key came or went.
    fn get(&self, target: &str) -> Result<(u16, Vec<u8>)> {
        for _ in 0..ATTEMPTS {
            let answer = self.get_once(target)?;
            if answer.0 < 500 {
                return Ok(answer);
            }
        }
        self.get_once(target)
    }

    fn get_once(&self, target: &str) -> Result<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(
            format!("GET {target} HTTP/1.1\r\nhost: s3\r\nconnection: close\r\n{SIGNED}\r\n\r\n").as_bytes(),
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("an answer without head")?;
        let body = answer.split_off(end + 4);
        let head = String::from_utf8(answer)?.to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        ensure!(length == Some(body.len()), "an answer that is cut short: {head}");
        Ok((status.context("an answer without status")?, body))
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            true => escaped.push(byte.into()),
            false => write!(escaped, "%{byte:02X}").expect("a text takes all that is written"),
        }
    }
    escaped
}

fn unescaped(xml: &str) -> String {
    let names =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    names.iter().fold(xml.to_owned(), |text, (name, letter)| text.replace(name, letter))
}
