// The inbox in the browser: how soon it is there, how it scrolls, what it holds, and when what comes is seen.

import type { CDPSession, Page } from "playwright-core";
import { Browser, CHROMIUM } from "../tests/system/browser/browser.ts";
import { deliver, type PageBench, signInPath, startPage } from "./page_setup.ts";
import { percentile, type Row, type Table } from "./result.ts";
import type { PageScale, Scale } from "./scale.ts";
import type { Bench } from "./setup.ts";

/** Milliseconds that scrolling down a whole mailbox may take. */
const LONGEST_MS = 600_000;

const SIZE = { viewport: { width: 1280, height: 800 } };

export async function page(bench: Bench, { page: scale }: Scale): Promise<readonly Table[]> {
  try {
    Deno.statSync(CHROMIUM);
  } catch (cause) {
    throw new Error(
      `The group "page" needs Chromium at ${CHROMIUM}: install it, or name other groups by --only`,
      { cause },
    );
  }
  const measured = await startPage(bench, scale);
  await using browser = await Browser.open([measured.reachable]);
  const times = [
    await firstViews(browser, measured, scale, "block"),
    await firstViews(browser, measured, scale, "allow"),
  ];
  const { context, page } = await browser.visitor({ ...SIZE, serviceWorkers: "block" });
  await context.addInitScript(HELP);
  await page.goto(measured.origin + await signInPath(measured));
  await page.locator(".thread-line").first().waitFor();
  const profiler = await context.newCDPSession(page);
  const scrolled: Row[] = [{ label: "the first view", values: await heap(profiler) }];
  times.push(await events(page, measured, scale, "a message is sent until its line is seen"));
  for (
    const [lines, label] of [[scale.lines, scale.lines.toLocaleString("en-US")], [
      Infinity,
      "all",
    ]] as const
  ) {
    const values = await scrollDown(page, lines);
    scrolled.push({
      label: `${label} lines`,
      values: { ...values, ...await frames(page, scale), ...await heap(profiler) },
    });
  }
  times.push(await events(page, measured, scale, "the same, with all lines loaded"));
  for (const [count, root] of measured.conversations) {
    times.push(await opening(page, scale, count, root));
  }
  times.push(await searching(page, scale));
  await context.close();
  return [
    {
      group: "page",
      title: "The page in Chromium",
      columns: [{ name: "p50 ms", digits: 0 }, { name: "largest ms", digits: 0 }],
      rows: times,
    },
    {
      group: "scrolling",
      title: "The inbox, scrolled down",
      columns: [
        { name: "lines/s", digits: 0 },
        { name: "frame p50 ms", digits: 1 },
        { name: "frame p99 ms", digits: 1 },
        { name: "heap MiB", digits: 1 },
      ],
      rows: scrolled,
    },
  ];
}

/**
 * In the page: `seen(test)` resolves when what is tested for was drawn (30 s at most), with the time in milliseconds since 1970, and
 * `firstView` is the time that the first line of a list took since the navigation.
 */
const HELP =
  `globalThis.drawn = () => new Promise((then) => requestAnimationFrame(() => setTimeout(then)));
globalThis.seen = (test) => new Promise((then, fail) => {
  setTimeout(() => fail(new Error("Not seen after 30 s: " + test)), 30_000);
  const look = async () => {
    if (!test()) return false;
    observer.disconnect();
    await drawn();
    then(performance.timeOrigin + performance.now());
    return true;
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true, characterData: true, attributes: true });
  look();
});
globalThis.firstView = seen(() => document.querySelector(".thread-line") !== null)
  .then((at) => at - performance.timeOrigin);`;

/** Without the service worker nothing is cached but the session. */
async function firstViews(
  browser: Browser,
  bench: PageBench,
  { times }: PageScale,
  serviceWorkers: "allow" | "block",
): Promise<Row> {
  const { context, page } = await browser.visitor({ ...SIZE, serviceWorkers });
  await context.addInitScript(HELP);
  await page.goto(bench.origin + await signInPath(bench));
  await page.locator(".thread-line").first().waitFor();
  if (serviceWorkers === "allow") {
    await page.evaluate("navigator.serviceWorker.ready.then(() => 0)");
  }
  const network = await context.newCDPSession(page);
  if (serviceWorkers === "block") {
    await network.send("Network.setCacheDisabled", { cacheDisabled: true });
  }
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    await page.goto(bench.origin);
    taken.push(Number(await page.evaluate("firstView")));
    await page.waitForLoadState("networkidle");
  }
  await context.close();
  const how = serviceWorkers === "allow" ? "with the service worker" : "with nothing cached";
  return row(`navigation to the first view, ${how}`, taken);
}

async function events(
  page: Page,
  bench: PageBench,
  { times }: PageScale,
  label: string,
): Promise<Row> {
  await page.evaluate(`document.querySelector(".virtual").scrollTop = 0`);
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const topic = crypto.randomUUID();
    await page.evaluate(
      `void (globalThis.came = seen(() => document.querySelector(".thread-line .thread-words")?.textContent === "${topic}"))`,
    );
    const asked = await deliver(bench, topic);
    taken.push(Number(await page.evaluate("came")) - asked);
  }
  return row(label, taken);
}

/** Scrolls to the end again and again, until so many lines are there; how many came in a second. */
async function scrollDown(page: Page, lines: number): Promise<Record<string, number>> {
  const [came, ms] = await page.evaluate(`(async () => {
    const box = document.querySelector(".virtual");
    const count = () => Math.round(box.querySelector(".virtual-lines").offsetHeight / box.querySelector(".virtual-line").offsetHeight);
    const begun = performance.now();
    const before = count();
    const whole = () => box.querySelector('[aria-setsize="-1"]') === null;
    while (!whole() && count() < ${
    lines === Infinity ? "Infinity" : lines
  } && performance.now() - begun < ${LONGEST_MS}) {
      box.scrollTop = box.scrollHeight;
      await drawn();
    }
    return [count() - before, performance.now() - begun];
  })()`) as [number, number];
  return { "lines/s": came / ms * 1000 };
}

/** Up again, half a screen with every frame. */
async function frames(page: Page, { scrollMs }: PageScale): Promise<Record<string, number>> {
  const taken = await page.evaluate(`(async () => {
    const box = document.querySelector(".virtual");
    const taken = [];
    const begun = performance.now();
    for (let last = begun; last - begun < ${scrollMs};) {
      box.scrollTop -= box.clientHeight / 2;
      const now = await new Promise((then) => requestAnimationFrame(() => then(performance.now())));
      taken.push(now - last);
      last = now;
    }
    return taken.slice(1);
  })()`) as number[];
  return { "frame p50 ms": percentile(taken, 0.5), "frame p99 ms": percentile(taken, 0.99) };
}

/** After a collection. */
async function heap(profiler: CDPSession): Promise<Record<string, number>> {
  await profiler.send("HeapProfiler.collectGarbage");
  const { usedSize } = await profiler.send("Runtime.getHeapUsage");
  return { "heap MiB": usedSize / 1024 / 1024 };
}

/** The first time the modules for it are loaded: it is not counted. */
async function opening(
  page: Page,
  { times }: PageScale,
  count: number,
  root: number,
): Promise<Row> {
  const taken: number[] = [];
  for (let i = 0; i <= times; i++) {
    await turnTo(page, "/");
    taken.push(
      await untilSeen(
        page,
        `/?thread=${root}`,
        `document.querySelector("[data-message]") !== null`,
      ),
    );
  }
  await turnTo(page, "/");
  return row(
    `a conversation of ${count.toLocaleString("en-US")} that is loaded, opened`,
    taken.slice(1),
  );
}

async function searching(page: Page, { times }: PageScale): Promise<Row> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    await turnTo(page, "/?view=search");
    taken.push(
      await untilSeen(page, `/?view=search&q=letter${"+boat".repeat(i % 2)}`, FOUND),
    );
  }
  return row("a search, with 250 ms of waiting for more keys", taken);
}

async function turnTo(page: Page, path: string): Promise<void> {
  await page.evaluate(
    `(history.pushState(null, "", ${
      JSON.stringify(path)
    }), dispatchEvent(new PopStateEvent("popstate")), drawn())`,
  );
}

/** How many were found is told: earlier results stay until then. */
const FOUND = `/\\d/.test(document.querySelector(".search-state")?.textContent ?? "")`;

/** Milliseconds from going there until `test`, an expression of the page, holds and that is drawn. */
async function untilSeen(page: Page, path: string, test: string): Promise<number> {
  return Number(
    await page.evaluate(`(async () => {
    const begun = performance.timeOrigin + performance.now();
    history.pushState(null, "", ${JSON.stringify(path)});
    dispatchEvent(new PopStateEvent("popstate"));
    return await seen(() => ${test}) - begun;
  })()`),
  );
}

function row(label: string, taken: readonly number[]): Row {
  return { label, values: { "p50 ms": percentile(taken, 0.5), "largest ms": Math.max(...taken) } };
}
