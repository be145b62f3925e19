//! `works`: serves `GET /v1/works`, `GET /v1/works/{id}` and `DELETE /v1/works/{id}`. This file wires the parts;
//! `routes.rs` names the endpoints, and each endpoint has a file of its own.

mod delete;
mod endpoints;
mod list;
mod routes;
mod show;

use anyhow::Result;
use cloud::{Connection, Photos, Pictures, Subjects, WorkStores, Works};
use domain::UnixSeconds;

use crate::endpoints::Endpoints;
use crate::routes::route;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = lambda::start(env!("CARGO_CRATE_NAME"));
    let connection = Connection::open(settings.text("AWS_REGION")?, settings.flag("S3_PATH_STYLE")?).await;
    let records = settings.text("RECORDS_TABLE")?;
    let endpoints = Endpoints {
        subjects: Subjects::new(&connection, settings.text("IDENTITIES_TABLE")?, records.clone()),
        work_stores: WorkStores {
            photos: Photos::new(&connection, settings.text("UPLOADS_BUCKET")?),
            pictures: Pictures::new(&connection, settings.text("WORKS_BUCKET")?),
            works: Works::new(&connection, records),
        },
    };
    lambda::serve_http(|request, now| route(&endpoints, request, UnixSeconds::of(now)))
        .await
        .map_err(anyhow::Error::from_boxed)
}
