//! `templates`: serves `GET /v1/templates`, the catalogue. This file wires the parts; `list.rs` handles the request.

mod list;

use anyhow::Result;
use cloud::{Connection, Templates};
use lambda::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    lambda::telemetry::start(env!("CARGO_CRATE_NAME"));
    let settings = Settings::of_process();
    let path_style = settings.value_or("S3_PATH_STYLE", 0_u8)? == 1;
    let connection = Connection::open(settings.text("AWS_REGION")?, path_style).await;
    let templates = Templates::new(&connection, settings.text("TEMPLATES_BUCKET")?);
    lambda::serve_http(|request, _now| list::handle(&templates, request))
        .await
        .map_err(anyhow::Error::from_boxed)
}
