// The systemd unit that runs the host, and what else to type for it.

import { basename, dirname, resolve } from "node:path";
import type { Access } from "./access.ts";
import type { Answers } from "./answers.ts";
import { selfMadeFiles } from "./configuration.ts";
import { shellWord } from "./shell_word.ts";

/** What the wizard found out about the machine. */
export interface UnitFacts {
  /** `accessOf` the certificate's two files when somebody else looks after them; else empty. */
  readonly access: readonly Access[];
  /**
   * True when the data directory cannot be moved: it is a mount point, or a symbolic link that does not lead to
   * /var/lib/private.
   */
  readonly dataDirFixed: boolean;
  /** `shutdown_timeout` of the configuration, in seconds. */
  readonly shutdownTimeout: number;
}

/** The text of the unit. */
export function unitText(answers: Answers, facts: UnitFacts): string {
  const parts = [
    `# Runs the fmsg host of this machine. Written by \`fmsg host init\`; to change it, rather use
# \`systemctl edit ${serviceOf(answers)}\`, which survives another run of the wizard.

[Unit]
Description=fmsg host
After=network-online.target nss-lookup.target
Wants=network-online.target

[Service]
Type=exec
ExecStart=${word(answers.program)} host run --config ${argument(answers.configFile)}
# Takes a changed configuration and certificate without dropping a connection.
ExecReload=/bin/kill -HUP $MAINPID`,
    `# A fault of the machine (a full disk, an address that is not there yet) may pass; a mistake in the
# configuration (exit status 2) does not.
Restart=on-failure
RestartSec=5s
RestartPreventExitStatus=2`,
    `# Exchanges under way may end first, for shutdown_timeout.
TimeoutStopSec=${Math.ceil(facts.shutdownTimeout) + STOP_MARGIN}s
# Each exchange takes up to two sockets, and the usual limit is 1024.
LimitNOFILE=65536`,
    ownerPart(answers, facts),
    groupPart(facts),
    capabilityPart(answers),
    filesPart(answers, facts),
    KERNEL,
    `[Install]
WantedBy=multi-user.target`,
  ];
  return parts.filter((part) => part !== "").join("\n\n") + "\n";
}

/** What to type as root, in this order, so that the service runs now and after each start of the machine. */
export function unitCommands(answers: Answers, facts: UnitFacts): readonly string[] {
  const user = userOf(answers);
  const commands: string[] = [];
  const closed = closedTo(facts.access);
  const shut = closed.filter((access) => !opensToGroup(access));
  const others = shut.filter((access) => groupFor(access) === TLS_GROUP);
  if (others.length > 0) {
    commands.push(`groupadd --system --force ${TLS_GROUP}`);
    commands.push(`chgrp ${TLS_GROUP} ${shellPaths(others)}`);
  }
  const [folders, files] = (["folder", "file"] as const)
    .map((wanted) => shut.filter(({ kind }) => kind === wanted));
  if (folders?.length) commands.push(`chmod g+x ${shellPaths(folders)}`);
  if (files?.length) commands.push(`chmod g+r ${shellPaths(files)}`);
  if (stateName(answers, facts) === null) {
    const data = shellWord(resolve(answers.dataDir));
    commands.push(
      `getent passwd ${user} || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin ${user}`,
      `chown -R ${user}:${user} ${data}`,
    );
  }
  const { unitFile } = answers;
  const service = serviceOf(answers);
  // Only what lies where systemd looks is found by its name.
  const isFound = unitFile !== null &&
    /^\/(?:etc|run|usr\/local\/lib|usr\/lib)\/systemd\/system$/.test(dirname(unitFile));
  if (isFound) commands.push("systemctl daemon-reload", `systemctl enable --now ${service}`);
  else if (unitFile !== null) {
    commands.push(`systemctl enable --now ${shellWord(resolve(unitFile))}`);
  }
  return commands;
}

/** What keeps the service from running although all was typed: a sentence each, mostly none. */
export function unitWarnings(answers: Answers, facts: UnitFacts): readonly string[] {
  const warnings = pathsOf(answers, facts).flatMap(([what, path]) => {
    const place = `${what} is in ${dirname(path)}`;
    if (isBelow(path, HIDDEN_PLACES)) {
      return [`${place}: a service has temporary directories of its own, so move it elsewhere`];
    }
    if (isBelow(path, ["/root"])) {
      return [
        `${place}: only root may look there, and the service is not root, so move it elsewhere`,
      ];
    }
    if (isBelow(path, HOMES)) {
      return [
        `${place}: the service gets there only if others may pass every directory on the way`,
      ];
    }
    return [];
  });
  return [...new Set(warnings)];
}

/** The name that systemctl and journalctl know it by. */
export function serviceOf({ unitFile }: Pick<Answers, "unitFile">): string {
  return basename(unitFile ?? "fmsg.service", ".service");
}

/** What the host may need after `shutdown_timeout` for what it still has to store, in seconds. */
const STOP_MARGIN = 20;
/** For the files of a certificate that somebody else looks after. */
const TLS_GROUP = "fmsg-tls";
const HOMES = ["/home", "/root", "/run/user"];
const HIDDEN_PLACES = ["/tmp", "/var/tmp", "/dev/shm"];

const KERNEL =
  `# The host is a program for the network and for its own files. It makes threads, but neither other
# kinds of namespaces nor real-time ones, changes nothing of the machine, and sees no other process.
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes

# TCP and UDP, the control socket, and netlink, which lists the machine's own addresses.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK

# What services usually need, without what needs privileges or takes more of the machine. Anything else
# fails with EPERM, which the runtime takes for a no; being killed would end the host.
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

# MemoryDenyWriteExecute is missing on purpose: the runtime makes machine code while it runs.`;

/** Who the service is, and the directory that belongs to it. */
function ownerPart(answers: Answers, facts: UnitFacts): string {
  const user = userOf(answers);
  const state = stateName(answers, facts);
  const cache = `# Where the executable, in its self-extracting form, unpacks itself.
CacheDirectory=${user}
CacheDirectoryMode=0700
UMask=0077`;
  if (state === null) {
    return `# The data directory is not one that systemd could hand over to a user who exists only while the host
# runs, so the user is a lasting one, whom the directory belongs to.
User=${user}
Group=${user}
ReadWritePaths=${word(resolve(answers.dataDir))}
${cache}
RemoveIPC=yes`;
  }
  return `# A user who exists only while the host runs. The data directory is moved to /var/lib/private/${state} at
# the first start, given to that user, and closed to everybody else but root; /var/lib/${state} leads there.
DynamicUser=yes
User=${user}
StateDirectory=${state}
StateDirectoryMode=0700
${cache}`;
}

/** What opens the certificate's files to the service, when they are not open to everybody. */
function groupPart({ access }: UnitFacts): string {
  const groups = new Set(closedTo(access).map(groupFor));
  if (groups.size === 0) return "";
  return `# Who may read the certificate's key. certbot gives a renewed key the group of the one before.
SupplementaryGroups=${[...groups].join(" ")}`;
}

function capabilityPart(answers: Answers): string {
  const ports = lowPorts(answers);
  if (ports.length === 0) {
    return `# No privileges, and no way to get any.
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
PrivateUsers=yes`;
  }
  const which = ports.length === 1 ? `port ${ports[0]}` : `ports ${ports.join(" and ")}`;
  return `# No privileges but one, for ${which}: ports below 1024 are root's otherwise.
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes`;
}

function filesPart(answers: Answers, facts: UnitFacts): string {
  const homes = pathsOf(answers, facts).some(([, path]) => isBelow(path, HOMES));
  const home = homes
    ? "# Something of this host is in a home directory, so these are there, but read-only.\nProtectHome=read-only"
    : "ProtectHome=yes";
  return `# Everything but the directories above is read-only, and home directories are not there at all.
ProtectSystem=strict
${home}
PrivateTmp=yes`;
}

/** The ports below 1024 that the host listens on, in order. */
function lowPorts({ listen, certificate, api }: Answers): number[] {
  const ports = listen.map(({ port }) => port);
  if (certificate.kind === "acme") {
    ports.push(...certificate.listen?.map(({ port }) => port) ?? [80]);
  }
  if (api === "public") ports.push(443);
  const low = ports.filter((port) => port > 0 && port < 1024);
  return [...new Set(low)].toSorted((a, b) => a - b);
}

/** The name below /var/lib that systemd hands the data directory over by; null when it cannot. */
function stateName({ dataDir }: Answers, { dataDirFixed }: UnitFacts): string | null {
  if (dataDirFixed) return null;
  // Other characters mean something in a list of directories.
  const name = /^\/var\/lib\/(?:private\/)?([A-Za-z0-9][\w.-]*)$/.exec(resolve(dataDir))?.[1];
  return name === undefined || name === "private" ? null : name;
}

/** Two hosts on one machine are two users. */
function userOf(answers: Answers): string {
  const name = serviceOf(answers);
  return /^[a-z][a-z0-9-]{0,30}$/.test(name) ? name : "fmsg";
}

/** What others may not pass or read. */
function closedTo(access: readonly Access[]): Access[] {
  return access.filter(({ mode, kind }) => (mode & (kind === "folder" ? 0o001 : 0o004)) === 0);
}

function opensToGroup({ mode, kind, gid }: Access): boolean {
  return gid !== 0 && (mode & (kind === "folder" ? 0o010 : 0o040)) !== 0;
}

/** The group by which the service gets there: one that has rights already would lose them to another. */
function groupFor({ mode, gid, group }: Access): string {
  return gid !== 0 && (mode & 0o070) !== 0 ? group : TLS_GROUP;
}

/** What the service has to get to, and systemd does not make ready for it. */
function pathsOf(answers: Answers, facts: UnitFacts): [what: string, path: string][] {
  const { certificate } = answers;
  const paths: [string, string][] = [
    ["The executable", resolve(answers.program)],
    ["The configuration", resolve(answers.configFile)],
  ];
  if (stateName(answers, facts) === null) {
    paths.push(["The data directory", resolve(answers.dataDir)]);
  }
  switch (certificate.kind) {
    case "acme":
      break;
    case "files":
      paths.push(["The certificate", resolve(certificate.cert)], [
        "The key",
        resolve(certificate.key),
      ]);
      break;
    case "self-made":
      paths.push(["The authority's certificate", selfMadeFiles(answers).authority]);
  }
  return paths;
}

function isBelow(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`));
}

/** A path as systemd.syntax(7) wants it: in quotes where needed, and without specifiers. */
function word(path: string): string {
  const specified = path.replaceAll("%", "%%");
  if (/^[\w/.,:=@+%~-]+$/.test(specified)) return specified;
  const escaped = specified.replace(/[\\"]/g, "\\$&").replace(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}

/** The same, where a dollar sign would be a variable: anywhere but in the executable's own path. */
function argument(path: string): string {
  return word(path).replaceAll("$", "$$$$");
}

function shellPaths(accesses: readonly Access[]): string {
  return accesses.map(({ path }) => shellWord(path)).join(" ");
}
