// A ZIP archive of files that are compressed already: each is stored as it is (PKWARE APPNOTE 6.3, method 0).
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});
const NAMES_IN_UTF8 = 0x800;
const FIRST_DAY = 33; // 1 January 1980, the first date that there is

export function zipped(files) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const { name, bytes } of files) {
    const title = new TextEncoder().encode(name);
    const told = [20, NAMES_IN_UTF8, 0, 0, FIRST_DAY];
    const sizes = [checksum(bytes), bytes.length, bytes.length];
    const head = record(0x04034b50, told, sizes, [title.length, 0], []);
    directory.push(record(0x02014b50, [20, ...told], sizes, [title.length, 0, 0, 0, 0], [0, at]), title);
    parts.push(head, title, bytes);
    at += head.length + title.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = record(0x06054b50, [0, 0, files.length, files.length], [size, at], [0], []);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

// A signature, then numbers of two and of four bytes in turn, the lowest byte first.
function record(signature, ...fields) {
  const sizes = [4, 2, 4, 2, 4];
  const all = [[signature], ...fields];
  const bytes = new DataView(new ArrayBuffer(all.reduce((sum, each, i) => sum + each.length * sizes[i], 0)));
  let at = 0;
  all.forEach((each, i) => {
    for (const value of each) {
      if (sizes[i] === 2) bytes.setUint16(at, value, true);
      else bytes.setUint32(at, value, true);
      at += sizes[i];
    }
  });
  return new Uint8Array(bytes.buffer);
}

function checksum(bytes) {
  let sum = ~0;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}
