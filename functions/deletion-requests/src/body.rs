//! The body of `POST /v1/deletion-requests`.

use domain::ErasureScope;
use domain::limits::CONTACT_BYTES_MAX;
use lambda::Problem;
use serde::Deserialize;

/// The JSON document that the requester sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    pub(crate) scope: ErasureScope,
    contact: Option<String>,
}

impl Body {
    /// Returns how to reach the requester. Any single line is valid, because only people read it.
    pub(crate) fn contact(&self) -> Result<Option<&str>, Problem> {
        let Some(contact) = self.contact.as_deref() else { return Ok(None) };
        let is_a_line = !contact.trim().is_empty() && !contact.chars().any(char::is_control);
        if is_a_line && contact.len() <= CONTACT_BYTES_MAX {
            return Ok(Some(contact));
        }
        let detail =
            format!("contact must be one line of 1 to {CONTACT_BYTES_MAX} bytes, such as an e-mail address.");
        Err(Problem::new(422, "invalid_contact", "Invalid contact", detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_one_line_that_is_not_blank() {
        let body = |contact: &str| Body { scope: ErasureScope::Works, contact: Some(contact.to_owned()) };
        for good in ["ada@example.com", "+1 555 0100", "艾达"] {
            assert_eq!(body(good).contact(), Ok(Some(good)));
        }
        for bad in ["", "  ", "a\nb", &"x".repeat(CONTACT_BYTES_MAX + 1)] {
            assert_eq!(body(bad).contact().expect_err("refused").code(), "invalid_contact");
        }
    }
}
