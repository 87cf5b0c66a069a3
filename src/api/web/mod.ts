// The page in the browser, as the interface serves it.

export { isOfPage, Page } from "./page.ts";
