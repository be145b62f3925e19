//! `templates`: serves `GET /v1/templates`, the catalogue. This file wires the parts; `list.rs` handles the request.

mod list;

use anyhow::Result;
use cloud::{Connection, Templates};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = lambda::start(env!("CARGO_CRATE_NAME"));
    let connection = Connection::open(settings.text("AWS_REGION")?, settings.flag("S3_PATH_STYLE")?).await;
    let templates = Templates::new(&connection, settings.text("TEMPLATES_BUCKET")?);
    lambda::serve_http(|request, _now| list::handle(&templates, request))
        .await
        .map_err(anyhow::Error::from_boxed)
}
