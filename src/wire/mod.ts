// The bytes of fmsg, and the values they stand for.

export * from "./address.ts";
export * from "./bytes.ts";
export * from "./code.ts";
export * from "./decode.ts";
export { encodeHeader } from "./encode.ts";
export { fold, same } from "./fold.ts";
export * from "./hash.ts";
export * from "./header.ts";
export * from "./media_type.ts";
export { isDomainName, isFilename } from "./name.ts";
export { charsetOf, decoderFor, isText } from "./text_type.ts";
