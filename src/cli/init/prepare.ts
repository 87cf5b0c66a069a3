// From the questions to a plan that the person agrees with.

import { shownDomain } from "../addresses.ts";
import { connectToHost } from "../../host/mod.ts";
import { type Asker, Cancelled } from "./asker.ts";
import type { Given } from "./flags.ts";
import type { Found } from "./found.ts";
import { isChange, makePlan, type Plan } from "./plan.ts";
import { interfaceNotes, portNotes } from "./ports.ts";
import { askPlaces, gather, type Gathered } from "./questions.ts";
import { unitWarnings } from "./unit.ts";
import { notesText, type Running, summaryText } from "./words.ts";

export interface Prepared {
  readonly plan: Plan;
  readonly agreed: boolean;
  readonly running: Running | null;
  /** What to know about it, a sentence each. */
  readonly notes: readonly string[];
}

/** Throws Cancelled when the person does not want it. */
export async function prepare(
  given: Given,
  found: Found,
  asker: Asker | null,
  dryRun: boolean,
): Promise<Prepared> {
  asker?.begin("Setting up an fmsg host");
  let gathered = await gather(given, found, asker);
  let replaceUnit = false;
  for (;;) {
    const prepared = await planOf(gathered, found, replaceUnit);
    if (asker === null) return prepared;
    const summary = summaryText(prepared.plan, asker.style, asker.columns);
    const notes = notesText(prepared.notes, asker.style, asker.columns);
    asker.say(notes === "" ? summary : `${summary}\n\n${notes}`);
    switch (await askConsent(prepared.plan, dryRun, replaceUnit, asker)) {
      case "go":
        return prepared;
      case "replace":
        replaceUnit = true;
        break;
      case "change":
        gathered = await gather(given, found, asker, await askPlaces(gathered, asker), gathered);
        break;
      case "stop":
        throw new Cancelled("It is not wanted");
    }
  }
}

type Consent = "go" | "change" | "replace" | "stop";

async function askConsent(
  { files, unit, answers }: Plan,
  dryRun: boolean,
  replaceUnit: boolean,
  asker: Asker,
): Promise<Consent> {
  const nothing = answers.user === null && !files.some(isChange);
  return await asker.choose<Consent>({
    message: dryRun
      ? "Show what would be written?"
      : nothing
      ? "All of that is there already. Go on?"
      : "Set it up like this?",
    choices: [
      { value: "go", label: "Yes" },
      { value: "change", label: "Change folders, addresses or the service first" },
      ...unit === "edited" && !replaceUnit
        ? [{ value: "replace" as const, label: "Replace the edited service file, too" }]
        : [],
      { value: "stop", label: "No, leave everything as it is" },
    ],
    first: "go",
  });
}

async function planOf(
  gathered: Gathered,
  found: Found,
  replaceUnit: boolean,
): Promise<Prepared> {
  const plan = await makePlan(gathered, replaceUnit);
  const { answers, unitFacts } = plan;
  const before = gathered.existing?.answers;
  const running = await runningOn(before?.dataDir ?? answers.dataDir);
  const notes = [
    ...gathered.notes,
    ...before !== undefined && before.domain !== answers.domain
      ? [
        `The domain was ${shownDomain(before.domain)}: addresses there reach nobody any more`,
      ]
      : [],
    ...running === null ? portNotes(answers) : [],
    ...interfaceNotes(
      plan.config,
      running === null ? null : gathered.existing?.answers.config ?? null,
    ),
    ...answers.unitFile === null ? [] : unitWarnings(answers, unitFacts),
    ...plan.unit === "edited" && !replaceUnit
      ? [`${answers.unitFile} was edited by hand and stays; --dry-run shows what would be in it`]
      : [],
    ...answers.unitFile !== null && !found.isProgram
      ? [
        `The service starts ${answers.program}: put the executable there ("deno task compile" makes it)`,
      ]
      : [],
    ...answers.unitFile === null && found.systemd && !found.isRoot
      ? ["As root, this also makes a service of it"]
      : [],
  ];
  return { plan, agreed: gathered.agreed, running, notes };
}

/** Null where no host runs, or none that this user may talk to. */
async function runningOn(dataDir: string): Promise<Running | null> {
  try {
    using host = await connectToHost(dataDir);
    return host === null ? null : { pid: (await host.status()).pid };
  } catch {
    return null;
  }
}
