// All routes of the interface.

import { openApiRoute } from "../openapi.ts";
import type { Route } from "../route.ts";
import { attachmentRoutes } from "./attachments.ts";
import { compatibleRoutes } from "./compatible.ts";
import { contentRoutes } from "./content.ts";
import { draftRoutes } from "./drafts.ts";
import { grantRoutes } from "./grants.ts";
import { headerRoutes } from "./header.ts";
import { jwksRoutes } from "./jwks.ts";
import { lookupRoutes } from "./lookup.ts";
import { messageRoutes } from "./messages.ts";
import { pushRoutes } from "../push/routes.ts";
import { searchRoutes } from "./search.ts";
import { threadRoutes } from "./thread.ts";
import { tokenRoute } from "./token.ts";

const DESCRIBED: readonly Route[] = [
  // Paths without parameters come first: `/fmsg/search` is no `/fmsg/:id`.
  tokenRoute,
  ...jwksRoutes,
  ...grantRoutes,
  ...searchRoutes,
  ...lookupRoutes,
  ...pushRoutes,
  ...messageRoutes,
  ...draftRoutes,
  ...contentRoutes,
  ...threadRoutes,
  ...headerRoutes,
  ...attachmentRoutes,
  ...compatibleRoutes,
];

export const allRoutes: readonly Route[] = [openApiRoute(DESCRIBED), ...DESCRIBED];
