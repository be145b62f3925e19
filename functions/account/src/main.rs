//! `account`: serves `POST /v1/account`. This file wires the parts; `start.rs` handles the request.

mod start;

use anyhow::Result;
use cloud::{Connection, Subjects};
use domain::UnixSeconds;

use crate::start::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = lambda::start(env!("CARGO_CRATE_NAME"));
    let connection = Connection::open(settings.text("AWS_REGION")?, settings.flag("S3_PATH_STYLE")?).await;
    let start = Start {
        subjects: Subjects::new(
            &connection,
            settings.text("IDENTITIES_TABLE")?,
            settings.text("RECORDS_TABLE")?,
        ),
        data_key: settings.text("DATA_KEY")?,
    };
    lambda::serve_http(|request, now| start.handle(request, UnixSeconds::of(now)))
        .await
        .map_err(anyhow::Error::from_boxed)
}
