//! The visible label on works: off by default, on when the SAM template's parameter switches it on.

use anyhow::{Context as _, Result};

use crate::faces;
use crate::workbench::{Faults, Workbench};

/// A picture's width and RGB bytes.
type Pixels = (usize, Vec<u8>);

#[test]
fn a_work_carries_the_visible_label_when_it_is_switched_on() -> Result<()> {
    let bench = Workbench::open();
    let plain = work_of(&bench, "false")?;
    let labelled = work_of(&bench, "true")?;
    let height = plain.1.len() / 3 / plain.0;
    // The label is in the lower right corner. Its letters are at least 1/20 of the short side high.
    let letters = plain.0.min(height) / 20;
    let changed = |x: usize, y: usize| {
        let at = 3 * (y * plain.0 + x);
        (at..at + 3).any(|i| plain.1[i].abs_diff(labelled.1[i]) > 40)
    };
    let rows = (0..height).filter(|&y| (0..plain.0).any(|x| changed(x, y)));
    let (first, last) = rows.fold((height, 0), |(first, last), y| (first.min(y), last.max(y)));
    assert!(last >= first + letters && first > height * 3 / 4, "rows {first} to {last} of {height} changed");
    assert!((first..=last).all(|y| (0..plain.0 / 2).all(|x| !changed(x, y))), "the left half changed too");
    Ok(())
}

/// Makes a work of the portrait with this setting of `VISIBLE_LABEL` and returns its pixels.
fn work_of(bench: &Workbench, label: &str) -> Result<Pixels> {
    let mut worker = bench.run_with("synthesize", &Faults::default(), &[("VISIBLE_LABEL", label)])?;
    let user = bench.app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    worker.expect(&bench.photo_event(user.subject()?, work)?)?;
    let shown = user.wait(work)?;
    let (_, jpeg) = user.caller.download(shown["image"]["url"].as_str().context("no url")?)?;
    faces::pixels(&jpeg)
}
