// How many messages a host accepts from others: small ones, and attachments.

import { type Load, load } from "./load.ts";
import type { Row, Table } from "./result.ts";
import type { Scale } from "./scale.ts";
import type { Bench } from "./setup.ts";

const MIB = 1024 * 1024;

/** Small messages; the host is a fresh one for each mode of challenges. */
export async function accept(bench: Bench, scale: Scale): Promise<Table> {
  const site = await bench.site("b.test");
  const sender = await bench.site("a.test");
  const rows: Row[] = [];
  for (const challenge of ["never", "always"] as const) {
    const host = await bench.start(site, { challenge });
    for (const senders of scale.senders) {
      const messages = senders === 1 ? scale.messages.one : scale.messages.many;
      const taken = await load(bench, host, sender, { senders, messages, attachment: 0 }, scale);
      rows.push({
        label: `${challenge === "never" ? "not challenged" : "challenged"}, ${counted(senders)}`,
        values: {
          "accepted/s": taken.perSecond,
          "p50 ms": taken.p50,
          "p99 ms": taken.p99,
          "CPU ms": taken.cpu,
          "of it writer": taken.writerCpu,
        },
      });
    }
    await host[Symbol.asyncDispose]();
  }
  return {
    group: "accept",
    title: "Accepted messages of 120 bytes",
    columns: [
      { name: "accepted/s", digits: 0 },
      { name: "p50 ms", digits: 1 },
      { name: "p99 ms", digits: 1 },
      { name: "CPU ms", digits: 2 },
      { name: "of it writer", digits: 2 },
    ],
    rows,
  };
}

/** Messages with an attachment; not challenged, which would be one message more or less among many bytes. */
export async function attachments(bench: Bench, scale: Scale): Promise<Table> {
  const site = await bench.site("b.test");
  const sender = await bench.site("a.test");
  const host = await bench.start(site, { challenge: "never" });
  const rows: Row[] = [];
  for (const [size, senders] of scale.attachments) {
    const bulk = attachmentLoad(size * MIB, senders, scale);
    const taken = await load(bench, host, sender, bulk, scale);
    rows.push({
      label: `${size} MiB, ${counted(senders)}`,
      values: {
        "MB/s": taken.perSecond * bulk.attachment / 1e6,
        "p50 ms": taken.p50,
        "p99 ms": taken.p99,
        "CPU ms": taken.cpu,
        "of it writer": taken.writerCpu,
      },
    });
  }
  return {
    group: "attachments",
    title: "Accepted attachments",
    columns: [
      { name: "MB/s", digits: 0 },
      { name: "p50 ms", digits: 0 },
      { name: "p99 ms", digits: 0 },
      { name: "CPU ms", digits: 1 },
      { name: "of it writer", digits: 1 },
    ],
    rows,
  };
}

/** Messages with attachments, for at least so many bytes as the scale asks for, as many from each sender. */
export function attachmentLoad(attachment: number, senders: number, scale: Scale): Load {
  const each = Math.ceil(scale.attachmentBytes / attachment / senders);
  return { senders, messages: each * senders, attachment };
}

function counted(senders: number): string {
  return senders === 1 ? "1 sender" : `${senders} senders`;
}
