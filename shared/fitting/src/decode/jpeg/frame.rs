//! A picture of a plain kind, as its file's segments describe it.

use std::rc::Rc;

use super::huffman::{AcTable, DcTable};
use super::scans::Scan;

/// A picture of a plain kind.
pub(super) struct Frame<'a> {
    pub(super) components: Vec<Component>,
    pub(super) colours: Colours,
    pub(super) data: Data<'a>,
}

/// One component.
pub(super) struct Component {
    /// Blocks of an MCU across and down.
    pub(super) blocks: (usize, usize),
    /// In zigzag order.
    pub(super) quantisation: [u16; 64],
}

/// A picture's coefficients.
pub(super) enum Data<'a> {
    Sequential(Sequential<'a>),
    Progressive(Vec<Scan<'a>>),
}

/// All of a picture in one scan.
pub(super) struct Sequential<'a> {
    /// Each component's tables.
    pub(super) tables: Vec<(Rc<DcTable>, Rc<AcTable>)>,
    /// MCUs between restart markers; 0 without.
    pub(super) restart_interval: usize,
    /// The entropy-coded data and everything after it.
    pub(super) entropy: &'a [u8],
}

/// What the components stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    Grey,
    YCbCr,
    Rgb,
}

/// How the coefficients of a plain file are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sequential,
    Progressive,
}
