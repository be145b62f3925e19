//! Minimal HTTP/1.1 parser for Lambda runtime requests: reads one request at a time, with a `Content-Length`.

use std::io::BufRead;

use anyhow::Context as _;

/// The parts of a request that the Runtime API needs.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) body: String,
}

impl Request {
    /// Reads the next request; `None` at the end of the connection.
    pub(crate) fn read(reader: &mut impl BufRead) -> anyhow::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let path = line.split(' ').nth(1).context("the request line has no path")?.to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().context("the Content-Length is not a number")?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Some(Self { path, body: String::from_utf8(body)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn two_requests_on_one_connection_are_read_in_turn() {
        let mut bytes: &[u8] = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\nPOST /1/response HTTP/1.1\r\ncontent-length: 4\r\n\r\nnull";
        let first = Request::read(&mut bytes).unwrap().unwrap();
        let second = Request::read(&mut bytes).unwrap().unwrap();
        assert_eq!((first.path.as_str(), first.body.as_str()), ("/next", ""));
        assert_eq!((second.path.as_str(), second.body.as_str()), ("/1/response", "null"));
        assert!(Request::read(&mut bytes).unwrap().is_none());
    }
}
