//! The machine-readable mark of a work: it states that the work is AI-made, by which software, when, and under which
//! id.
//!
//! The mark is XMP with the IPTC digital source type. EU AI Act Art. 50, California SB 942 and the tools that read
//! them expect it. The id belongs to the mark, not to the work, so a picture that is passed on does not lead to a
//! record. [`crate::encode`] writes the XMP into files.

use jiff::Timestamp;

/// The IPTC code for a picture that was composed with a trained algorithm.
pub const DIGITAL_SOURCE_TYPE: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

/// The generator that the mark names.
pub const GENERATOR: &str = concat!("AI Fitting ", env!("CARGO_PKG_VERSION"));

/// The content of one work's mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// An id that is created for this mark and used nowhere else.
    pub id: String,
    /// The time at which the work was made.
    pub created: Timestamp,
}

impl Mark {
    /// The mark as an XMP packet (ISO 16684-1).
    pub(crate) fn xmp(&self) -> String {
        let id = escaped(&self.id);
        // Without fractions of a second: XMP readers interpret them differently.
        let created = self.created.strftime("%Y-%m-%dT%H:%M:%SZ");
        format!(
            r#"<?xpacket begin="{bom}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/">
   <Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>{GENERATOR}</xmp:CreatorTool>
   <xmp:CreateDate>{created}</xmp:CreateDate>
   <xmpMM:DocumentID>{id}</xmpMM:DocumentID>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"#,
            bom = '\u{feff}'
        )
    }
}

/// Escapes text as XML element content.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_break_out_of_its_element() {
        let mark = Mark { id: "a</xmpMM:DocumentID>&".to_owned(), created: Timestamp::UNIX_EPOCH };
        assert!(mark.xmp().contains("<xmpMM:DocumentID>a&lt;/xmpMM:DocumentID&gt;&amp;</xmpMM:DocumentID>"));
    }
}
