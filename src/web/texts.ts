// Every word of the page. A second language is one more object of the same type.

/** How a number of things is called in English. */
function counted(n: number, one: string, many: string): string {
  return `${n.toLocaleString(LANGUAGE)} ${n === 1 ? one : many}`;
}

/** Of the texts; numbers, sizes and times follow it too. */
export const LANGUAGE = "en";

export const texts = {
  product: "fmsg",

  lists: {
    inbox: "Inbox",
    sent: "Sent",
    drafts: "Drafts",
    search: "Search",
    settings: "Settings",
    write: "Write a message",
    more: "Show more",
    loading: "Loading…",
    emptyInbox: "Nothing here yet. What is sent to you appears here.",
    emptySent: "You have not sent anything yet.",
    emptyDrafts: "No drafts.",
    emptySearch: "Nothing found.",
    searchHint: "Words, “words side by side”, -without, from:, to:, topic:, file:",
    noTopic: "(no topic)",
    unknownTopic: "(answer to an earlier message)",
    noText: "(no text)",
    draft: "Draft",
    important: "Important",
    unread: (n: number) => counted(n, "unread message", "unread messages"),
    messages: (n: number) => counted(n, "message", "messages"),
    drafts_: (n: number) => counted(n, "draft", "drafts"),
    failed: (n: number) =>
      n === 1 ? "One message was not delivered" : `${n} messages were not delivered`,
    others: (n: number) => `and ${counted(n, "other", "others")}`,
    me: "me",
  },

  message: {
    from: "From",
    to: "To",
    added: (by: string, time: string) => `Added by ${by}, ${time}`,
    answers: (whom: string) => `Answers ${whom}`,
    answersHidden: "Answers a message that you do not have",
    noReply: "Whoever wrote this does not read answers.",
    reply: "Reply",
    replyAll: "Reply to all",
    addPeople: "Add people",
    details: "Details",
    rest: (size: string) => `Show the rest (${size} in all)`,
    restIsLong: "This message is very long. The beginning is shown.",
    notText: (type: string) => `This message is not text, but ${type}.`,
    download: "Download",
    hash: "Hash of the message",
    header: "Header, exactly as it was sent",
    offline: "This message was not opened before, so it cannot be shown offline.",
    linkGoesTo: (host: string) => `goes to ${host}`,
  },

  /** What became of a message at one recipient; `time` is a time in words, `reason` the host's own words. */
  delivery: {
    delivered: (time: string | null) => time === null ? "Delivered" : `Delivered ${time}`,
    elsewhere: "Delivered by another host, which does not tell others",
    sending: "Being sent",
    draft: "Not sent yet",
    waiting: "Waiting to be sent",
    waitingForParent: "Waits until the message that it answers has arrived there",
    again: (what: string, time: string | null) =>
      time === null ? `${what}, trying again` : `${what}, trying again ${time}`,
    unreachable: "Their host cannot be reached",
    gaveUp: "Could not be delivered",
    unknownCode: (code: number) => `Refused with code ${code}`,
    codes: {
      1: "Their host takes the message for invalid",
      2: "Their host does not know this version of fmsg",
      3: "Refused, without a reason",
      4: "Too big for their host",
      5: "No room on their host",
      6: "Their host does not have the message that this one answers",
      7: "Too old for their host",
      8: "Dated in the future: one of the hosts’ clocks is wrong",
      9: "Dated before the message that it answers: one of the hosts’ clocks is wrong",
      10: "It was there already",
      11: "Their host knows of the added people",
      64: "Being sent",
      65: "Being sent",
      100: "No such user",
      101: "Mailbox full",
      102: "Takes no messages now",
      103: "It was there already",
      105: "Refused, without a reason",
      200: "Delivered",
    },
    /** What can be done, by the code; the others have nothing to be done by hand. */
    todo: {
      1: "Tell whoever runs your host about it.",
      2: "Tell whoever runs your host about it.",
      4: "Send it with fewer or smaller files.",
      5: "Try again later, or tell them another way.",
      6: "Add them to the message that you answered, then send this again. Or write to them in a new thread.",
      7: "Send it again as a new message.",
      8: "Tell whoever runs your host to check its clock.",
      9: "Tell whoever runs your host to check its clock.",
      100: "Check the address.",
      101: "Try again later, or tell them another way.",
      102: "Try again later, or tell them another way.",
    },
    todoUnreachable: "Check the part of the address after the second @, or send it again later.",
    summary: {
      delivered: "Delivered to all",
      someWait: (n: number) => `Waiting for ${counted(n, "recipient", "recipients")}`,
      someFailed: (n: number) => `Not delivered to ${counted(n, "recipient", "recipients")}`,
    },
  },

  writing: {
    title: "New message",
    answerTo: (whom: string) => `Answer to ${whom}`,
    to: "To",
    toHint: "@user@example.com",
    topic: "Topic",
    text: "Text",
    markdown: "Markdown",
    plain: "Plain text",
    preview: "Preview",
    important: "Important",
    noReply: "I do not read answers",
    attach: "Attach files",
    drop: "Drop files here to attach them",
    send: "Send",
    discard: "Discard",
    discardSure: "Discard this draft? It cannot be brought back.",
    remove: (name: string) => `Remove ${name}`,
    cancel: "Cancel",
    tryAgain: "Try again",
    limit: (size: string) => `Up to ${size} with all files`,
    tooBig: (size: string, limit: string) => `${size} is more than the ${limit} of a message.`,
    tooLarge: (name: string, limit: string) =>
      `${name} is too large: a message holds up to ${limit} with all files.`,
    renamed: (from: string, to: string) =>
      `${from} is attached as ${to}: fmsg allows no other signs.`,
    uploading: (name: string, percent: number) => `Uploading ${name}, ${percent} %`,
    needsRecipient: "Files are uploaded once there is a recipient.",
    states: {
      empty: "",
      local: "Kept in this browser; saved to your drafts once there is a recipient",
      changed: "Not saved yet",
      saving: "Saving…",
      saved: "Saved to your drafts",
      offline: "Offline: kept in this browser, saved when you are back",
      refused: (reason: string) => `Not saved, kept in this browser: ${reason}`,
      sending: "Sending…",
      sent: "Sent",
    },
    notSent: (reason: string) => `Not sent: ${reason}`,
    notSentOffline: "Not sent: you are offline. The draft is kept.",
  },

  address: {
    empty: "Write an address like @user@example.com",
    shape: "An address looks like @user@example.com",
    name: "The name may hold letters and digits, and single “-”, “_”, “.” between them",
    domain: "The part after the second @ is no domain name",
    long: "The address is longer than 255 bytes",
    twice: "This address is there already",
    tooMany: "A message has 255 recipients at most",
    unknown: "There is no such user here",
    noHost: (domain: string) => `No fmsg host is found for ${domain}`,
    notSure: (domain: string) => `Whether ${domain} has an fmsg host could not be found out now`,
    fine: "This address looks right",
  },

  adding: {
    title: "Add people",
    explain:
      "They get this message with its files, and see who is on it. Earlier and other messages of the thread they do not get. Everybody on it hears of it.",
    add: "Add",
    added: (n: number) => `${counted(n, "person was", "people were")} added`,
    already: "Is on it already",
    notAllowed: "Only whoever sent this message and those it was first sent to can add people.",
  },

  signIn: {
    title: "Sign in",
    how:
      "Open the sign-in link that you were given. Whoever runs this host makes one with: fmsg user link",
    working: "Signing in…",
    used:
      "This link does not work any more: it was used before, or is too old. Ask for another one.",
    ended: "You are signed out.",
    tooOften: "Too many tries. Wait a minute, then open the link again.",
  },

  settings: {
    title: "Settings",
    address: "Your address",
    browsers: "Where you are signed in",
    thisBrowser: "This browser",
    since: (time: string) => `since ${time}`,
    used: (time: string) => `last used ${time}`,
    end: "Sign out there",
    signOut: "Sign out",
    signOutKept: "What this browser has kept for offline reading is deleted.",
    notifications: "Notifications",
    notificationsOn: "Tell me about new messages on this device",
    notificationsDenied: "Notifications are blocked for this page in the browser’s settings.",
    notificationsNone: "This browser cannot show notifications from here.",
  },

  connection: {
    live: "Connected",
    connecting: "Connecting…",
    offline: "Offline. What you opened before can be read.",
  },

  notices: {
    offline: "The host cannot be reached. Try again in a moment.",
    newMessage: (from: string) => `New message from ${from}`,
    gone: "There is no such message, or it is not yours to see.",
    close: "Close",
    unexpected: "Something went wrong on this page. Load it again.",
    tooFast: (seconds: number) =>
      `Too many requests. Try again in ${counted(seconds, "second", "seconds")}.`,
  },

  time: {
    /** `clock` is a time of day, `date` a date. */
    at: (clock: string) => `at ${clock}`,
    on: (date: string) => date,
    yesterday: (clock: string) => `yesterday ${clock}`,
    soon: "soon",
  },
} as const;

export type Texts = typeof texts;
