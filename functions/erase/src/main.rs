//! `erase`: carries out erasures as soon as they are requested, and sweeps every minute. It is the only function that
//! may delete a subject's whole partition and its key. This file wires the parts; `erase.rs` carries out an erasure.

mod delete;
mod erase;
mod event;
mod handler;
mod replay;
mod sweep;

use anyhow::Result;
use cloud::{
    Addresses, Connection, Erasures, Favorites, IdentityProvider, Partitions, Photos, Pictures, ReceiptKeys,
    WorkStores, Works,
};
use domain::limits::UPLOAD_WINDOW;
use jiff::SignedDuration;
use lambda::{HandlerError, Metrics, clock};

use crate::erase::Erase;
use crate::event::EraseEvent;
use crate::handler::handle;

/// How long a run may take, in seconds: well below the function's time-out of 240 s.
const BUDGET_SECONDS: i64 = 180;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = lambda::start(env!("CARGO_CRATE_NAME"));
    let region = settings.text("AWS_REGION")?;
    let connection = Connection::open(region.clone(), settings.flag("S3_PATH_STYLE")?).await;
    let (records, identities) = (settings.text("RECORDS_TABLE")?, settings.text("IDENTITIES_TABLE")?);
    let (service, signing_key) = (settings.text("SERVICE")?, settings.text("RECEIPT_KEY")?);
    let user_pool = settings.text("USER_POOL").ok();
    let erase = Erase {
        addresses: Addresses::new(&connection, identities.clone()),
        erasures: Erasures::new(&connection, settings.text("ERASURES_TABLE")?, records.clone(), identities),
        work_stores: WorkStores {
            photos: Photos::new(&connection, settings.text("UPLOADS_BUCKET")?),
            pictures: Pictures::new(&connection, settings.text("WORKS_BUCKET")?),
            works: Works::new(&connection, records.clone()),
        },
        favorites: Favorites::new(&connection, records.clone()),
        partitions: Partitions::new(&connection, records),
        identity_provider: IdentityProvider::new(&connection, &region, user_pool, &service),
        receipt_keys: ReceiptKeys::new(&connection, signing_key, Vec::new()),
        connection,
        metrics: Metrics::of(&settings)?,
        service,
        upload_window: SignedDuration::from_secs(
            settings.value_or("UPLOAD_URL_SECONDS", UPLOAD_WINDOW.as_secs())?,
        ),
        budget: SignedDuration::from_secs(settings.value_or("BUDGET_SECONDS", BUDGET_SECONDS)?),
        clock: clock::now_seconds,
    };
    let handler = async |event: EraseEvent, _request: String| {
        handle(&erase, event).await.map_err(|error| HandlerError::of(&error))
    };
    lambda::serve_events(handler).await.map_err(anyhow::Error::from_boxed)
}
