// The topics of `fmsg help`, each a page of docs/. The pages are read when somebody asks for one.

export const TOPIC_NAMES = [
  "configuration",
  "dns",
  "firewall",
  "backup",
  "api",
  "troubleshooting",
] as const;

export type TopicName = typeof TOPIC_NAMES[number];

/** What each is about, for the list of them. */
export const TOPICS: Readonly<Record<TopicName, string>> = {
  configuration: "fmsg.yaml: what to set, users, and every key with its default",
  dns: "the records that others find and recognise the host by",
  firewall: "the ports to open, and how",
  backup: "copies, restoring, moving to another machine, upgrading",
  api: "the interface for clients: keys, a tour with curl, limits",
  troubleshooting: "what goes wrong, by its message, and what to do",
};

/** The page in Markdown. */
export async function topicText(name: TopicName): Promise<string> {
  switch (name) {
    case "configuration":
      return (await import("../../docs/configuration.md", { with: { type: "text" } })).default;
    case "dns":
      return (await import("../../docs/dns.md", { with: { type: "text" } })).default;
    case "firewall":
      return (await import("../../docs/firewall.md", { with: { type: "text" } })).default;
    case "backup":
      return (await import("../../docs/backup.md", { with: { type: "text" } })).default;
    case "api":
      return withoutProofs(
        (await import("../../docs/api.md", { with: { type: "text" } })).default,
      );
    case "troubleshooting":
      return (await import("../../docs/troubleshooting.md", { with: { type: "text" } })).default;
  }
}

/** fmsg.example.yaml: every key with its default. */
export async function exampleText(): Promise<string> {
  return (await import("../../fmsg.example.yaml", { with: { type: "text" } })).default;
}

/** The topic of that name in whatever case, or null. */
export function topicNamed(word: string): TopicName | null {
  return TOPIC_NAMES.find((name) => name === word.toLowerCase()) ?? null;
}

/** The page on the interface ends with a table for those who work on the program. */
function withoutProofs(page: string): string {
  const [guide = ""] = page.split("\n## What FMSG-003 demands\n");
  return `${guide.trimEnd()}\n`;
}
