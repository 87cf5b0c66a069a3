// The DNS records that a host needs, in the words of those who are to add them.

import { shownDomain } from "../addresses.ts";
import { table } from "../table.ts";
import { wrap } from "../text.ts";

/** From which addresses the host leaves, so that others find it, and itself, under them. */
export interface Addresses {
  readonly a: readonly string[];
  readonly aaaa: readonly string[];
}

/**
 * The records for `fmsg.<domain>`, an A-label name: as the forms of registrars want them, and as lines of a zone file.
 * Sentences are broken at `columns`, 80 at most; names and addresses never are, so that they can be copied.
 */
export function recordsText(domain: string, addresses: Addresses, columns: number): string {
  const name = `fmsg.${domain}`;
  const records = [
    ...addresses.a.map((value) => ["A", value] as const),
    ...addresses.aaaa.map((value) => ["AAAA", value] as const),
  ];
  const known = records.length > 0;
  const values = known ? records : [["A", "<this machine's public IPv4 address>"] as const];
  const shown = shownDomain(name);
  const say = (text: string) => wrap(text, Math.min(columns, MAX_COLUMNS));
  const lines = (texts: readonly string[]) => texts.map((text) => `  ${text}`).join("\n");
  const rows = table(values.map(([type, value]) => [type, "fmsg", value]), {
    head: ["Type", "Name", "Value"],
    columns: Infinity,
  });
  const inParent = nameInParent(domain);
  return [
    say("DNS records to add:"),
    lines(rows.split("\n")),
    say("That is the name for a form that adds the domain by itself. In full it is:"),
    lines(shown === name ? [name] : [name, `(${shown})`]),
    ...inParent === null ? [] : [
      say(
        "Where the domain has no zone of its own, but is kept in that of its parent, a form wants:",
      ),
      lines([inParent]),
    ],
    ...known
      ? [
        say("The same as lines of a zone file:"),
        lines(records.map(([type, value]) => `${name}. ${TTL} IN ${type} ${value}`)),
      ]
      : [],
    say(WARNING),
  ].join("\n\n");
}

const MAX_COLUMNS = 80;
/** An hour, in seconds: what zones usually have. */
const TTL = 3600;

const WARNING =
  'These addresses only, and directly: no proxy or CDN in front ("DNS only"), no CNAME to a name that others answer for. Every receiver compares them with the address that a message comes from, and hangs up when it is another.';

/** Where a zone begins is not to be seen from the domain, but a top-level one is nobody's own. */
function nameInParent(domain: string): string | null {
  const [first, ...parent] = domain.split(".");
  return parent.length < 2 ? null : `fmsg.${first}`;
}
