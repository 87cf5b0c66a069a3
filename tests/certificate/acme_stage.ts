// What tests of ACME have in common: an authority, a host's data directory, and what was said on the way.

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  AcmeError,
  type AcmeSettings,
  type AcmeStep,
  certificateFile,
  obtainCertificate,
  type Obtained,
  type ObtainOptions,
} from "../../src/certificate/acme/mod.ts";
import { AcmeServer } from "../support/acme_server.ts";
import { World } from "../support/world.ts";

export const NAME = "fmsg.a.test";

/** Short, where tests wait for something that is to happen. */
export const TIMING = { pollMs: 2 } as const;

/** What tests look at in the files. */
export interface Saved {
  readonly accounts: Record<string, { key: { d: string }; url: string | null }>;
  readonly attempts: { outcome: string; challenged: boolean; issued: boolean; at: number }[];
  readonly url: string;
}

export class Stage implements AsyncDisposable {
  /** Every step of every try. */
  readonly steps: AcmeStep[] = [];

  private constructor(
    readonly world: World,
    readonly server: AcmeServer,
    readonly settings: AcmeSettings,
  ) {}

  static async set(change: Partial<AcmeSettings> = {}): Promise<Stage> {
    const world = await World.make();
    try {
      const ip = world.address();
      const listen = { ip: world.address(), port: world.port };
      const server = await AcmeServer.start(world.authority, { ip });
      server.validateAt = listen;
      const dataDir = join(world.folder, "data");
      await Deno.mkdir(dataDir);
      return new Stage(world, server, {
        directory: server.directory,
        email: null,
        name: NAME,
        listen: [listen],
        dataDir,
        extraRoots: world.authority.pem,
        ...change,
      });
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  obtain(change: Partial<AcmeSettings> = {}, options: ObtainOptions = {}): Promise<Obtained> {
    return obtainCertificate({ ...this.settings, ...change }, {
      progress: (step) => this.steps.push(step),
      ...options,
      timing: { ...TIMING, ...options.timing },
    });
  }

  /** The error of a try that has to fail. */
  async failure(
    change: Partial<AcmeSettings> = {},
    options: ObtainOptions = {},
  ): Promise<AcmeError> {
    try {
      await this.obtain(change, options);
    } catch (error) {
      assert.ok(error instanceof AcmeError, String(error));
      assert.doesNotMatch(error.message, /\n/);
      return error;
    }
    throw new Error("A certificate was got, but the try should have failed");
  }

  /** What the next tries find: as if nothing had been tried. */
  forgetAttempts(): void {
    Deno.removeSync(this.file("attempts.json"));
  }

  file(name: string): string {
    return join(this.settings.dataDir, "acme", name);
  }

  read(name: "account.json" | "attempts.json" | "order.json"): Saved {
    return JSON.parse(Deno.readTextFileSync(this.file(name)));
  }

  /** The text of the certificate's file; null when there is none. */
  get certificate(): string | null {
    try {
      return Deno.readTextFileSync(certificateFile(this.settings.dataDir));
    } catch {
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.world[Symbol.asyncDispose]();
    assert.deepEqual(this.server.faults, []);
  }
}
