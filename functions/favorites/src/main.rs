//! `favorites`: serves `GET /v1/favorites`, and `PUT` and `DELETE /v1/favorites/{kind}/{id}`. This file wires the
//! parts; `routes.rs` names the endpoints, and each endpoint has a file of its own.

mod delete;
mod endpoints;
mod list;
mod put;
mod resource;
mod routes;

use anyhow::Result;
use cloud::{Connection, Favorites, Pictures, Subjects, Templates, Works};
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
        favorites: Favorites::new(&connection, records.clone()),
        works: Works::new(&connection, records),
        pictures: Pictures::new(&connection, settings.text("WORKS_BUCKET")?),
        templates: Templates::new(&connection, settings.text("TEMPLATES_BUCKET")?),
        data_key: settings.text("DATA_KEY")?,
    };
    lambda::serve_http(|request, now| route(&endpoints, request, UnixSeconds::of(now)))
        .await
        .map_err(anyhow::Error::from_boxed)
}
