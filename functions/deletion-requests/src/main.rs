//! `deletion-requests`: serves `POST` and `GET /v1/deletion-requests…` and `GET /v1/receipts/keys`. This file wires
//! the parts; `routes.rs` names the endpoints, and each endpoint has a file of its own. The function `erase` carries the
//! requests out.

mod body;
mod create;
mod endpoints;
mod keys;
mod list;
mod resource;
mod routes;
mod show;

use anyhow::Result;
use cloud::{Connection, Erasures, ReceiptKeys, Subjects};
use domain::WorkingDays;

use crate::endpoints::Endpoints;
use crate::routes::route;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = lambda::start(env!("CARGO_CRATE_NAME"));
    let connection = Connection::open(settings.text("AWS_REGION")?, settings.flag("S3_PATH_STYLE")?).await;
    let (records, identities) = (settings.text("RECORDS_TABLE")?, settings.text("IDENTITIES_TABLE")?);
    let (calendars, zone) = (settings.text("DEADLINE_CALENDARS")?, settings.text("DEADLINE_TIME_ZONE")?);
    let endpoints = Endpoints {
        subjects: Subjects::new(&connection, identities.clone(), records.clone()),
        erasures: Erasures::new(&connection, settings.text("ERASURES_TABLE")?, records, identities),
        receipt_keys: ReceiptKeys::new(
            &connection,
            settings.text("RECEIPT_KEY")?,
            settings.list("RETIRED_RECEIPT_KEYS"),
        ),
        working_days: WorkingDays::parse(&calendars, &zone)?,
        data_key: settings.text("DATA_KEY")?,
    };
    lambda::serve_http(|request, now| route(&endpoints, request, now))
        .await
        .map_err(anyhow::Error::from_boxed)
}
