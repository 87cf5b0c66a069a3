// What the page's own modules find around them, where a test runs them without a browser. Import it before they are loaded:
// `const state = await import("../../src/web/state.ts")`.

/** What the service worker and the host behind it answer. A rejection is a network that is not there. */
export type Answering = (request: Asked) => Response | Promise<Response>;

export interface Asked {
  /** `POST /session` */
  readonly what: string;
  /** Past what the service worker has kept. */
  readonly fresh: boolean;
  /** What was sent along. */
  readonly body: string;
}

export class PretendedBrowser {
  /** All that was asked, in order. */
  readonly asked: Asked[] = [];
  readonly sockets: PretendedSocket[] = [];
  answer: Answering;

  /** The modules of a page are loaded once: so is the browser around them. */
  constructor(answer: Answering, url = "https://fmsg.a.test/") {
    this.answer = answer;
    const { sockets } = this;
    const kept = new Map<string, string>();
    const globals = {
      location: new URL(url),
      history: {
        state: null,
        pushState: (_state: unknown, _title: string, to: string) => this.goTo(to),
        replaceState: (_state: unknown, _title: string, to: string) => this.goTo(to),
      },
      document: Object.assign(new EventTarget(), { visibilityState: "visible" }),
      localStorage: storageOver(kept),
      WebSocket: class extends PretendedSocket {
        constructor(url: URL) {
          super(url);
          sockets.push(this);
        }
      },
      // Nothing is kept; Deno's own would outlast the test.
      caches: { delete: () => Promise.resolve(false) },
      fetch: (path: string, init: RequestInit): Promise<Response> => this.#fetch(path, init),
    };
    for (const [name, value] of Object.entries(globals)) {
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
    Object.defineProperty(navigator, "onLine", { value: true, configurable: true });
  }

  /** As a link, or the page itself, changes the address. */
  goTo(to: string): void {
    Object.defineProperty(globalThis, "location", {
      value: new URL(to, location.href),
      configurable: true,
      writable: true,
    });
  }

  /** Seen again, or no longer. */
  show(visibilityState: "visible" | "hidden"): void {
    Object.assign(document, { visibilityState });
    document.dispatchEvent(new Event("visibilitychange"));
  }

  /** Of what was asked so far, what went to this path. */
  askedOf(what: string): Asked[] {
    return this.asked.filter((asked) => asked.what === what);
  }

  async #fetch(
    path: string,
    { method = "GET", cache, body, signal }: RequestInit,
  ): Promise<Response> {
    const asked = {
      what: `${method} ${path}`,
      fresh: cache === "no-store",
      body: typeof body === "string" ? body : "",
    };
    this.asked.push(asked);
    const response = await this.answer(asked);
    signal?.throwIfAborted();
    return response;
  }
}

/** Opens when a test says so. */
export class PretendedSocket {
  static readonly OPEN = 1;
  static readonly CLOSED = 3;
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onclose: ((event: { readonly code: number }) => void) | null = null;

  constructor(readonly url: URL) {}

  open(): void {
    this.readyState = PretendedSocket.OPEN;
    this.onopen?.();
  }

  /** `code`: as the host says why. */
  close(code = 1000): void {
    if (this.readyState === PretendedSocket.CLOSED) return;
    this.readyState = PretendedSocket.CLOSED;
    queueMicrotask(() => this.onclose?.({ code }));
  }
}

/** Its keys are to be seen by Object.keys, as in a browser. */
function storageOver(kept: Map<string, string>): Record<string, unknown> {
  const methods: Record<string, unknown> = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
    clear: () => kept.clear(),
  };
  return new Proxy(methods, {
    get: (_, key) => typeof key === "string" ? methods[key] ?? kept.get(key) : undefined,
    ownKeys: () => [...kept.keys()],
    getOwnPropertyDescriptor: (_, key) =>
      typeof key === "string" && kept.has(key)
        ? { value: kept.get(key), enumerable: true, configurable: true }
        : undefined,
  });
}
