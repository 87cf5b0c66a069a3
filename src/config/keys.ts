// The names that fmsg.yaml knows, and which of them somebody meant.

/** The keys that exist: a section has keys of its own, a leaf is null. */
export type KeyTree = { readonly [name: string]: KeyTree | null };

/** Every leaf, dotted, in the order of the tree. */
export function dottedKeys(tree: KeyTree, prefix = ""): string[] {
  return Object.entries(tree).flatMap(([name, below]) =>
    below === null ? [prefix + name] : dottedKeys(below, `${prefix}${name}.`)
  );
}

/** For an unknown key: the one that was probably meant, or the ones that exist beside it. */
export function nearestKey(dotted: string, known: KeyTree): string {
  const parents = dotted.split(".");
  const name = parents.pop() ?? "";
  const elsewhere = dottedKeys(known).find((key) => key === name || key.endsWith(`.${name}`));
  if (elsewhere !== undefined) return `did you mean ${elsewhere}?`;

  const siblings = Object.keys(parents.reduce<KeyTree>((tree, part) => tree[part] ?? {}, known));
  const meant = siblings
    .map((key) => ({ key, distance: distanceOf(name.toLowerCase(), key) }))
    .filter(({ key, distance }) => distance <= Math.max(1, key.length / 3))
    .sort((a, b) => a.distance - b.distance)[0];
  if (meant !== undefined) return `did you mean ${[...parents, meant.key].join(".")}?`;
  return `the keys here are ${siblings.join(", ")}`;
}

/** How many letters to insert, remove or replace; one who writes a longer or a shorter form is near. */
function distanceOf(name: string, key: string): number {
  if (name.length > 2 && (name.startsWith(key) || key.startsWith(name))) return 1;
  let row = Array.from({ length: key.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...name].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...key].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[key.length] ?? 0;
}
