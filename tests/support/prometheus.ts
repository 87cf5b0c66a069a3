// A reader of Prometheus' text format that takes nothing but what the format and its conventions allow.

import assert from "node:assert/strict";

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const HEAD = /^# HELP (\S+) (.*)\n# TYPE (\S+) (counter|gauge|histogram)\n/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\n/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,(?=[a-zA-Z_])|$)/;

/** The families of a page by their names; fails where the page breaks a rule. */
export function parseMetrics(page: string): Map<string, Family> {
  const families = new Map<string, Family>();
  assert.match(page, /^[^\r]*\n$/, "lines end with a line feed, the last one too");
  for (let rest = page; rest !== "";) {
    const head = HEAD.exec(rest);
    assert.ok(head !== null, `no family begins with ${JSON.stringify(rest.slice(0, 80))}`);
    const [whole, name = "", help = "", typed, type = ""] = head;
    rest = rest.slice(whole.length);
    assert.match(name, NAME);
    assert.equal(typed, name);
    assert.ok(!families.has(name), `${name} comes twice`);
    const samples: Sample[] = [];
    while (rest !== "" && !rest.startsWith("#")) {
      const line = SAMPLE.exec(rest);
      assert.ok(line !== null, `no sample: ${JSON.stringify(rest.slice(0, 80))}`);
      rest = rest.slice(line[0].length);
      samples.push(sample(line[1] ?? "", line[2] ?? "", line[3] ?? ""));
    }
    const family = { type, help, samples };
    checkSamples(name, family);
    lint(name, family);
    families.set(name, family);
  }
  return families;
}

/** The value of the one sample with these labels; 0 where the family has none. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ""));
  assert.ok(family !== undefined, `there is no ${name}`);
  return family.samples.find((one) => one.name === name && keyOf(one.labels) === keyOf(labels))
    ?.value ?? 0;
}

function sample(name: string, labelText: string, valueText: string): Sample {
  const labels: Record<string, string> = {};
  for (let rest = labelText; rest !== "";) {
    const label = LABEL.exec(rest);
    assert.ok(label !== null, `no label: ${JSON.stringify(rest)}`);
    const [whole, key = "", value = ""] = label;
    assert.ok(!(key in labels), `${key} comes twice in ${labelText}`);
    labels[key] = value.replace(/\\(.)/g, (_, one) => one === "n" ? "\n" : one);
    rest = rest.slice(whole.length);
  }
  assert.match(valueText, /^(?:[+-]?Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/, name);
  return { name, labels, value: valueText === "+Inf" ? Infinity : Number(valueText) };
}

function checkSamples(name: string, { type, samples }: Family): void {
  const keys = samples.map((one) => `${one.name} ${keyOf(one.labels)}`);
  assert.equal(new Set(keys).size, keys.length, `a sample of ${name} comes twice`);
  if (type !== "histogram") {
    for (const one of samples) {
      assert.equal(one.name, name);
      if (type === "counter") assert.ok(one.value >= 0, name);
    }
    return;
  }
  const buckets = samples.filter((one) => one.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) =>
    labels["le"] === "+Inf" ? Infinity : Number(labels["le"])
  );
  const counts = buckets.map(({ value }) => value);
  assert.deepEqual(bounds, bounds.toSorted((a, b) => a - b), `bounds of ${name}`);
  assert.deepEqual(counts, counts.toSorted((a, b) => a - b), `buckets of ${name}`);
  assert.equal(bounds.at(-1), Infinity);
  const others = samples.filter((one) => !buckets.includes(one));
  assert.deepEqual(others.map((one) => one.name), [`${name}_sum`, `${name}_count`]);
  assert.equal(counts.at(-1), others[1]?.value);
}

/** What `promtool check metrics` looks at. */
function lint(name: string, { type, help, samples }: Family): void {
  assert.notEqual(help, "", `${name} has no help`);
  assert.match(name, /^[a-z][a-z0-9_]*[a-z0-9]$/, "lower case with underscores");
  assert.equal(/_total$/.test(name), type === "counter", `${name} is a ${type}`);
  assert.doesNotMatch(name, /_(?:bucket|sum|count|info_total)$/, "suffixes of histograms");
  const words = name.split("_");
  for (const word of words) {
    assert.ok(
      !["gauge", "counter", "histogram", "summary"].includes(word),
      `${name} names its type`,
    );
    assert.ok(!NOT_BASE.has(word), `${name}: ${word} is no base unit`);
  }
  for (const { labels } of samples) {
    for (const key of Object.keys(labels)) {
      assert.match(key, /^[a-z][a-z0-9_]*$/);
      if (type !== "histogram") assert.ok(!["le", "quantile"].includes(key), `${name} has ${key}`);
    }
  }
}

const NOT_BASE: ReadonlySet<string> = new Set([
  ..."ms milliseconds us microseconds ns sec secs minutes minute hours hour days day weeks week"
    .split(" "),
  ..."kilobytes kb mb megabytes mib gigabytes gb bits percent pct".split(" "),
]);

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).toSorted());
}
