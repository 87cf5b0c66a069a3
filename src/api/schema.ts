// What schemas of the interface are made of. Like all files named *_schema.ts, and client_types.ts, it uses valibot alone, so
// that a client in a browser takes its types from the schemas by which the server checks.

import * as v from "valibot";

/** An object that stands among the components of the OpenAPI description, under this name. */
export function named<const Entries extends v.ObjectEntries>(
  name: string,
  entries: Entries,
): Named<Entries> {
  return v.pipe(v.object(entries), v.title(name));
}

type Named<Entries extends v.ObjectEntries> = v.SchemaWithPipe<
  readonly [
    v.ObjectSchema<Entries, undefined>,
    v.TitleAction<v.InferOutput<v.ObjectSchema<Entries, undefined>>, string>,
  ]
>;

/** An id, or a number of things, in an answer. */
export const ID = v.pipe(v.number(), v.integer());

/** POSIX seconds, with a fraction. */
export const TIME = v.number();

/** Of a body: what may be an address. */
export const ADDRESS = v.pipe(v.string(), v.maxLength(255, "is longer than an address may be"));

/** Of a body. Whether each is an address, and none is there twice, is checked with all else that can be wrong with one. */
export const RECIPIENTS = v.pipe(
  v.array(ADDRESS),
  v.minLength(1, "has to name at least one address"),
  v.maxLength(255, "has to name no more than 255 addresses"),
);
