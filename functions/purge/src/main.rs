//! `purge`: deletes what must not stay, every five minutes and whenever `synthesize` has given an event up. This
//! file wires; `sweep.rs` and `give_up.rs` do it.

mod event;
mod give_up;
mod sweep;

use anyhow::Result;
use cloud::{Connection, Disposal, Photos, Pictures, Works};
use lambda::{HandlerError, Settings, clock};

use crate::event::PurgeEvent;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    lambda::telemetry::start(env!("CARGO_CRATE_NAME"));
    let settings = Settings::of_process();
    let path_style = settings.value_or("S3_PATH_STYLE", 0_u8)? == 1;
    let connection = Connection::open(settings.text("AWS_REGION")?, path_style).await;
    let disposal = Disposal {
        photos: Photos::new(&connection, settings.text("UPLOADS_BUCKET")?),
        pictures: Pictures::new(&connection, settings.text("WORKS_BUCKET")?),
        works: Works::new(&connection, settings.text("RECORDS_TABLE")?),
    };
    lambda::serve_events(|event, _request| handle(&disposal, event)).await.map_err(anyhow::Error::from_boxed)
}

async fn handle(disposal: &Disposal, event: PurgeEvent) -> Result<(), HandlerError> {
    let now = clock::now_seconds();
    let purged = match event {
        PurgeEvent::Scheduled(task) => sweep::run(disposal, task, now).await,
        PurgeEvent::GivenUp(record) => give_up::run(disposal, &record, now).await,
    };
    purged.map_err(|error| HandlerError::of(&error))
}
