// How much is measured: enough for numbers that repeat, or just enough to see that the bench works.

export interface Scale {
  /** Messages that a load sends before those that are counted. */
  readonly warmUp: number;
  /** How many send small messages at once. */
  readonly senders: readonly number[];
  /** MiB of an attachment, and how many send such at once. */
  readonly attachments: readonly (readonly [number, number])[];
  /** Counted messages: of one sender, and of several. */
  readonly messages: { readonly one: number; readonly many: number };
  /** Bytes of attachments that a load sends, at least, in messages of the size that is measured. */
  readonly attachmentBytes: number;
  /** Messages in the full queue. */
  readonly queued: number;
  /** Messages that are sent one by one. */
  readonly sent: number;
  /** Messages whose bytes on the wire are counted. */
  readonly counted: number;
  readonly idleConnections: number;
  /** Milliseconds that memory is given to settle. */
  readonly settleMs: number;
  /** Milliseconds for which fsyncs are counted. */
  readonly fsyncMs: number;
  /** Bare TLS connections, and bytes through one of them. */
  readonly handshakes: number;
  readonly streamBytes: number;
  /** Sockets in TIME_WAIT that a load may start with. */
  readonly timeWait: number;
  readonly api: ApiScale;
  readonly page: PageScale;
}

/** Of the inbox in the browser. */
export interface PageScale {
  /** Messages in the mailbox, two thirds of which begin a thread; those of `conversations` are among them. */
  readonly mailbox: number;
  /** Messages of long threads. */
  readonly conversations: readonly number[];
  /** Lines that are scrolled to first, before all. */
  readonly lines: number;
  /** How often something is done that is measured as a time. */
  readonly times: number;
  /** Milliseconds for which it is scrolled and frames are counted. */
  readonly scrollMs: number;
}

/** Of the interface for clients. */
export interface ApiScale {
  /** Messages in the mailbox that is listed. */
  readonly mailbox: number;
  /** How many use it at once. */
  readonly clients: readonly number[];
  /** Counted requests, by one client and by several. */
  readonly requests: { readonly one: number; readonly many: number };
  /** Bytes of a download with how often it is done, by one and by several. */
  readonly downloads: readonly {
    readonly size: number;
    readonly one: number;
    readonly many: number;
  }[];
  /** Messages whose events are measured. */
  readonly events: number;
  /** Recipients of those that go to many. */
  readonly recipients: number;
  /** Milliseconds for which it is watched what idle sockets cost. */
  readonly idleMs: number;
}

const MIB = 1024 * 1024;

export const FULL: Scale = {
  warmUp: 300,
  senders: [1, 16, 64],
  attachments: [[1, 1], [1, 4], [8, 1], [8, 4]],
  messages: { one: 600, many: 2000 },
  attachmentBytes: 320 * MIB,
  queued: 500,
  sent: 100,
  counted: 5,
  idleConnections: 1000,
  settleMs: 2000,
  fsyncMs: 1000,
  handshakes: 1500,
  streamBytes: 512 * MIB,
  timeWait: 5000,
  api: {
    mailbox: 100_000,
    clients: [1, 100, 1000],
    requests: { one: 300, many: 2000 },
    downloads: [
      { size: 64 * 1024, one: 300, many: 2000 },
      { size: 5 * MIB, one: 40, many: 200 },
    ],
    events: 200,
    recipients: 100,
    idleMs: 30_000,
  },
  page: {
    mailbox: 100_000,
    conversations: [1_000, 10_000],
    lines: 10_000,
    times: 10,
    scrollMs: 5_000,
  },
};

export const QUICK: Scale = {
  warmUp: 5,
  senders: [1],
  attachments: [[8, 4]],
  messages: { one: 10, many: 20 },
  attachmentBytes: 4 * MIB,
  queued: 10,
  sent: 3,
  counted: 1,
  idleConnections: 20,
  settleMs: 50,
  fsyncMs: 50,
  handshakes: 20,
  streamBytes: 4 * MIB,
  timeWait: Infinity,
  api: {
    mailbox: 100,
    clients: [1, 4],
    requests: { one: 3, many: 8 },
    downloads: [{ size: 64 * 1024, one: 2, many: 4 }, { size: MIB, one: 2, many: 4 }],
    events: 3,
    recipients: 3,
    idleMs: 50,
  },
  page: { mailbox: 600, conversations: [50, 100], lines: 100, times: 2, scrollMs: 300 },
};
