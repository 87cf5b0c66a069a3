// What the program is started with, in every form of the executable.

/** V8 would rather take memory than collect garbage (docs/reliability.md says what these were measured with). */
export const V8_FLAGS = "--max-semi-space-size=2,--max-old-space-size=192";

/** No subprocess, no foreign library, no code from elsewhere, and no question whether there may be. */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--deny-import",
];
