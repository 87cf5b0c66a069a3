// Full-text search: what is indexed, how it is kept, and how people ask for it.

export { QueryError } from "./query.ts";
export { Search, type SearchHit } from "./search.ts";
export { SearchBusy, SearchThread } from "./search_thread.ts";
