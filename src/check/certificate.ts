// The certificate: whether another host would accept it, and for how long.

import type { Shown } from "../net/mod.ts";
import { type Finding, findingsOn, some } from "./finding.ts";
import { ageText } from "./store.ts";

const on = findingsOn("certificate");

/** What was shown, and what a host that trusts the usual roots says to it. */
export interface Judged {
  readonly shown: Shown;
  readonly trusted: boolean;
  readonly selfSigned: boolean;
  readonly named: boolean;
}

/** Whose it is: what can be done about it. `renewal` is how to get another. */
export type Whose =
  | { readonly kind: "own"; readonly renewal: string; readonly chain: number }
  | { readonly kind: "other" };

const DAY = 86_400;
/** From here on somebody should have renewed it: a third of its life, 30 days at most, and a little patience. */
const RENEW_DAYS = 30;
const PATIENCE = 0.95;

/** `now` in POSIX seconds; `name` is `fmsg.<domain>`. */
export function judgeCertificate(
  judged: Judged,
  name: string,
  whose: Whose,
  now: number,
): Finding[] {
  const dates = judgeDates(judged.shown, whose, now);
  const names = judgeNames(judged, name, whose);
  // What is out of date is not trusted for that alone.
  if (dates.level === "fail") return [names, dates];
  return [names, dates, judgeChain(judged, whose)];
}

function judgeNames({ shown, named }: Judged, name: string, whose: Whose): Finding {
  if (named) return on.ok("certificate-name", `The certificate is for ${name}`);
  const names = shown.names.length === 0 ? "no name at all" : some(shown.names);
  return on.fail(
    "certificate-name",
    `The certificate is not for ${name} but for ${names}: no host will talk to it`,
    whose.kind === "own"
      ? `get one for ${name}: ${whose.renewal}`
      : "its operator has to get one for that name",
  );
}

export function judgeDates({ from, until }: Shown, whose: Whose, now: number): Finding {
  const [starts, ends] = [from.getTime() / 1000, until.getTime() / 1000];
  const renew = whose.kind === "own" ? whose.renewal : "its operator has to renew it";
  if (now > ends) {
    return on.fail(
      "certificate-expiry",
      `The certificate expired ${ageText(now - ends)} ago, on ${
        dayText(until)
      }: no host will talk to it`,
      renew,
    );
  }
  if (now < starts) {
    return on.fail(
      "certificate-expiry",
      `The certificate is valid only from ${dayText(from)} on`,
      "see that the clock of this machine is right (date -u); if it is, wait, or get another one",
    );
  }
  const left = ends - now;
  const seen = `The certificate is valid until ${dayText(until)}, for ${ageText(left)}`;
  const limit = Math.min((ends - starts) / 3, RENEW_DAYS * DAY) * PATIENCE;
  if (left < limit) {
    return on.warning("certificate-expiry", `${seen}: it should have been renewed by now`, renew);
  }
  return on.ok("certificate-expiry", seen);
}

function judgeChain({ shown, trusted, selfSigned }: Judged, whose: Whose): Finding {
  if (trusted) {
    return on.ok(
      "certificate-chain",
      `The certificate is trusted: issued by ${shortName(shown.issuer)}`,
    );
  }
  const others = "other hosts will not talk to it";
  if (selfSigned || shown.issuer === shown.subject) {
    return on.fail(
      "certificate-chain",
      `The certificate is self-signed: ${others}`,
      whose.kind === "own"
        ? `get one of an authority that all trust: ${whose.renewal}; in a private network, every host has to name it in tls.ca`
        : "in a private network, name its root in tls.ca; otherwise its operator has to get another",
    );
  }
  if (whose.kind === "own" && whose.chain < 2) {
    return on.fail(
      "certificate-chain",
      `The file holds only the certificate, without the chain to its authority (${
        shortName(shown.issuer)
      }): ${others}`,
      "let tls.cert name the file with the whole chain, as fullchain.pem of certbot",
    );
  }
  return on.fail(
    "certificate-chain",
    `The certificate is of an authority that is not trusted here (${
      shortName(shown.issuer)
    }), or its chain is not whole: ${others}`,
    whose.kind === "own"
      ? `get one of an authority that all trust: ${whose.renewal}; in a private network, name its root in tls.ca, here and on every host`
      : "in a private network, name its root in tls.ca; otherwise its operator has to serve the whole chain, or get another",
  );
}

/** What a subject or issuer is called: its CN, or all of it in one line. */
function shortName(name: string): string {
  const [, common] = /(?:^|\n)CN=([^\n]+)/.exec(name) ?? [];
  return (common ?? name.replaceAll("\n", ", ")).slice(0, 100);
}

function dayText(date: Date): string {
  return Number.isNaN(date.getTime()) ? "an unknown day" : date.toISOString().slice(0, 10);
}
