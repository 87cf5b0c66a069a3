// The host's log: JSON lines, or lines for people on a terminal. Never content, keys or tokens.

export type Level = "debug" | "info" | "warn" | "error";

type Value = string | number | boolean | null | readonly (string | number)[];

export type Fields = Readonly<Record<string, Value>>;

const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];

/**
 * What JSON leaves as it is and a terminal obeys or does not show: further control characters, and those that hide text
 * or turn its direction. Strangers have a say in some fields, such as the names in their certificates.
 */
const INVISIBLE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

export interface LogOptions {
  readonly level: Level;
  /** Lines for people instead of JSON. */
  readonly readable: boolean;
  /** Takes whole lines, several at a time. */
  readonly write: (text: string) => void;
}

export class Log {
  #options: LogOptions;
  #lines: string[] = [];

  constructor(options: LogOptions) {
    this.#options = options;
  }

  setLevel(level: Level): void {
    this.#options = { ...this.#options, level };
  }

  debug(message: string, fields: Fields = {}): void {
    this.#add("debug", message, fields);
  }

  info(message: string, fields: Fields = {}): void {
    this.#add("info", message, fields);
  }

  warn(message: string, fields: Fields = {}): void {
    this.#add("warn", message, fields);
  }

  error(message: string, fields: Fields = {}): void {
    this.#add("error", message, fields);
  }

  #add(level: Level, message: string, fields: Fields): void {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.#options.level)) return;
    const time = new Date();
    const line = this.#options.readable
      ? readable(time, level, message, fields)
      : JSON.stringify({ time: time.toISOString(), level, msg: message, ...fields });
    this.#lines.push(harmless(line));
    // What one turn of the event loop logs is written at once: a system call for each line would cost more than it.
    if (this.#lines.length === 1) queueMicrotask(() => this.flush());
  }

  /** Writes what was logged in this turn: for those who end the process in it. */
  flush(): void {
    if (this.#lines.length === 0) return;
    const text = this.#lines.join("\n") + "\n";
    this.#lines = [];
    this.#options.write(text);
  }
}

/** Writes to stderr; a reader that went away does not stop the host. */
export function writeToStderr(text: string): void {
  let bytes = new TextEncoder().encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
  } catch {
    // There is nobody left to tell.
  }
}

/** Strings in a list go without quotes. */
function plain(value: string | number): string {
  return JSON.stringify(value).replace(/^"(.*)"$/, "$1");
}

/** JSON that means the same, of which a terminal obeys and hides nothing. */
export function harmless(json: string): string {
  return json.replace(INVISIBLE, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function readable(time: Date, level: Level, message: string, fields: Fields): string {
  const clock = time.toTimeString().slice(0, 8);
  const details = Object.entries(fields)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) =>
      `${name}=${Array.isArray(value) ? value.map(plain).join(",") : JSON.stringify(value)}`
    );
  return [clock, level.toUpperCase().padEnd(5), message, ...details].join(" ");
}
