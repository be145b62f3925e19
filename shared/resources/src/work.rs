//! The JSON document of a work.

use cloud::{CloudError, Pictures};
use domain::limits::DOWNLOAD_WINDOW;
use domain::{Failure, TemplateId, UnixSeconds, View, Work, WorkId, WorkKind, WorkObject};
use jiff::SignedDuration;
use serde::Serialize;

/// A work as the app receives it.
#[derive(Serialize)]
pub struct WorkResource {
    work_id: WorkId,
    kind: WorkKind,
    status: &'static str,
    template: PinnedTemplate,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<ImageResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<Download>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureResource>,
}

#[derive(Serialize)]
struct PinnedTemplate {
    id: TemplateId,
    version: u32,
}

#[derive(Serialize)]
struct ImageResource {
    #[serde(flatten)]
    download: Download,
    content_type: &'static str,
    width: u32,
    height: u32,
    bytes: u64,
}

/// A presigned URL and the time when it expires.
#[derive(Serialize)]
struct Download {
    url: String,
    url_expires_at: String,
}

#[derive(Serialize)]
struct FailureResource {
    reason: &'static str,
    advice: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
}

impl WorkResource {
    /// Creates the document of `work` as it is at `now`. `None` when the work is no longer visible.
    ///
    /// # Errors
    /// When a URL cannot be signed.
    pub async fn of(work: &Work, pictures: &Pictures, now: UnixSeconds) -> Result<Option<Self>, CloudError> {
        let Some(view) = work.view(now) else { return Ok(None) };
        let resource = Self {
            work_id: work.id,
            kind: work.kind,
            status: "processing",
            template: PinnedTemplate { id: work.template.id.clone(), version: work.template.version },
            created_at: work.created_at.to_rfc3339(),
            upload_expires_at: None,
            expires_at: None,
            image: None,
            thumbnail: None,
            failure: None,
        };
        Ok(Some(match view {
            View::Processing => resource,
            View::AwaitingUpload { upload_expires_at } => {
                let upload_expires_at = Some(upload_expires_at.to_rfc3339());
                Self { status: "awaiting_upload", upload_expires_at, ..resource }
            }
            View::Failed(failure) => {
                Self { status: "failed", failure: Some(FailureResource::of(failure)), ..resource }
            }
            View::Ready { attempt, picture, expires_at } => {
                let sign = async |object| {
                    let key = work.object_key(attempt, object);
                    let valid_for =
                        DOWNLOAD_WINDOW.min(expires_at.since(now)).max(SignedDuration::from_secs(1));
                    let url = pictures.presign(key, valid_for).await?.url;
                    Ok::<_, CloudError>(Download { url, url_expires_at: now.plus(valid_for).to_rfc3339() })
                };
                let download = sign(WorkObject::Picture).await?;
                let (width, height, bytes) = (picture.width, picture.height, picture.bytes);
                let image = ImageResource { download, content_type: "image/jpeg", width, height, bytes };
                let thumbnail = Some(sign(WorkObject::Thumbnail).await?);
                let expires_at = Some(expires_at.to_rfc3339());
                Self { status: "ready", expires_at, image: Some(image), thumbnail, ..resource }
            }
        }))
    }
}

impl FailureResource {
    fn of(failure: Failure) -> Self {
        Self {
            reason: failure.reason.as_str(),
            advice: failure.reason.advice(),
            measured: failure.measured.map(|measured| measured.value),
            threshold: failure.measured.map(|measured| measured.threshold),
        }
    }
}
