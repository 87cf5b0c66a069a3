// A client's connection to the interface, kept open: as little work as can be, so that the host is what is measured.

export interface HttpAnswer {
  readonly status: number;
  /** Bytes of the body. */
  readonly size: number;
  /** The body's beginning, all of it where it is short. */
  readonly body: string;
}

export interface HttpTarget {
  readonly ip: string;
  readonly port: number;
}

/** Beginnings of bodies that are kept, in bytes. */
const KEPT = 16 * 1024;

export class HttpConnection implements Disposable {
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  readonly #buffer = new Uint8Array(256 * 1024);

  private constructor(
    private readonly connection: Deno.TcpConn,
    private readonly headers: string,
  ) {}

  static async open({ ip, port }: HttpTarget, token: string): Promise<HttpConnection> {
    const connection = await Deno.connect({ hostname: ip, port });
    connection.setNoDelay(true);
    return new HttpConnection(
      connection,
      `host: ${ip}:${port}\r\nauthorization: Bearer ${token}\r\n`,
    );
  }

  /** Throws an Error when the answer has another status. */
  async request(
    method: "GET" | "POST",
    path: string,
    wanted: number,
    body?: unknown,
  ): Promise<HttpAnswer> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const bytes = this.#encoder.encode(text);
    const described = body === undefined && method === "GET"
      ? ""
      : `content-type: application/json\r\ncontent-length: ${bytes.length}\r\n`;
    await this.#write(`${method} ${path} HTTP/1.1\r\n${this.headers}${described}\r\n${text}`);
    const answer = await this.#read();
    if (answer.status !== wanted) {
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body}, wanted ${wanted}`);
    }
    return answer;
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }

  async #write(text: string): Promise<void> {
    let rest = this.#encoder.encode(text);
    while (rest.length > 0) rest = rest.subarray(await this.connection.write(rest));
  }

  async #read(): Promise<HttpAnswer> {
    const buffer = this.#buffer;
    let filled = 0;
    let end = -1;
    while (end < 0) {
      filled += await this.#fill(buffer.subarray(filled));
      end = endOfHead(buffer.subarray(0, filled));
    }
    const head = this.#decoder.decode(buffer.subarray(0, end));
    const status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error(`An answer without its length: ${head}`);
    const size = Number(length);
    const kept = Math.min(size, KEPT);
    while (filled < end + kept) filled += await this.#fill(buffer.subarray(filled));
    const body = this.#decoder.decode(buffer.subarray(end, end + kept));
    let left = size - (filled - end);
    while (left > 0) left -= await this.#fill(buffer);
    return { status, size, body };
  }

  async #fill(buffer: Uint8Array): Promise<number> {
    const count = await this.connection.read(buffer);
    if (count === null) throw new Error("The host closed a connection in an answer");
    return count;
  }
}

/** Where the body begins, or -1. */
function endOfHead(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) {
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10) return i + 1;
  }
  return -1;
}
