// Prints the metadata that exifr finds in pictures: node read.cjs EXIFR FILE…
// Prints one line of JSON per file: every block of metadata, by exifr's name for it.

const [reader, ...files] = process.argv.slice(2);
const exifr = require(reader);
const everything = {
  tiff: true, exif: true, gps: true, ifd1: true, iptc: true, icc: true, jfif: false, ihdr: false,
  xmp: true, mergeOutput: false, multiSegment: true, translateValues: false, reviveValues: false,
};

(async () => {
  for (const file of files) {
    console.log(JSON.stringify((await exifr.parse(file, everything)) ?? {}));
  }
})();
