// Files that look like those people send: PNG pictures painted by a function, and a PDF of one page.

import { crc32, deflateSync } from "node:zlib";

type Colour = readonly [red: number, green: number, blue: number];

/** A hill behind a hill, under an evening sky. */
export function landscape(width = 640, height = 420): Uint8Array {
  return png(width, height, (x, y) => {
    const far = 0.55 + 0.08 * Math.sin(x * 7) + 0.03 * Math.sin(x * 19);
    const near = 0.74 + 0.07 * Math.sin(x * 4 + 2) + 0.015 * Math.sin(x * 31);
    const sun = Math.hypot((x - 0.68) * width / height, y - 0.38);
    if (y > near) return [38 + 30 * (y - near), 74 + 60 * (1 - y), 58];
    if (y > far) return [86, 122 - 50 * (y - far), 112];
    if (sun < 0.075) return [255, 236, 190];
    const glow = Math.max(0, 1 - sun * 1.6);
    return [150 + 95 * y + 30 * glow, 176 + 20 * y + 20 * glow, 205 - 70 * y];
  });
}

/** The hull of a boat on its stand, with a plank that is not as it should be. */
export function hull(width = 480, height = 360): Uint8Array {
  return png(width, height, (x, y) => {
    const keel = 0.78 - 2.2 * (x - 0.5) ** 4 * 4;
    const deck = 0.36 + 0.5 * (x - 0.5) ** 2;
    if (x > 0.06 && x < 0.94 && y > deck && y < keel) {
      const plank = Math.floor((y - deck) * 22);
      if (plank === 3 && x > 0.55 && x < 0.72) return [176, 74, 52];
      const seam = (y - deck) * 22 % 1 < 0.1;
      return seam ? [70, 52, 40] : [150 - 5 * plank, 112 - 4 * plank, 78 - 3 * plank];
    }
    if (y > 0.9 || (Math.abs(x - 0.3) < 0.02 || Math.abs(x - 0.7) < 0.02) && y > keel) {
      return [92, 96, 98];
    }
    return [214 - 20 * y, 221 - 20 * y, 219 - 14 * y];
  });
}

/** A PDF of one page with these lines. */
export function pdf(title: string, lines: readonly string[]): Uint8Array {
  const shown = lines.map((line) => `(${line.replaceAll(/[()\\]/g, "\\$&")}) Tj T*`).join("\n");
  const content =
    `BT /F1 20 Tf 72 760 Td (${title}) Tj ET\nBT /F1 12 Tf 16 TL 72 720 Td\n${shown}\nET`;
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  ];
  let text = "%PDF-1.4\n";
  const offsets = objects.map((object, index) => {
    const offset = text.length;
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, "0")} 00000 n \n`;
  });
  const start = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join("")}`;
  text += `trailer << /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return new TextEncoder().encode(text);
}

/** `paint` gives the colour of a point; both of its coordinates are from 0 to 1. */
function png(
  width: number,
  height: number,
  paint: (x: number, y: number) => Colour,
): Uint8Array {
  const rows = new Uint8Array(height * (1 + 3 * width));
  let at = 0;
  for (let y = 0; y < height; y++) {
    at++;
    for (let x = 0; x < width; x++) {
      rows.set(paint(x / width, y / height).map((c) => Math.max(0, Math.min(255, c))), at);
      at += 3;
    }
  }
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  head.setUint8(8, 8);
  head.setUint8(9, 2);
  return joined([
    new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", new Uint8Array(head.buffer)),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array()),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const named = joined([new TextEncoder().encode(type), data]);
  const ends = new DataView(new ArrayBuffer(8));
  ends.setUint32(0, data.length);
  ends.setUint32(4, crc32(named));
  const bytes = new Uint8Array(ends.buffer);
  return joined([bytes.subarray(0, 4), named, bytes.subarray(4)]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
