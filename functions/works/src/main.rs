//! `GET /v1/works`, `GET /v1/works/{id}` and `DELETE /v1/works/{id}`. This file wires; each endpoint has its own.

mod delete;
mod list;
mod resource;
mod show;

use anyhow::Result;
use cloud::{Connection, Disposal, Photos, Pictures, Subjects, Works};
use domain::UnixSeconds;
use lambda::{ApiError, Problem, Request, Response, Settings};

/// What the endpoints need.
pub(crate) struct Endpoints {
    subjects: Subjects,
    disposal: Disposal,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    lambda::telemetry::start();
    let settings = Settings::of_process();
    let path_style = settings.value_or("S3_PATH_STYLE", 0_u8)? == 1;
    let connection = Connection::open(settings.text("AWS_REGION")?, path_style).await;
    let records = settings.text("RECORDS_TABLE")?;
    let endpoints = Endpoints {
        subjects: Subjects::new(&connection, settings.text("IDENTITIES_TABLE")?, records.clone()),
        disposal: Disposal {
            photos: Photos::new(&connection, settings.text("UPLOADS_BUCKET")?),
            pictures: Pictures::new(&connection, settings.text("WORKS_BUCKET")?),
            works: Works::new(&connection, records),
        },
    };
    lambda::serve_http(|request, now| route(&endpoints, request, UnixSeconds::of(now)))
        .await
        .map_err(anyhow::Error::from_boxed)
}

async fn route(endpoints: &Endpoints, request: Request, now: UnixSeconds) -> Result<Response, ApiError> {
    match request.route() {
        "GET /v1/works" => list::handle(endpoints, request, now).await,
        "GET /v1/works/{id}" => show::handle(endpoints, request, now).await,
        "DELETE /v1/works/{id}" => delete::handle(endpoints, request, now).await,
        _ => Err(Problem::not_found("route").into()),
    }
}
