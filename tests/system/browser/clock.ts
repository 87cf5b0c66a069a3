// Loaded before a host of a test (`deno run --preload`): its clock is behind by as many milliseconds as the file says that
// FMSG_TEST_CLOCK names, so that what is sent for a picture may be of last week.

const file = Deno.env.get("FMSG_TEST_CLOCK");
const now = Date.now;

if (file !== undefined) {
  Date.now = () => now() - Number(Deno.readTextFileSync(file));
  // Nothing is loaded before a worker: it is started by a module that has both.
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      const module = `${file}-${crypto.randomUUID()}.ts`;
      Deno.writeTextFileSync(module, `import "${import.meta.url}";\nimport "${url}";\n`);
      super(new URL(`file://${module}`), options);
    }
  };
}
