// A process that gets a certificate, for tests that kill it: its settings are the one argument, as JSON.

import { type AcmeSettings, obtainCertificate } from "../../src/certificate/acme/mod.ts";
import { TIMING } from "./acme_stage.ts";

const settings: AcmeSettings = JSON.parse(Deno.args[0] ?? "");
await obtainCertificate(settings, { timing: TIMING });
