// The codes of a "REJECT or ACCEPT RESPONSE", each with its name and meaning.

/** Codes that reject a message for all recipients of the host, and end the exchange. */
export const REJECTIONS = {
  1: ["invalid", "the message header fails verification checks"],
  2: ["unsupported version", "the version is not supported by the receiving host"],
  3: ["undisclosed", "no reason is given"],
  4: ["too big", "the size exceeds what the host takes"],
  5: ["insufficient resources", "the host has no room to store the message"],
  6: ["parent not found", "the host does not hold the message that this one answers"],
  7: ["too old", "the time lies too far in the past for this host"],
  8: ["future time", "the time lies too far in the future for this host"],
  9: ["time travel", "the time lies before the parent's"],
  10: ["duplicate", "the message was received before for all recipients of the host"],
} as const satisfies CodeTable;

/** Codes for one recipient; 200 accepts, the others refuse. */
export const VERDICTS = {
  100: ["user unknown", "the host knows no such user"],
  101: ["user full", "the user's mailbox is full"],
  102: ["user not accepting", "the user takes no new messages at this time"],
  103: ["user duplicate", "the user has this message already"],
  105: ["user undisclosed", "no reason is given for this recipient"],
  200: ["accept", "the message was received for this recipient"],
} as const satisfies CodeTable;

/** Codes that go on with an exchange or end it well. */
export const ACCEPTANCES = {
  11: ["accept add to", "the added recipients were recorded"],
  64: ["continue", "the header is accepted, send the data"],
  65: ["skip data", "the header is accepted and the data is here already"],
} as const satisfies CodeTable;

type CodeTable = Readonly<Record<number, readonly [name: string, meaning: string]>>;

export type RejectCode = keyof typeof REJECTIONS;
export type RecipientCode = keyof typeof VERDICTS;
export type AcceptCode = keyof typeof ACCEPTANCES;
export type Code = RejectCode | RecipientCode | AcceptCode;

/** The codes by the specification's names, so that code which answers reads like the specification. */
export const INVALID = 1;
export const UNSUPPORTED_VERSION = 2;
export const UNDISCLOSED = 3;
export const TOO_BIG = 4;
export const INSUFFICIENT_RESOURCES = 5;
export const PARENT_NOT_FOUND = 6;
export const TOO_OLD = 7;
export const FUTURE_TIME = 8;
export const TIME_TRAVEL = 9;
export const DUPLICATE = 10;
export const ACCEPT_ADD_TO = 11;
export const CONTINUE = 64;
export const SKIP_DATA = 65;
export const USER_UNKNOWN = 100;
export const USER_FULL = 101;
export const USER_NOT_ACCEPTING = 102;
export const USER_DUPLICATE = 103;
export const USER_UNDISCLOSED = 105;
export const ACCEPT = 200;

const ALL: CodeTable = { ...REJECTIONS, ...ACCEPTANCES, ...VERDICTS };

export function isRejectCode(value: number): value is RejectCode {
  return value in REJECTIONS;
}

export function isRecipientCode(value: number): value is RecipientCode {
  return value in VERDICTS;
}

/** The specification's name of a code, such as `user full`; codes it does not name are `code 77`. */
export function codeName(code: number): string {
  return ALL[code]?.[0] ?? `code ${code}`;
}

/** What a code says, in words for people. */
export function codeMeaning(code: number): string {
  return ALL[code]?.[1] ?? "the specification does not name this code";
}
