//! `purge`: deletes what must not stay, every five minutes and whenever `synthesize` has given an event up. This
//! file wires; `sweep.rs` and `give_up.rs` do it.

mod event;
mod give_up;
mod sweep;

use anyhow::Result;
use cloud::{Connection, Cursors, Disposal, Photos, Pictures, Works};
use lambda::{HandlerError, Metrics, Settings, clock};

use crate::event::{PurgeEvent, Scheduled};
use crate::sweep::Sweep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    lambda::telemetry::start(env!("CARGO_CRATE_NAME"));
    let settings = Settings::of_process();
    let path_style = settings.value_or("S3_PATH_STYLE", 0_u8)? == 1;
    let connection = Connection::open(settings.text("AWS_REGION")?, path_style).await;
    let records = settings.text("RECORDS_TABLE")?;
    let disposal = Disposal {
        photos: Photos::new(&connection, settings.text("UPLOADS_BUCKET")?),
        pictures: Pictures::new(&connection, settings.text("WORKS_BUCKET")?),
        works: Works::new(&connection, records.clone()),
    };
    let metrics = Metrics::of(&settings)?;
    let cursors = Cursors::new(&connection, records);
    lambda::serve_events(|event, _request| handle(&disposal, &cursors, &metrics, event))
        .await
        .map_err(anyhow::Error::from_boxed)
}

async fn handle(
    disposal: &Disposal,
    cursors: &Cursors,
    metrics: &Metrics,
    event: PurgeEvent,
) -> Result<(), HandlerError> {
    let clock = clock::now_seconds;
    let purged = match event {
        PurgeEvent::Scheduled(Scheduled::Sweep) => Sweep { disposal, cursors, metrics, clock }.run().await,
        PurgeEvent::GivenUp(record) => give_up::run(disposal, &record, clock()).await,
    };
    purged.map_err(|error| HandlerError::of(&error))
}
