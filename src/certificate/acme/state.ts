// What is kept in <data_dir>/acme: accounts, the certificate, an order under way, and what was tried.
// Each is one file that is written beside and renamed, so that none is ever half of one and half of another.

import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { own } from "../../store/mod.ts";
import { AcmeError } from "./error.ts";
import { textOf } from "./http.ts";
import { parseJson } from "./objects.ts";
import { ATTEMPT, type Attempt, MAX_ATTEMPTS } from "./renewal.ts";
import { certificateFile, stateFolder } from "./settings.ts";

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(10_000));

const ACCOUNT = v.object({
  /** A private key of P-256 as a JWK. */
  key: v.object({ kty: text, crv: text, x: text, y: text, d: text }),
  /** Where the authority keeps the account; null: it has not said so yet. */
  url: v.nullable(text),
  /** The address that the authority knows. */
  email: v.nullable(text),
});

const ACCOUNTS = v.object({ accounts: v.record(v.string(), ACCOUNT) });

const ORDER = v.object({
  directory: text,
  name: text,
  /** Where the authority keeps it. */
  url: text,
  /** PEM; the certificate will be for it. */
  key: text,
  /** What the authority asks for since it was told to validate; null: it was not. */
  token: v.nullable(text),
});

const ATTEMPTS = v.object({ attempts: v.array(ATTEMPT) });

/** An account with an authority (RFC 8555 7.1.2). */
export type SavedAccount = v.InferOutput<typeof ACCOUNT>;
/** An order that was not through when a try ended; the next one goes on with it. */
export type SavedOrder = v.InferOutput<typeof ORDER>;

/** Holds the folder until it is disposed of. */
export class StateFolder implements Disposable {
  readonly #dataDir: string;
  readonly #lock: Deno.FsFile;
  readonly #note: (text: string) => void;

  private constructor(dataDir: string, lock: Deno.FsFile, note: (text: string) => void) {
    this.#dataDir = dataDir;
    this.#lock = lock;
    this.#note = note;
  }

  /** Throws an AcmeError: `busy` when another process, or a try of this one, holds it. `note` hears of what is ignored. */
  static open(dataDir: string, note: (text: string) => void): StateFolder {
    const folder = stateFolder(dataDir);
    return attempt("use", folder, () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      own(folder, dataDir, 0o700);
      const file = join(folder, "lock");
      const lock = Deno.openSync(file, { read: true, write: true, create: true });
      try {
        own(file, dataDir);
        if (lock.tryLockSync(true)) return new StateFolder(dataDir, lock, note);
      } catch (error) {
        lock.close();
        throw error;
      }
      lock.close();
      throw new AcmeError(
        "busy",
        `Another fmsg is getting a certificate with ${folder} right now: wait until it is through`,
      );
    });
  }

  [Symbol.dispose](): void {
    this.#lock.unlockSync();
    this.#lock.close();
  }

  account(directory: string): SavedAccount | null {
    return this.#accounts()[directory] ?? null;
  }

  saveAccount(directory: string, account: SavedAccount): void {
    this.#write("account.json", json({ accounts: { ...this.#accounts(), [directory]: account } }));
  }

  order(): SavedOrder | null {
    return this.#read("order.json", ORDER);
  }

  saveOrder(order: SavedOrder): void {
    this.#write("order.json", json(order));
  }

  dropOrder(): void {
    const file = this.#file("order.json");
    attempt("remove", file, () => rmSync(file, { force: true }));
  }

  /** The oldest first. */
  attempts(): readonly Attempt[] {
    return readAttempts(this.#dataDir, this.#note);
  }

  /** Puts it behind the others, or in the place of the one of the same time. */
  saveAttempt(attempt: Attempt): void {
    const others = this.attempts().filter(({ at }) => at !== attempt.at);
    this.#write("attempts.json", json({ attempts: [...others, attempt].slice(-MAX_ATTEMPTS) }));
  }

  /** The host reads key and chain from one file; what stands before them tells where it is from (RFC 7468 2). */
  saveCertificate(directory: string, key: string, chain: string): void {
    this.#write("certificate.pem", `${ORIGIN}${directory}\n${key}${chain}`);
  }

  #accounts(): Readonly<Record<string, SavedAccount>> {
    return this.#read("account.json", ACCOUNTS)?.accounts ?? {};
  }

  #file(name: string): string {
    return join(stateFolder(this.#dataDir), name);
  }

  #read<const S extends v.GenericSchema>(name: string, schema: S): v.InferOutput<S> | null {
    return readJson(this.#file(name), schema, this.#note);
  }

  #write(name: string, text: string): void {
    const file = this.#file(name);
    const beside = `${file}.new`;
    attempt("write", file, () => {
      // Made anew, so that nobody has it open, and it never was readable for others.
      rmSync(beside, { force: true });
      {
        using written = Deno.openSync(beside, { write: true, createNew: true, mode: 0o600 });
        const bytes = new TextEncoder().encode(text);
        for (let done = 0; done < bytes.length;) done += written.writeSync(bytes.subarray(done));
        written.syncSync();
      }
      own(beside, this.#dataDir);
      renameSync(beside, file);
      // A rename is on disk once its folder is.
      using folder = Deno.openSync(stateFolder(this.#dataDir), { read: true });
      folder.syncSync();
    });
  }
}

/** Before the URL of the directory in the certificate's file. */
const ORIGIN = "Certificate and private key, got and renewed by fmsg from ";

/** What is in the certificate's file: where it came from (null: nobody says), and the text. Null: there is none. */
export function readCertificateFile(
  dataDir: string,
): { readonly origin: string | null; readonly text: string } | null {
  const text = readIfThere(certificateFile(dataDir));
  if (text === null) return null;
  const [first = ""] = text.split("\n", 1);
  return { origin: first.startsWith(ORIGIN) ? first.slice(ORIGIN.length) : null, text };
}

/** What was tried, the oldest first; also without holding the folder. */
export function readAttempts(
  dataDir: string,
  note: (text: string) => void = () => {},
): readonly Attempt[] {
  return readJson(join(stateFolder(dataDir), "attempts.json"), ATTEMPTS, note)?.attempts ?? [];
}

function readJson<const S extends v.GenericSchema>(
  file: string,
  schema: S,
  note: (text: string) => void,
): v.InferOutput<S> | null {
  const text = readIfThere(file);
  if (text === null) return null;
  const result = v.safeParse(schema, parseJson(text));
  if (result.success) return result.output;
  note(`${file} is damaged, and is not used: it is written anew`);
  return null;
}

function readIfThere(file: string): string | null {
  return attempt("read", file, () => {
    try {
      return readFileSync(file, "utf8");
    } catch (error) {
      if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return null;
      throw error;
    }
  });
}

function attempt<Result>(verb: string, file: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof AcmeError) throw cause;
    throw new AcmeError(
      "state",
      `Cannot ${verb} ${file}: ${textOf(cause)}; see who may use it, and whether the disk has room`,
      { cause },
    );
  }
}

function json(value: object): string {
  return JSON.stringify(value, null, 2) + "\n";
}
