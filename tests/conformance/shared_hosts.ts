// Hosts that the tests of a file share. Each test has users of its own there, so that it sees nothing of the others.

import type { ApiClient } from "../support/api_client.ts";
import type { HostProcess } from "../support/host_process.ts";
import { type HostChoices, World } from "../support/world.ts";

/** A host and users on it that one test has. */
export interface Guests {
  readonly host: HostProcess;
  /** The address of a user. */
  address(user: string): string;
  /** The interface with a token for a user. */
  client(user: string): Promise<ApiClient>;
}

/**
 * Starts hosts before the first test of the file that makes this, and ends them after the last. A test that stops or
 * reloads a host needs one of its own.
 */
export class SharedHosts {
  #world: World | null = null;
  #guests = 0;

  constructor(...choices: readonly HostChoices[]) {
    Deno.test.beforeAll(async () => {
      const world = await World.make();
      // From now on it is ended whatever happens.
      this.#world = world;
      for (const choice of choices) await world.host(choice);
      await world.dns.rest();
    });
    Deno.test.beforeEach(async () => await this.world.dns.wake());
    Deno.test.afterEach(async () => await this.world.dns.rest());
    Deno.test.afterAll(async () => await this.#world?.[Symbol.asyncDispose]());
  }

  get world(): World {
    if (this.#world === null) throw new Error("Outside of tests there are no hosts");
    return this.#world;
  }

  /** Users that nobody had before, on the first host: the test's "alice" may be alice7 there. */
  users(...names: readonly string[]): Promise<Guests> {
    return this.usersAt(0, ...names);
  }

  async usersAt(number: number, ...names: readonly string[]): Promise<Guests> {
    const host = this.world.hosts[number];
    if (host === undefined) throw new Error(`Nobody asked for a host ${number}`);
    const mark = ++this.#guests;
    const address = (user: string): string => host.address(user.replace(/(?=_|$)/, `${mark}`));
    await host.addUsers(names.map(address));
    return { host, address, client: (user) => host.client(address(user)) };
  }
}
