//! `purge`: sweeps every five minutes, handles events that `synthesize` gave up, and runs the residue check once a
//! day. This file wires the parts; `sweep.rs`, `give_up.rs` and `residue.rs` do the work.

mod event;
mod give_up;
mod purge;
mod residue;
mod sweep;

use anyhow::Result;
use cloud::{
    Connection, Cursors, Erasures, Favorites, Inspection, LogGroups, Photos, Pictures, WorkStores, Works,
};
use lambda::{HandlerError, Metrics, clock};

use crate::purge::Purge;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = lambda::start(env!("CARGO_CRATE_NAME"));
    let connection = Connection::open(settings.text("AWS_REGION")?, settings.flag("S3_PATH_STYLE")?).await;
    let (records, identities) = (settings.text("RECORDS_TABLE")?, settings.text("IDENTITIES_TABLE")?);
    let erasures = settings.text("ERASURES_TABLE")?;
    let purge = Purge {
        work_stores: WorkStores {
            photos: Photos::new(&connection, settings.text("UPLOADS_BUCKET")?),
            pictures: Pictures::new(&connection, settings.text("WORKS_BUCKET")?),
            works: Works::new(&connection, records.clone()),
        },
        favorites: Favorites::new(&connection, records.clone()),
        erasures: Erasures::new(&connection, erasures.clone(), records.clone(), identities.clone()),
        inspection: Inspection::new(&connection, records.clone(), identities, erasures),
        log_groups: LogGroups::new(&connection, settings.text("LOG_GROUPS")?),
        log_period_days: settings.value("LOG_PERIOD_DAYS")?,
        cursors: Cursors::new(&connection, records),
        metrics: Metrics::of(&settings)?,
        clock: clock::now_seconds,
    };
    lambda::serve_events(async |event, _request: String| {
        purge.handle(event).await.map_err(|error| HandlerError::of(&error))
    })
    .await
    .map_err(anyhow::Error::from_boxed)
}
