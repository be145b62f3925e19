//! Slow stores: a function of the API answers before Lambda ends it at the time limit.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use local_stack::{Answer, FunctionProcess, Overlay, Python, Stopwatch, transformed_template};
use serde_json::Value;

use crate::app::built;
use crate::workbench::sample;

/// The delay of every call to a store: short enough for one call, and too long for the four calls that a new account
/// needs.
const DELAY: Duration = Duration::from_millis(2_600);

/// Starts stores that answer each call after [`DELAY`], and returns their URL. The answer holds no item and a wrapped
/// key.
fn slow_stores() -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || answer_slowly(&connection));
        }
    });
    Ok(address)
}

fn answer_slowly(connection: &TcpStream) -> Result<()> {
    let body = r#"{"CiphertextBlob":"AAAA","KeyId":"k"}"#;
    let mut reader = BufReader::new(connection);
    loop {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            ensure!(reader.read_line(&mut line)? > 0, "closed");
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        std::thread::sleep(DELAY);
        let mut writer = connection;
        write!(
            writer,
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}

#[test]
fn a_function_with_slow_stores_answers_before_its_time_limit() -> Result<()> {
    let template = transformed_template(&Python::for_stack(&|_step| {})?, Overlay::None)?;
    let limit = &template["Resources"]["AccountFunction"]["Properties"]["Timeout"];
    let limit = Duration::from_secs(limit.as_u64().context("no time limit")?);
    let endpoint = slow_stores()?;
    let environment = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("IDENTITIES_TABLE", "identities"),
        ("RECORDS_TABLE", "records"),
        ("DATA_KEY", "key"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let binary = built().plain.get("account").context("no such function")?;
    let mut account = FunctionProcess::start_with_time_limit(binary, &environment, limit)?;
    account.wait_until_ready(Duration::from_secs(60))?;

    let start = Stopwatch::start();
    let answer = account.invoke(&sample("account/start.json")?, Duration::from_secs(60))?;
    let took = start.elapsed();
    ensure!(took < limit, "{took:?} is beyond the limit: {answer:?}");
    let Answer::Returned(answer) = answer else { anyhow::bail!("{answer:?}") };
    ensure!(answer["statusCode"] == 503, "{answer}");
    let problem: Value = serde_json::from_str(answer["body"].as_str().context("no body")?)?;
    ensure!(problem["code"] == "unavailable", "{problem}");
    // The process survives and serves the next request.
    let again = account.invoke(&sample("account/start.json")?, Duration::from_secs(60))?;
    ensure!(matches!(again, Answer::Returned(_)), "{again:?}");
    Ok(())
}
