//! A supported picture, as its file's segments describe it.

use std::rc::Rc;

use crate::huffman::{AcTable, DcTable};
use crate::scans::Scan;

/// The components and the coefficients of a supported picture.
pub(crate) struct FrameHeader<'a> {
    pub(crate) components: Vec<Component>,
    pub(crate) colours: Colours,
    pub(crate) data: Data<'a>,
}

/// One component: grey, a colour or a colour difference.
pub(crate) struct Component {
    /// Blocks of an MCU across and down.
    pub(crate) blocks: (usize, usize),
    /// The quantisation table in zigzag order.
    pub(crate) quantisation: [u16; 64],
}

/// The scans that hold the coefficients.
pub(crate) enum Data<'a> {
    Sequential(Sequential<'a>),
    Progressive(Vec<Scan<'a>>),
}

/// A single scan with all components.
pub(crate) struct Sequential<'a> {
    /// Each component's tables.
    pub(crate) tables: Vec<(Rc<DcTable>, Rc<AcTable>)>,
    /// MCUs between restart markers; 0 without.
    pub(crate) restart_interval: usize,
    /// The entropy-coded data, and the rest of the file.
    pub(crate) entropy: &'a [u8],
}

/// The colours of the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    Grey,
    YCbCr,
    Rgb,
}

/// How the coefficients of a supported file are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sequential,
    Progressive,
}
