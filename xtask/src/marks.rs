//! `cargo xtask marks`: reads the marks of works with an independent reader, which shares no code with the writer.
//!
//! The works are made from a photo that carries a location, a serial number and a profile. The reader must find none of
//! these in a work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::models;
use crate::quality::contenders::build;
use crate::registry::{self, Package};
use crate::workspace::{self, say};

/// Check the marks of works with an independent metadata reader.
#[derive(clap::Args)]
pub(crate) struct Marks {}

/// The package and file of the reader, from `marks.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reader {
    member: String,
    sha256: String,
    package: Package,
}

/// The digital source type that every mark must have. The id and the time in a mark come from the `fit` tool.
const SOURCE_TYPE: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

/// The only metadata blocks that a work may have. They form the mark; no block comes from the photo.
const BLOCKS: [&str; 4] = ["Iptc4xmpExt", "xmp", "xmpMM", "x"];

impl Marks {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self {} = self;
        let root = workspace::root();
        models::fetch_models(root)?;
        models::fetch_pictures(root)?;
        let reader = fetch_reader(root)?;
        let photo = photo_with_metadata(root)?;
        let before = read(root, &reader, std::slice::from_ref(&photo))?;
        ensure!(
            before[0].get("gps").is_some(),
            "the reader finds no location in the photo that has one, so its result for the works proves nothing"
        );
        let fit = build("fit", "dev")?;
        let [jpeg, png, thumbnail] =
            ["work.jpg", "work.png", "thumbnail.jpg"].map(|name| root.join("target/marks").join(name));
        for work in [&jpeg, &png] {
            let mut fit = Command::new(&fit);
            fit.args([&photo, &root.join("target/pictures/astronaut.png"), work]).arg("--label");
            // The thumbnail is the work, reduced and encoded again.
            fit.arg("--thumbnail").arg(&thumbnail);
            ensure!(fit.current_dir(root).status()?.success(), "fit made no work; its messages are above");
        }
        let works = [jpeg, png, thumbnail];
        for (work, found) in works.iter().zip(read(root, &reader, &works)?) {
            check(&found).with_context(|| {
                format!("{}: the mark is wrong; the reader found {found}", work.display())
            })?;
            say(&format!("{}: has the mark and no metadata of the photo", work.display()));
        }
        Ok(())
    }
}

fn fetch_reader(root: &Path) -> anyhow::Result<PathBuf> {
    let manifest: Reader = models::read(&root.join("xtask/marks/marks.toml"))?;
    let folder = root.join("target/marks");
    fs::create_dir_all(&folder)?;
    let archive = manifest.package.fetch(&root.join("target/downloads"))?;
    let bytes = registry::extract(&archive, std::slice::from_ref(&manifest.member))?;
    let have = registry::sha256(&bytes);
    ensure!(have == manifest.sha256, "{} has sha256 {have}; expected {}", manifest.member, manifest.sha256);
    let path = folder.join("exifr.cjs");
    fs::write(&path, bytes)?;
    Ok(path)
}

/// Writes a portrait as a phone would send it: with EXIF before its other segments.
fn photo_with_metadata(root: &Path) -> anyhow::Result<PathBuf> {
    let portrait = fs::read(root.join("target/pictures/grace_hopper.jpg"))?;
    let exif = exif();
    let length = u16::try_from(exif.len() + 8)?.to_be_bytes();
    let photo = [&portrait[..2], &[0xFF, 0xE1], &length, b"Exif\0\0", &exif, &portrait[2..]].concat();
    let path = root.join("target/marks/photo.jpg");
    fs::write(&path, photo)?;
    Ok(path)
}

/// Builds a TIFF block with a camera's serial number (EXIF BodySerialNumber) and a latitude of 39° north.
fn exif() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    // Offsets from the block's start: the first directory has two entries, the two others one and two.
    let (exif_at, gps_at, serial_at, latitude_at) = (38_u32, 56_u32, 86_u32, 98_u32);
    let [ascii, long, rational] = [2, 4, 5];
    [
        b"II*\0\x08\0\0\0\x02\0".to_vec(),
        entry(0x8769, long, 1, exif_at.to_le_bytes()),
        entry(0x8825, long, 1, gps_at.to_le_bytes()),
        vec![0; 4],
        vec![1, 0],
        entry(0xA431, ascii, 12, serial_at.to_le_bytes()),
        vec![0; 4],
        vec![2, 0],
        entry(1, ascii, 2, *b"N\0\0\0"),
        entry(2, rational, 3, latitude_at.to_le_bytes()),
        vec![0; 4],
        b"SERIAL-4711\0".to_vec(),
        [39_u32, 1, 54, 1, 0, 1].iter().flat_map(|n| n.to_le_bytes()).collect(),
    ]
    .concat()
}

/// Runs the reader; returns the metadata that it finds in each file.
fn read(root: &Path, reader: &Path, files: &[PathBuf]) -> anyhow::Result<Vec<Value>> {
    let output =
        Command::new("node").arg(root.join("xtask/marks/read.cjs")).arg(reader).args(files).output()?;
    ensure!(output.status.success(), "read.cjs failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Checks that a work has the mark and no other metadata.
fn check(found: &Value) -> anyhow::Result<()> {
    let blocks = found.as_object().context("the work has no metadata")?;
    for name in blocks.keys() {
        ensure!(
            BLOCKS.contains(&name.as_str()),
            "the work has the block {name}, which is not part of the mark"
        );
    }
    let text = |block: &str, name: &str| found[block][name].as_str().unwrap_or_default().to_owned();
    ensure!(text("Iptc4xmpExt", "DigitalSourceType") == SOURCE_TYPE, "the digital source type is missing");
    ensure!(text("xmp", "CreatorTool").starts_with("AI Fitting "), "the generator is missing");
    ensure!(text("xmp", "CreateDate").ends_with('Z'), "the time is missing");
    ensure!(text("xmpMM", "DocumentID") == "local", "the id is missing");
    Ok(())
}
