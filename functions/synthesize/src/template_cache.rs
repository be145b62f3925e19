//! Caches prepared templates, so that a warm process neither fetches nor decodes them again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use cloud::Templates;
use domain::TemplateVersion;
use fitting::Template;

use crate::error::SynthesisError;

/// How many templates are kept at once. A prepared template of 4096 × 4096 pixels takes some 150 MB; most take a
/// tenth of that.
const TEMPLATES_MAX: usize = 3;

/// The most recently used templates, by the SHA-256 that pins them.
pub(crate) struct TemplateCache {
    source: Templates,
    recent: Mutex<VecDeque<(String, Arc<Template>)>>,
}

impl TemplateCache {
    /// Creates an empty cache in front of `source`.
    pub(crate) fn new(source: Templates) -> Self {
        Self { source, recent: Mutex::default() }
    }

    /// Returns the pinned version of a template, prepared for fitting.
    ///
    /// # Errors
    /// When the template cannot be fetched, or differs from what was published.
    pub(crate) async fn prepared(&self, pinned: &TemplateVersion) -> Result<Arc<Template>, SynthesisError> {
        if let Some(template) = self.recall(&pinned.sha256) {
            return Ok(template);
        }
        let template = Arc::new(Template::from_files(&self.source.files(pinned).await?)?);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.truncate(TEMPLATES_MAX - 1);
        recent.push_front((pinned.sha256.clone(), Arc::clone(&template)));
        Ok(template)
    }

    fn recall(&self, sha256: &str) -> Option<Arc<Template>> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let place = recent.iter().position(|(known, _)| known == sha256)?;
        let found = recent.remove(place)?;
        let template = Arc::clone(&found.1);
        recent.push_front(found);
        Some(template)
    }
}
