//! A picture of a plain kind, as its file's segments describe it.

use std::rc::Rc;

use crate::huffman::{AcTable, DcTable};
use crate::scans::Scan;

/// A picture of a plain kind.
pub(crate) struct FrameHeader<'a> {
    pub(crate) components: Vec<Component>,
    pub(crate) colours: Colours,
    pub(crate) data: Data<'a>,
}

/// One component.
pub(crate) struct Component {
    /// Blocks of an MCU across and down.
    pub(crate) blocks: (usize, usize),
    /// In zigzag order.
    pub(crate) quantisation: [u16; 64],
}

/// A picture's coefficients.
pub(crate) enum Data<'a> {
    Sequential(Sequential<'a>),
    Progressive(Vec<Scan<'a>>),
}

/// All of a picture in one scan.
pub(crate) struct Sequential<'a> {
    /// Each component's tables.
    pub(crate) tables: Vec<(Rc<DcTable>, Rc<AcTable>)>,
    /// MCUs between restart markers; 0 without.
    pub(crate) restart_interval: usize,
    /// The entropy-coded data and everything after it.
    pub(crate) entropy: &'a [u8],
}

/// What the components stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    Grey,
    YCbCr,
    Rgb,
}

/// How the coefficients of a plain file are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sequential,
    Progressive,
}
