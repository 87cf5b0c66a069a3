// What the host aims at, on a machine with two cores that runs the load generator beside it.

type Targets = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>;

/** By group, row and column. */
const TARGETS: Targets = {
  accept: {
    "not challenged, 1 sender": { "p50 ms": 3.5 },
    "not challenged, 16 senders": { "accepted/s": 850 },
    "challenged, 1 sender": { "p50 ms": 6 },
    "challenged, 16 senders": { "accepted/s": 430 },
  },
  attachments: {
    "1 MiB, 1 sender": { "MB/s": 55 },
    "1 MiB, 4 senders": { "MB/s": 90 },
    "8 MiB, 1 sender": { "MB/s": 90 },
    "8 MiB, 4 senders": { "MB/s": 110 },
  },
  queue: { "challenged": { "delivered/s": 350 } },
  send: { "challenged": { "p50 ms": 20 } },
  wire: { "first": { "bytes": 5018 }, "resumed": { "bytes": 4134 } },
  memory: {
    "small messages, 16 senders": { "peak MiB": 150 },
    "8 MiB attachments, 4 senders": { "peak MiB": 300 },
  },
};

/** The target for a cell, or null when there is none. */
export function targetFor(group: string, label: string, column: string): number | null {
  return TARGETS[group]?.[label]?.[column] ?? null;
}
