// What the tests of this folder need of the machine. As a program: says in one line what is missing, and exits with 1;
// with --packages it names the packages to install, and nothing else.

/** Commands and fonts, and Debian's packages that have them. */
const PACKAGES: Readonly<Record<string, string>> = {
  chromium: "chromium",
  curl: "curl",
  fish: "fish",
  ip: "iproute2",
  openssl: "openssl",
  pebble: "pebble",
  "/usr/lib/systemd/systemd": "systemd",
  tmux: "tmux",
  unbound: "unbound",
  unshare: "util-linux",
  zsh: "zsh",
  // What messages are written in: Latin, Arabic and others, Chinese, Japanese and Korean, emoji.
  "/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf": "fonts-noto-core",
  "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf": "fonts-droid-fallback",
  "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf": "fonts-noto-color-emoji",
};

async function missingPackages(): Promise<string[]> {
  const packages = await Promise.all(
    Object.entries(PACKAGES).map(async ([command, name]) =>
      await succeeds("sh", "-c", `command -v ${command} || test -e ${command}`) ? [] : [name]
    ),
  );
  return packages.flat();
}

/** What is missing, in words; null: nothing. */
export async function missing(): Promise<string | null> {
  if (Deno.build.os !== "linux") return "the system tests need Linux";
  const packages = (await missingPackages()).join(" ");
  if (packages !== "") {
    return `the system tests need more of Debian: apt-get install --no-install-recommends ${packages}`;
  }
  if (Deno.uid() !== 0) return "the system tests need root, for namespaces: use sudo";
  if (!await succeeds("unshare", "--net", "--pid", "--mount", "--fork", "true")) {
    return "the system tests need to make namespaces, which this machine does not allow; a container has to be privileged";
  }
  return null;
}

async function succeeds(command: string, ...args: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args: [...args] }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  if (Deno.args.includes("--packages")) console.log((await missingPackages()).join(" "));
  else {
    const what = await missing();
    if (what !== null) {
      console.error(`deno task system: ${what}`);
      Deno.exitCode = 1;
    }
  }
}
