//! `synthesize`: makes a work of each photo that arrives. This file wires the parts; `event.rs` reads the event,
//! `handler.rs` handles it, and `synthesize.rs` processes one photo.

mod error;
mod event;
mod handler;
mod photo;
mod synthesize;
mod template_cache;

use std::path::Path;

use anyhow::{Result, anyhow};
use cloud::{Connection, Photos, Pictures, Templates, WorkStores, Works};
use fitting::Models;
use jiff::SignedDuration;
use lambda::{HandlerError, Metrics, clock};

use crate::handler::handle;
use crate::synthesize::Synthesize;
use crate::template_cache::TemplateCache;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = lambda::start(env!("CARGO_CRATE_NAME"));
    let models_dir = settings.text("MODELS_DIR")?;
    // Loading the models is the longest part of a cold start, so it begins before anything else.
    let models = std::thread::spawn(move || Models::load(Path::new(&models_dir)));
    let connection = Connection::open(settings.text("AWS_REGION")?, settings.flag("S3_PATH_STYLE")?).await;
    let days: i64 = settings.value("WORK_PERIOD_DAYS")?;
    let synthesize = Synthesize {
        work_stores: WorkStores {
            photos: Photos::new(&connection, settings.text("UPLOADS_BUCKET")?),
            pictures: Pictures::new(&connection, settings.text("WORKS_BUCKET")?),
            works: Works::new(&connection, settings.text("RECORDS_TABLE")?),
        },
        templates: TemplateCache::new(Templates::new(&connection, settings.text("TEMPLATES_BUCKET")?)),
        storage_key: settings.text("STORAGE_KEY")?,
        work_period: SignedDuration::from_hours(24 * days),
        metrics: Metrics::of(&settings)?,
        visible_label: settings.value("VISIBLE_LABEL")?,
        clock: clock::now,
        models: models.join().map_err(|_panicked| anyhow!("the thread that loads the models panicked"))??,
    };
    let handler = async |event, request: String| {
        handle(&synthesize, event, &request).await.map_err(|error| HandlerError::of(&error))
    };
    lambda::serve_events(handler).await.map_err(anyhow::Error::from_boxed)
}
