// What can go wrong between the page and the host, as three errors.

/** The host answered, and refuses. `message` is its own sentence, made for people. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(
    readonly status: number,
    message: string,
    /** Seconds after which it is worth trying again; null where the host does not say. */
    readonly retryAfter: number | null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Would the same request be taken later? */
  get isPassing(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** No answer came: no network, no host, or it took too long. Whether the host did what was asked is not known. */
export class Offline extends Error {
  override readonly name = "Offline";

  constructor(options?: ErrorOptions) {
    super("The host cannot be reached", options);
  }
}

/** The session ended, or there is none (401). */
export class SignedOut extends Error {
  override readonly name = "SignedOut";

  constructor() {
    super("This browser is not signed in");
  }
}

/** Is it worth trying the same again later? */
export function isPassing(error: unknown): error is Offline | Refused {
  return error instanceof Offline || (error instanceof Refused && error.isPassing);
}
