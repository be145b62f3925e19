//! `uploads`: serves `POST /v1/uploads`, which admits an upload and answers with a presigned PUT. This file wires the
//! parts; `create.rs` handles the request.

mod create;

use anyhow::Result;
use cloud::{Addresses, Connection, Photos, Subjects, Templates, Uploads, Works};
use jiff::SignedDuration;

use crate::create::Create;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = lambda::start(env!("CARGO_CRATE_NAME"));
    let connection = Connection::open(settings.text("AWS_REGION")?, settings.flag("S3_PATH_STYLE")?).await;
    let (records, identities) = (settings.text("RECORDS_TABLE")?, settings.text("IDENTITIES_TABLE")?);
    let works = Works::new(&connection, records.clone());
    let create = Create {
        addresses: Addresses::new(&connection, identities.clone()),
        per_address_max: settings.value("UPLOADS_PER_ADDRESS")?,
        subjects: Subjects::new(&connection, identities.clone(), records),
        templates: Templates::new(&connection, settings.text("TEMPLATES_BUCKET")?),
        photos: Photos::new(&connection, settings.text("UPLOADS_BUCKET")?),
        uploads: Uploads::new(&connection, &works, identities),
        works,
        data_key: settings.text("DATA_KEY")?,
        window: SignedDuration::from_secs(settings.value("UPLOAD_URL_SECONDS")?),
    };
    lambda::serve_http(|request, now| create.handle(request, now)).await.map_err(anyhow::Error::from_boxed)
}
