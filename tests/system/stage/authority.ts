// Let's Encrypt on the stage: pebble, under the name and port of the real one, with validation over HTTP on port 80.

import { makeAuthority } from "../../../src/certificate/make.ts";
import { waitFor } from "../../support/wait.ts";
import { setUpPebble } from "./pebble.ts";
import type { Place } from "./place.ts";

export const LETS_ENCRYPT_NAME = "acme-v02.api.letsencrypt.org";

export interface AcmeStage {
  /** What a system has to trust: PEM. */
  readonly roots: string;
  readonly processes: readonly Deno.ChildProcess[];
}

const FOLDER = "/mnt/authority";

/** Starts it at `address`, and the time at `timeAddress`. `validity` is how long its certificates last, in seconds. */
export async function startAuthority(
  place: Place,
  { address, timeAddress, resolver, validity }: {
    readonly address: string;
    readonly timeAddress: string;
    readonly resolver: string;
    readonly validity: number;
  },
): Promise<AcmeStage> {
  await place.run("mkdir", FOLDER);
  const web = await makeAuthority("The web of the stage");
  const { files, argv } = await setUpPebble({
    folder: FOLDER,
    authority: web,
    ip: "127.0.0.1",
    name: LETS_ENCRYPT_NAME,
    httpPort: 80,
    dns: `${resolver}:53`,
    config: { certificateValidityPeriod: validity },
  });
  place.write(`${FOLDER}/web.pem`, web.pem);
  for (const [file, text] of files) place.write(file, text);
  const pebble = place.start(`${FOLDER}/pebble.log`, ...argv);
  const front = place.start(
    `${FOLDER}/front.log`,
    ...[Deno.execPath(), "run", "-A", "--no-config", SERVICES],
    ...[FOLDER, address, timeAddress],
  );
  const root = await waitFor(() => readIfThere(place, `${FOLDER}/root.pem`), {
    what: "pebble's root",
  });
  return { roots: web.pem + root, processes: [pebble, front] };
}

const SERVICES = new URL("services.ts", import.meta.url).pathname;

function readIfThere(place: Place, file: string): string | null {
  try {
    return place.read(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
