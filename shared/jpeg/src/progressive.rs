//! Decodes progressive files. Every scan has a part of every block, so the coefficients are collected over all scans.
//!
//! All coefficients would take three to six bytes a pixel. The first pass reads all scans. It keeps the lowest
//! frequencies that its scale needs. Of the others it keeps one bit, whether they are zero, because later scans are
//! coded by it. It stores checkpoints in every scan. A region is collected from the nearest checkpoints, a few rows at
//! a time.

use std::ops::Range;

use crate::band::{Band, shifted};
use crate::coefficients::CoefficientPlane;
use crate::error::Corrupt;
use crate::frame::Component;
use crate::idct::{Coefficients, ZIGZAG};
use crate::region::{Area, Blocks, Scale, blocks_max, mcus, needed};
use crate::scan::{Checkpoints, Places, Walk};
use crate::scans::{Content, Scan};

/// MCUs or blocks between two checkpoints. Every scan has its own, so they are rarer than a sequential file's.
const CHECKPOINT_DISTANCE: usize = 64;

/// Rows of MCUs that are collected at once if they are not kept: 12 MB where a row has 16,384 pixels.
const BAND_ROWS: usize = 8;

/// The most coefficients that the first pass keeps, of two bytes each. A search never needs as many.
const KEPT_MAX: usize = 16 << 20;

/// The scans of a picture.
#[derive(Clone, Copy)]
pub(crate) struct ScanSet<'a> {
    pub(crate) scans: &'a [Scan<'a>],
    pub(crate) components: &'a [Component],
    /// The picture's full size.
    pub(crate) full: (usize, usize),
}

/// The checkpoints of every scan.
pub(crate) struct Index(Vec<Checkpoints>);

/// The pass, with its checkpoints.
enum Pass<'a> {
    First(&'a mut Index),
    Later(&'a Index),
}

/// The blocks of a progressive picture; collects those that are missing.
pub(crate) struct Store<'a> {
    picture: ScanSet<'a>,
    /// How many coefficients of a block are kept.
    kept: [usize; 3],
    /// The MCUs that are collected.
    area: Area,
    planes: Vec<CoefficientPlane>,
    /// The MCU and block to be read next.
    row: usize,
    column: usize,
    component: usize,
    block: usize,
}

impl Index {
    /// Reads all scans; the blocks are there already if the scale needs little of them.
    pub(crate) fn new<'a>(picture: ScanSet<'a>, scale: Scale) -> Result<(Self, Store<'a>), Corrupt> {
        let kept = needed(picture.components, scale.size);
        let (across, down) = mcus(picture.components, picture.full);
        let of = |(component, kept): (&Component, usize)| component.blocks.0 * component.blocks.1 * kept;
        let each: usize = picture.components.iter().zip(kept).map(of).sum();
        let all = Area { columns: 0..across, rows: 0..down };
        let mut index = Self(Vec::with_capacity(picture.scans.len()));
        let mut store = Store::new(picture, scale);
        if across * down * each <= KEPT_MAX {
            store.planes = picture.read(&all, kept, Pass::First(&mut index))?;
            store.area = all;
        } else {
            picture.read(&all, [1; 3], Pass::First(&mut index))?;
        }
        Ok((index, store))
    }
}

impl<'a> ScanSet<'a> {
    /// Collects the coefficients of an area.
    fn read(
        &self,
        area: &Area,
        kept: [usize; 3],
        mut pass: Pass<'_>,
    ) -> Result<Vec<CoefficientPlane>, Corrupt> {
        let plane = |(component, kept): (&Component, usize)| CoefficientPlane::new(component, area, kept);
        let mut planes: Vec<CoefficientPlane> = self.components.iter().zip(kept).map(plane).collect();
        for (number, scan) in self.scans.iter().enumerate() {
            let units = self.units(scan.component());
            let places = match &mut pass {
                Pass::First(Index(list)) => {
                    list.push(Checkpoints::new(units.0, CHECKPOINT_DISTANCE));
                    Places::Remember(list.last_mut().ok_or(Corrupt)?)
                }
                Pass::Later(Index(list)) if scan.is_needed_for(kept) => {
                    Places::Known(list.get(number).ok_or(Corrupt)?)
                }
                Pass::Later(_) => continue,
            };
            self.read_scan(scan, area, &mut planes, places)?;
        }
        Ok(planes)
    }

    fn read_scan(
        &self,
        scan: &Scan<'_>,
        area: &Area,
        planes: &mut [CoefficientPlane],
        places: Places<'_>,
    ) -> Result<(), Corrupt> {
        let shift = scan.shift;
        let single = scan.component();
        let units = Units { area: self.area_in(single, area), scan, places };
        let blocks = |number: usize| if single.is_some() { (1, 1) } else { self.components[number].blocks };
        match &scan.content {
            Content::DcFirst(list) => units.each(|walk, column, row| {
                for (number, table) in list {
                    for (x, y) in within(blocks(*number), column, row) {
                        let value = walk.dc(table, *number)?;
                        planes[*number].block_mut(x, y).0[0] = shifted(value, shift);
                    }
                }
                Ok(())
            }),
            Content::DcRefine(list) => units.each(|walk, column, row| {
                for &number in list {
                    for (x, y) in within(blocks(number), column, row) {
                        walk.bits.refill();
                        let place = shifted(walk.bits.receive(1).cast_signed(), shift);
                        planes[number].block_mut(x, y).0[0] |= place;
                    }
                }
                Ok(())
            }),
            Content::AcFirst(number, places, table) => {
                let (band, plane) = (Band { places: places.clone(), table, shift }, &mut planes[*number]);
                units.each(|walk, x, y| {
                    let (kept, known) = plane.block_mut(x, y);
                    band.read(walk, kept, known)
                })
            }
            Content::AcRefine(number, places, table) => {
                let (band, plane) = (Band { places: places.clone(), table, shift }, &mut planes[*number]);
                units.each(|walk, x, y| {
                    let (kept, known) = plane.block_mut(x, y);
                    band.refine(walk, kept, known)
                })
            }
        }
    }

    /// Returns the blocks of a component across and down, or the MCUs of a scan of several components.
    fn units(&self, component: Option<usize>) -> (usize, usize) {
        let Some(number) = component else { return mcus(self.components, self.full) };
        let (blocks, most) = (self.components[number].blocks, blocks_max(self.components));
        let units = |full: usize, blocks: usize, most: usize| (full * blocks).div_ceil(8 * most);
        (units(self.full.0, blocks.0, most.0), units(self.full.1, blocks.1, most.1))
    }

    /// An area in those units. A component's last blocks can be missing, where they only fill the last MCU up.
    fn area_in(&self, component: Option<usize>, area: &Area) -> Area {
        let (across, down) = component.map_or((1, 1), |number| self.components[number].blocks);
        let units = self.units(component);
        let of = |mcus: &Range<usize>, blocks: usize, units: usize| {
            mcus.start * blocks..(mcus.end * blocks).min(units)
        };
        Area { columns: of(&area.columns, across, units.0), rows: of(&area.rows, down, units.1) }
    }
}

/// The places of an MCU's blocks among the component's.
#[inline(always)]
fn within((across, down): (usize, usize), column: usize, row: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..down).flat_map(move |y| (0..across).map(move |x| (column * across + x, row * down + y)))
}

/// MCUs or blocks of a scan.
struct Units<'a> {
    area: Area,
    scan: &'a Scan<'a>,
    places: Places<'a>,
}

impl Units<'_> {
    #[inline(always)]
    fn each(
        mut self,
        mut read: impl FnMut(&mut Walk<'_>, usize, usize) -> Result<(), Corrupt>,
    ) -> Result<(), Corrupt> {
        let mut walk = Walk::new(self.scan.entropy, self.scan.restart_interval);
        for row in self.area.rows {
            if let Places::Known(checkpoints) = &self.places {
                // Areas begin where there is a checkpoint.
                checkpoints.resume(&mut walk, row, self.area.columns.start)?;
            }
            for column in self.area.columns.clone() {
                if let Places::Remember(checkpoints) = &mut self.places {
                    checkpoints.pass(&walk, column);
                }
                walk.begin_mcu()?;
                read(&mut walk, column, row)?;
                walk.end_mcu()?;
            }
        }
        Ok(())
    }
}

impl<'a> Store<'a> {
    /// Creates an empty store.
    fn new(picture: ScanSet<'a>, scale: Scale) -> Self {
        let kept = needed(picture.components, scale.size);
        let area = Area { columns: 0..0, rows: 0..0 };
        Self { picture, kept, area, planes: Vec::new(), row: 0, column: 0, component: 0, block: 0 }
    }
}

/// A store with the checkpoints from which it collects missing blocks.
pub(crate) struct Reader<'a> {
    store: Store<'a>,
    index: &'a Index,
}

impl<'a> Reader<'a> {
    /// Creates a reader after the first pass.
    pub(crate) fn new(picture: ScanSet<'a>, scale: Scale, index: &'a Index) -> Self {
        Self { store: Store::new(picture, scale), index }
    }

    /// Creates a reader with the blocks that the first pass has kept.
    pub(crate) fn with(store: Store<'a>, index: &'a Index) -> Self {
        Self { store, index }
    }
}

impl Blocks for Reader<'_> {
    fn begin_row(&mut self, row: usize, area: &Area) -> Result<(), Corrupt> {
        let store = &mut self.store;
        store.row = row;
        if !store.area.rows.contains(&row) {
            let start = area.columns.start / CHECKPOINT_DISTANCE * CHECKPOINT_DISTANCE;
            let rows = row..(row + BAND_ROWS).min(area.rows.end);
            store.planes.clear();
            store.area = Area { columns: start..area.columns.end, rows };
            store.planes = store.picture.read(&store.area, store.kept, Pass::Later(self.index))?;
        }
        Ok(())
    }

    #[inline(always)]
    fn begin_mcu(&mut self, column: usize) -> Result<(), Corrupt> {
        self.store.column = column;
        Ok(())
    }

    #[inline(always)]
    fn end_mcu(&mut self) -> Result<(), Corrupt> {
        Ok(())
    }

    #[inline(always)]
    fn dc(&mut self, component: usize, (x, y): (usize, usize)) -> Result<i32, Corrupt> {
        let store = &mut self.store;
        let (across, down) = store.picture.components[component].blocks;
        let plane = &store.planes[component];
        store.component = component;
        store.block = plane.place(store.column * across + x, store.row * down + y);
        Ok(i32::from(plane.block(store.block)[0]))
    }

    #[inline(always)]
    fn skip_ac(&mut self) -> Result<(), Corrupt> {
        Ok(())
    }

    #[inline(always)]
    fn ac<const LAST: usize>(
        &mut self,
        multipliers: &[f32; 80],
        coefficients: &mut Coefficients,
    ) -> Result<bool, Corrupt> {
        let plane = &self.store.planes[self.store.component];
        let kept = plane.block(self.store.block);
        // All but the first and those after the last.
        let mut left = plane.known(self.store.block) & (u64::MAX >> (63 - LAST)) & !1;
        let is_any = left != 0;
        while left != 0 {
            let k = left.trailing_zeros() as usize;
            coefficients[usize::from(ZIGZAG[k] & 63)] = f32::from(kept[k]) * multipliers[k];
            left &= left - 1;
        }
        Ok(is_any)
    }
}
