// A look at the page as it is at one step: nothing that axe finds, nothing wider than the screen, on a laptop and a phone, in
// the light and in the dark. Where FMSG_PICTURES names a folder, pictures of it are put there.

import assert from "node:assert/strict";
import axe from "axe-core";
import { join } from "node:path";
import type { Visitor } from "./browser.ts";

const PICTURES = Deno.env.get("FMSG_PICTURES") || undefined;

export const LAPTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };
export const NARROWEST = { width: 320, height: 640 };

interface Look {
  readonly name: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly scheme: "light" | "dark";
}

const LOOKS: readonly Look[] = [
  { name: "laptop-light", size: LAPTOP, scheme: "light" },
  { name: "phone-dark", size: PHONE, scheme: "dark" },
  { name: "laptop-dark", size: LAPTOP, scheme: "dark" },
  { name: "phone-light", size: PHONE, scheme: "light" },
];
/** Of these pictures are taken. */
const PICTURED = LOOKS.slice(0, 2);

let steps = 0;

/** `step` names the pictures. One of the looks, in turn, as each costs a second; for pictures always the same two. */
export async function inspect(visitor: Visitor, step: string): Promise<void> {
  const { page } = visitor;
  const before = page.viewportSize() ?? LAPTOP;
  const turn = steps++ % LOOKS.length;
  const looks = PICTURES === undefined ? LOOKS.slice(turn, turn + 1) : PICTURED;
  for (const { name, size, scheme } of looks) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await settled(visitor);
    await assertSound(visitor, `${step}, ${name}`);
    if (PICTURES === undefined) continue;
    await Deno.mkdir(PICTURES, { recursive: true });
    await page.screenshot({ path: join(PICTURES, `${step}-${name}.png`), animations: "disabled" });
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await settled(visitor);
}

/** As it is now, in whatever size. */
export async function assertSound({ page }: Visitor, what: string): Promise<void> {
  await page.evaluate(`globalThis.axe === undefined && (() => {${axe.source}})()`);
  const found = await page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(
    ({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + " " + target.join(" ") + ": " + failureSummary)))`);
  assert.deepEqual(found, [], what);
  await assertFits({ page }, what);
}

/** Nothing is wider than the screen, but for what scrolls in itself. */
export async function assertFits({ page }: Pick<Visitor, "page">, what: string): Promise<void> {
  const beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
  assert.ok(Number(beyond) <= 0, `${what}: it is ${beyond} px too wide`);
}

/** Two frames: what a change of the screen does has been done. */
async function settled({ page }: Visitor): Promise<void> {
  await page.evaluate(
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
  );
}
